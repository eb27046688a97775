# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters that say what is wrong around a secret, and never the secret."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from unit_support import new_pem

from ansible_collections.storeops.refunds.plugins.filter.refusal_of import refusal_of
from ansible_collections.storeops.refunds.plugins.filter.sending_fault import sending_fault

STEP = "Give https://host[:port][/path], or http:// for a service on this machine."
PEM = new_pem()
BODY = "".join(line for line in PEM.splitlines() if "-----" not in line)


@pytest.mark.parametrize(
    ("url", "headers", "told"),
    [
        ("https://chat.example.com/x\n", None, ""),
        ("https://chat.example.com/x", {"Authorization": "Token x", "X-Number": 5}, ""),
        (None, None, f"refund_url: isn't set. {STEP}"),
        ("", {}, f"refund_url: isn't set. {STEP}"),
        (5, {}, f"refund_url: this isn't an http(s) URL. {STEP}"),
        ("https://x.y", {"A": None}, "refund_headers: the header 'A' is empty. Give its value."),
        ("https://x.y", "A: x", "refund_headers: isn't a mapping. Give each header as a name with its value."),
    ],
)
def test_what_keeps_a_secret_from_being_sent(url: t.Any, headers: t.Any, told: str) -> None:
    assert sending_fault(url, "refund_url", headers, "refund_headers") == told


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"msg": "Status code was 403."}, "Status code was 403"),
        ({}, "see the task before"),
        (
            {
                "rc": 254,
                "cmd": ["/usr/bin/aws", "x"],
                "msg": "non-zero return code",
                "stderr": "\nAn error\n occurred.\n",
            },
            "aws ended with exit code 254 and said: An error occurred",
        ),
        (
            {"rc": 2, "cmd": "op item get x", "msg": "Error executing command.", "stderr": ""},
            "op can't be run: No such file or directory. Check that it is installed and on the PATH",
        ),
        ({"rc": 1, "cmd": ["op"], "msg": "non-zero return code"}, "op ended with exit code 1 and didn't say why"),
        ({"rc": 1, "cmd": ["op"], "stderr": "e" * 400}, f"op ended with exit code 1 and said: {'e' * 300}…"),
        (
            {"rc": 1, "cmd": ["op"], "stderr": "\x1b[31mno"},
            "op ended with exit code 1 and said: \N{REPLACEMENT CHARACTER}[31mno",
        ),
    ],
)
def test_why_a_program_failed(result: dict[str, t.Any], told: str) -> None:
    assert refusal_of({**result, "stdout": "hunter2"}) == told


@pytest.mark.parametrize("known", [(), (PEM,)])
@pytest.mark.parametrize(
    "echo",
    [
        PEM,
        json.dumps({"private_key": PEM}),
        base64.b64encode(PEM.encode()).decode(),
        BODY,
        # A cut of 300 characters would leave a piece of it.
        "x " * 100 + json.dumps(PEM),
    ],
)
def test_a_key_that_a_program_repeats_is_masked(echo: str, known: tuple[str, ...]) -> None:
    told = refusal_of({"rc": 1, "cmd": ["op"], "stderr": f"can't take {echo}"}, known)
    assert told.startswith("op ended with exit code 1 and said: can't take ")
    assert not any(BODY[start : start + 12] in told for start in range(48, len(BODY) - 12))


def test_a_piece_of_a_key_is_cut() -> None:
    told = refusal_of({"rc": 1, "cmd": ["op"], "stderr": f"can't take {BODY[60:140]}"})
    assert BODY[68:80] not in told and "can't take" in told
