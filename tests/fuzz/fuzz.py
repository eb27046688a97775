# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from outside, made up by atheris along the branches of the code.

``python tests/fuzz/fuzz.py TARGET -max_total_time=60`` fails when something comes out that is no error for the user.
Targets: p8, session, payload, report, world. Needs ``pip install atheris``, which "make deep" does in an environment of
its own.
"""

from __future__ import annotations

import contextlib
import json
import sys
import typing as t
from pathlib import Path

import atheris
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/unit/events"), str(ROOT / "extensions/simulator")]

with atheris.instrument_imports(include=["ansible_collections.storeops", "storeops_simulator"]):
    from events_support import APPLE_ID, BUNDLE_ID, Apple
    from storeops_simulator.fields import InputError as WorldError
    from storeops_simulator.world_input import read_world

    from ansible_collections.storeops.refunds.plugins.module_utils._apple.signed_data import SignedData
    from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
    from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import KeyProblem, parse_file
    from ansible_collections.storeops.refunds.plugins.module_utils._model.refund import Rejected
    from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import parse_session
    from ansible_collections.storeops.refunds.plugins.module_utils._report.entries import apps_of

_APPLE = Apple()
_VERIFIER = SignedData(_APPLE.root, "production", BUNDLE_ID, APPLE_ID)
# One that is sound, so that the fuzzer has something to break.
_SOUND = json.loads(_APPLE.body())["signedPayload"].encode()


def _p8(data: bytes) -> None:
    with contextlib.suppress(KeyProblem):
        parse_file(data, "/keys/a.p8")


def _session(data: bytes) -> None:
    with contextlib.suppress(InputError):
        parse_session(data.decode("utf-8", "replace"), "session")


def _payload(data: bytes) -> None:
    # Another one's text is a notification only where every byte is the same.
    found = _VERIFIER.told(data.decode("latin-1"))
    assert isinstance(found, Rejected) or data == _SOUND, data


def _json(data: bytes, use: t.Callable[[t.Any], object], refusal: type[Exception]) -> None:
    with contextlib.suppress(ValueError, RecursionError, refusal):
        use(json.loads(data))


def _made_p8() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)


TARGETS: dict[str, tuple[t.Callable[[bytes], None], list[bytes]]] = {
    "p8": (_p8, [_made_p8()]),
    "session": (_session, [b'[{"name": "myacinfo", "value": "a", "domain": "apple.com"}]', b"---\n- name: myacinfo\n"]),
    "payload": (_payload, [_SOUND]),
    "report": (
        lambda data: _json(data, lambda found: apps_of(found if isinstance(found, list) else [found]), InputError),
        [b'[{"bundle_id": "a", "integration": {"status": "Active"}}]'],
    ),
    "world": (lambda data: _json(data, read_world, WorldError), [b'{"teams": [{"apps": [{"bundle_id": "a.b"}]}]}']),
}


def main() -> None:
    """Fuzz one target; what is left of the command line is libFuzzer's."""
    name = sys.argv.pop(1)
    one, seeds = TARGETS[name]
    corpus = Path(sys.argv.pop(1))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)
    atheris.Setup([*sys.argv, str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
