# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key or a session in any option of any module, in any shape that people paste: nothing of it is ever shown."""

from __future__ import annotations

import base64
import importlib
import json
import secrets
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from cryptography.hazmat.primitives import serialization
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, ROOT, new_pem, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import looks_secret
from ansible_collections.storeops.refunds.plugins.module_utils._run import execute, plain, refusal
from ansible_collections.storeops.refunds.plugins.module_utils._secrets import secret_values
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

pytestmark = pytest.mark.ansible
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
# Any text will do as a name; a piece without a mark of its own can't be told from one.
NAMES = ("name", "keys.key", "keys.name")
# As long a piece of the key, or of any form of it, would begin to give it away.
WINDOW = 16


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _der(pem: str, form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8) -> bytes:
    loaded = serialization.load_pem_private_key(pem.encode(), None)
    return loaded.private_bytes(serialization.Encoding.DER, form, serialization.NoEncryption())


SHAPES: dict[str, t.Callable[[str], str]] = {
    "PEM": lambda pem: pem,
    "escaped": lambda pem: pem.replace("\n", "\\n"),
    "escaped twice": lambda pem: pem.replace("\n", "\\\\n"),
    "in one line": lambda pem: " ".join(pem.splitlines()),
    "for a URL": lambda pem: quote(pem, safe=""),
    "UTF-16": lambda pem: pem.encode("utf-16-le").decode("latin-1"),
    "JSON": lambda pem: json.dumps({"type": "service_account", "private_key": pem}),
    "base64": lambda pem: _b64(pem.encode()),
    "quoted base64": lambda pem: f'"{_b64(pem.encode())}"',
    "NAME=base64": lambda pem: f"IAP_KEY={_b64(pem.encode())}",
    "export": lambda pem: f"export IAP_KEY='{_b64(pem.encode())}'",
    "data URI": lambda pem: f"data:application/x-pem-file;base64,{_b64(pem.encode())}",
    "base64 for URLs": lambda pem: base64.urlsafe_b64encode(pem.encode()).decode().rstrip("="),
    "wrapped base64": lambda pem: base64.encodebytes(pem.encode()).decode(),
    "base64 twice": lambda pem: _b64(_b64(pem.encode()).encode()),
    "base64 of UTF-16": lambda pem: _b64(pem.encode("utf-16")),
    "base64 of UTF-16, other order": lambda pem: _b64(pem.encode("utf-16-be")),
    "base64 with a byte order mark": lambda pem: _b64(pem.encode("utf-8-sig")),
    "base64 behind a folder": lambda pem: f"/srv/keys/{_b64(pem.encode())}",
    "base64 of JSON": lambda pem: _b64(json.dumps({"key": pem}).encode()),
    "bare body": lambda pem: _b64(_der(pem)),
    "SEC 1 body": lambda pem: _b64(_der(pem, serialization.PrivateFormat.TraditionalOpenSSL)),
    "quoted body": lambda pem: f"'{_b64(_der(pem))}'",
    "hexadecimal": lambda pem: _der(pem).hex(),
    "second half": lambda pem: pem[len(pem) // 2 :],
    "a piece from the middle": lambda pem: _b64(_der(pem))[60:140],
    "session": lambda pem: json.dumps([{"name": "myacinfo", "value": secrets.token_hex(40), "domain": ".apple.com"}]),
    "base64 of a session": lambda pem: _b64(
        json.dumps([{"name": "myacinfo", "value": secrets.token_hex(40)}]).encode()
    ),
    "cookie header": lambda pem: f"myacinfo={secrets.token_hex(40)}; dslang=US-EN",
}


def _strings(spec: t.Mapping[str, t.Any], path: tuple[str, ...] = ()) -> t.Iterator[tuple[str, ...]]:
    """Name every option that a text may be pasted into, numbers and choices too, nested ones as well."""
    for name, option in spec.items():
        if "options" in option:
            yield from _strings(option["options"], (*path, name))
        elif option.get("type") != "bool":
            yield (*path, name)


def _with(spec: t.Mapping[str, t.Any], base: dict[str, t.Any], path: tuple[str, ...], text: str) -> dict[str, t.Any]:
    """Put a text in its place among options that are otherwise sound."""
    name, *rest = path
    option = spec[name]
    if not rest:
        return {**base, name: [text] if option.get("type") == "list" else text}
    needed = {"bundle_id": BUNDLE_ID, "key": "a"}
    required = {each: needed[each] for each in ("bundle_id", "key") if option["options"].get(each, {}).get("required")}
    inner = _with(option["options"], required, tuple(rest), text)
    return {**base, name: [inner] if option.get("type") == "list" else inner}


def _shown(task: Task, given: dict[str, t.Any], check_mode: bool) -> tuple[str, str]:
    """Run a task as the in-process action does, and give all that it shows: results, message, warnings."""
    given = plain(given)
    validation = ModuleArgumentSpecValidator(dict(task.argument_spec)).validate(given)
    params = plain(validation.validated_parameters)
    masker = Masker(secret_values(task.argument_spec, given) | secret_values(task.argument_spec, params))
    message = refusal(task.argument_spec, given, validation.errors.msg if validation.error_messages else "")
    if message:
        return str(masker.mask(message)), ""
    warnings: list[str] = []
    results = execute(task, params, check_mode, warnings.append, {"HOME": "/nonexistent"}, masker)
    return repr(results) + json.dumps(results, default=str) + "".join(warnings), str(results.get("msg", ""))


def _pieces(text: str) -> set[str]:
    """Every piece of a text of that length that is material: without the words that stand around a key."""
    for word in (
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "application/x-pem-file",
        "service_account",
    ):
        text = text.replace(word, "\n")
    runs = [run for run in text.replace("\\n", "\n").split() if len(run) >= WINDOW]
    return {run[start : start + WINDOW] for run in runs for start in range(len(run) - WINDOW + 1)}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, pem: str) -> dict[str, t.Any]:
    """Options with which every module comes to its work; addresses lead nowhere."""
    folder = tmp_path_factory.mktemp("work")
    path = folder / "one.p8"
    path.write_text(pem)
    path.chmod(0o600)
    made = {
        "bundle_id": BUNDLE_ID,
        "issuer_id": ISSUER,
        "key_id": KEY_ID,
        "private_key_path": str(path),
        "app_store_server_url": "http://127.0.0.1:9",
        "app_store_connect_url": "http://127.0.0.1:9",
        "app_store_connect_api_url": "http://127.0.0.1:9",
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "credential_check": "skip",
        "deadline": 0.02,
        "app_apple_id": 1,
        "path": str(folder / "report"),
        "results": [],
    }
    # A ledger that is there is read faster than one that isn't.
    given = {name: made[name] for name in ("bundle_id", "issuer_id", "key_id", "private_key_path", "ledger")}
    assert not run_task(integration.TASK, {**given, "credential_check": "skip"}).results.get("failed")
    return made


