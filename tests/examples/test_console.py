# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a playbook prints: each sentence once in a task, both values of what differs, and a line when all is well."""

from __future__ import annotations

import json
import re
import sys
import typing as t

import pytest
from newcomer import SETTINGS, Newcomer
from playground import ROOT

sys.path.insert(0, str(ROOT / "tests/unit"))

from told_once import twice

ISSUER, OTHER = "57246542-96fe-1a63-e053-0824d011072a", "69a6de70-0000-47e3-e053-5b8c7c11a4d1"
WRONG_ISSUER = OTHER.replace("-0000-", "-0001-")


def tasks(printed: str) -> list[str]:
    return re.split(r"^(?:TASK|PLAY|RUNNING) ", printed, flags=re.MULTILINE)[1:]


def repeated(task: str) -> list[str]:
    """Return the sentences that a task prints more than once.

    Ansible itself prints a failure's message as the error and as the result; within the result it stands once.
    """
    told, results = [], []
    for line in task.splitlines():
        (results if re.match(r"(?:fatal|failed): ", line) else told).append(line)
    return [*twice("\n".join(told)), *(one for line in results for one in twice(_message(line)))]


def _message(line: str) -> str:
    found = json.loads(line.split("=> ", 1)[1])
    return str(found.get("msg", ""))


TOLD = "Apple refused this key for this app twice (401), and doesn't say why."


@pytest.mark.parametrize(
    ("text", "is_twice"),
    [
        (f"[ERROR]: {TOLD}\nCompare it. Compare it.", False),
        (f"com.example.one: {TOLD}\ncom.example.two: {TOLD}", True),
        (f"{TOLD} Run again. {TOLD}", True),
        (f'[ERROR]: {TOLD}\nfatal: [localhost]: FAILED! => {{"msg": "{TOLD}", "changed": false}}', False),
        (f'fatal: [localhost]: FAILED! => {{"msg": "{TOLD} {TOLD}"}}', True),
    ],
)
def test_the_rule(text: str, is_twice: bool) -> None:
    assert bool(repeated(text)) is is_twice


def spoiled(newcomer: Newcomer, *pairs: tuple[str, str]) -> None:
    path = newcomer.cwd / "refunds.yml"
    text = path.read_text()
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    path.write_text(text)


def revoke(newcomer: Newcomer, key_id: str) -> None:
    newcomer.tells("PATCH", f"iap_keys/{key_id}", {"active": False})


def spoiled_address(newcomer: Newcomer) -> None:
    path = newcomer.cwd / SETTINGS
    path.write_text(re.sub(r"127\.0\.0\.1:\d+/app-store-server", "127.0.0.1:9/app-store-server", path.read_text()))


Spoil = t.Callable[[Newcomer], None]
TROUBLES: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "a wrong issuer": (lambda one: spoiled(one, (OTHER, WRONG_ISSUER)), (OTHER, WRONG_ISSUER)),
    "wrong capitals": (
        lambda one: spoiled(one, ("com.example.two", "com.example.TWO")),
        ("com.example.two", "com.example.TWO"),
    ),
    "a revoked key": (lambda one: revoke(one, "2X9R4HXF34"), ("2X9R4HXF34", ISSUER)),
    "another key's file": (
        lambda one: (
            (one.home / "keys/SubscriptionKey_9ABCDEF123.p8").write_text(
                (one.home / "keys/SubscriptionKey_2X9R4HXF34.p8").read_text()
            )
            and None
        ),
        ("the private key's fingerprint was ", " (accepted) and is "),
    ),
    "nobody answers": (spoiled_address, ("127.0.0.1:9",)),
}


def test_a_line_says_that_all_is_well(newcomer: Newcomer) -> None:
    said = {name: newcomer.plays(name).stdout for name in ("site", "refunds")}
    said["audit"] = newcomer.plays("audit", "-e refund_audit_path=$PWD/report").stdout
    assert "3 apps: 3 changed." in said["site"] and "Refunds: 3 of 3 apps read, " in said["refunds"]
    assert (
        f"3 apps audited, none needs attention: 3 OK. The report: {newcomer.cwd}/report/refund-audit.html"
        in said["audit"]
    )
    assert [task for text in said.values() for task in tasks(text) if repeated(task)] == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_is_told_once_with_both_values(trouble: str, newcomer: Newcomer) -> None:
    assert newcomer.plays("site").returncode == 0
    spoil, values = TROUBLES[trouble]
    spoil(newcomer)
    for playbook in ("site", "audit"):
        ran = newcomer.plays(playbook, "-e refund_audit_path=$PWD/report" if playbook == "audit" else "", "2>&1")
        assert ran.returncode != 0, ran.stdout
        assert [task for task in tasks(ran.stdout) if repeated(task)] == []
        (error,) = re.findall(r"^\[ERROR\]: (.*?)\nOrigin: ", ran.stdout, re.MULTILINE | re.DOTALL)
        assert "attention" in error and all(value in error for value in values), error
    read = newcomer.plays("refunds", "2>&1").stdout
    assert [task for task in tasks(read) if repeated(task)] == []