def _task(module: str) -> Task:
    return t.cast(Task, importlib.import_module(f"ansible_collections.storeops.refunds.plugins.modules.{module}").TASK)


def _is_watched(path: tuple[str, ...]) -> bool:
    return len(path) == 1 and path[0].endswith(("_path", "key_id", "bundle_id", "name"))


def _share(module: str, path: tuple[str, ...]) -> list[str]:
    """The shapes that a module tries on an option of a path: those who have it too try the others."""
    holders = [name for name in MODULES if path in set(_strings(_task(name).argument_spec))]
    return list(SHAPES)[holders.index(module) % 3 :: min(len(holders), 3)]


def test_every_shape_is_tried_on_every_option_with_a_path() -> None:
    tried: dict[tuple[str, ...], set[str]] = {}
    for module in MODULES:
        for path in filter(_is_watched, _strings(_task(module).argument_spec)):
            tried.setdefault(path, set()).update(_share(module, path))
    assert len(tried) > 5 and {path for path, shapes in tried.items() if shapes != set(SHAPES)} == set()


@pytest.mark.parametrize("module", MODULES)
def test_nothing_of_it_is_shown(
    module: str, base: dict[str, t.Any], other_pem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every option x a sample of the shapes that moves on with each option.

    The options that hold paths: all shapes, of which each module that has the option tries a third.
    """
    monkeypatch.chdir(tmp_path)
    task = _task(module)
    known = {name: value for name, value in base.items() if name in task.argument_spec}
    shapes = list(SHAPES)
    leaks = []
    for number, path in enumerate(_strings(task.argument_spec)):
        chosen = ["a piece from the middle", shapes[number % len(shapes)]]
        chosen = _share(module, path) if _is_watched(path) else chosen
        for shape in chosen:
            text = SHAPES[shape](other_pem)
            shown, message = _shown(task, _with(task.argument_spec, known, path, text), check_mode=True)
            is_name = shape == "a piece from the middle" and ".".join(path) in NAMES
            is_shown = not is_name and any(piece in shown for piece in _pieces(text))
            if is_shown or "fault of storeops" in message:
                leaks.append((".".join(path), shape, message[:300]))
    assert not leaks, "\n".join(map(str, leaks))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "a piece from the middle"])
def test_every_shape_is_recognised(shape: str) -> None:
    for _number in range(3):
        assert looks_secret(SHAPES[shape](new_pem())), shape


@pytest.mark.parametrize(
    "text",
    [
        "/home/me/.fastlane/spaceship/me@example.com/myacinfo",
        "~/sessions/myacinfo.cookie",
        "/srv/keys/SubscriptionKey_2X9R4HXF34.p8",
        "57246542-96fe-1a63-e053-0824d011072a",
        "a" * 64,
        "https://api.storekit.itunes.apple.com/inApps/v1",
        "The line that begins with PRIVATE KEY is missing",
    ],
)
def test_what_is_no_secret(text: str) -> None:
    assert not looks_secret(text)
