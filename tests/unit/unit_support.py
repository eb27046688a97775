# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, tasks run for real, and other users: what many unit tests need."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import threading
import time
import traceback
import typing as t
from dataclasses import replace
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.storeops.refunds.plugins.module_utils._context import FileAttributes, Task
from ansible_collections.storeops.refunds.plugins.module_utils._fields import option_faults
from ansible_collections.storeops.refunds.plugins.module_utils._http import HttpSettings, Transport
from ansible_collections.storeops.refunds.plugins.module_utils._model.masking import Masker
from ansible_collections.storeops.refunds.plugins.module_utils._run import execute, plain
from ansible_collections.storeops.refunds.plugins.module_utils._secrets import secret_values

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.storeops.refunds.plugins.module_utils"
ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
OTHER_ISSUER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
KEY_ID = "2X9R4HXF34"
BUNDLE_ID = "com.example.one"
NOBODY = 65534

T = t.TypeVar("T")


def new_pem(curve: ec.EllipticCurve | None = None) -> str:
    """Make a private key as Apple gives it out (P-256 unless told otherwise)."""
    return as_pem(ec.generate_private_key(curve or ec.SECP256R1()))


def as_pem(key: t.Any) -> str:
    """Write any private key as unencrypted PKCS#8."""
    return str(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    )


def public_pem(pem: str) -> str:
    """Give the public part as PEM."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def fingerprint_of(pem: str) -> str:
    """Compute the fingerprint without the code under test."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def write_key(path: Path, pem: str, mode: int = 0o600) -> Path:
    """Put a key file in place."""
    path.write_text(pem)
    path.chmod(mode)
    return path


class Patience:
    """All that was slept, so that nobody waits: a pause is over at once, and counts in full.

    The real time counts a tenth: a deadline is to end by the pauses, not because the machine is slow.
    """

    def __init__(self) -> None:
        self._slept = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Give the seconds of a clock that is never set back."""
        return time.monotonic() / 10 + self._slept

    def now(self) -> float:
        """Give UNIX seconds."""
        return time.time() + self._slept

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._slept += seconds

    def transport(self, settings: HttpSettings) -> Transport:
        """Make a transport that lives by this clock; jitter is always one half.

        A try takes as long as a machine that stands still needs: one more would be a call too many.
        """
        if settings.request_timeout == HttpSettings.request_timeout:
            settings = replace(settings, request_timeout=300.0)
        return Transport(settings, self.monotonic, self.now, self.sleep, lambda: 0.5)


class Outcome(t.NamedTuple):
    """What a task returned, and what it warned of."""

    results: dict[str, t.Any]
    warnings: list[str]

    @property
    def message(self) -> str:
        """The failure's message, empty when the task succeeded."""
        return str(self.results.get("msg", ""))


class Attributes:
    """Ansible's file attributes that find nothing to refuse; a test's own set something, or fail."""

    def unusable(self, folder: str) -> None:
        """Take every value."""

    def ids(self) -> tuple[None, None]:
        """Leave owner and group as they are."""
        return None, None


def run_task(
    task: Task,
    options: dict[str, t.Any],
    check_mode: bool = False,
    environ: dict[str, str] | None = None,
    attributes: FileAttributes | None = None,
) -> Outcome:
    """Run a task as a module would: real argument spec, real defaults, real masking.

    ``options``: those that the task doesn't have are left out, so that one set serves several tasks.
    """
    taken = {name: value for name, value in options.items() if name in task.argument_spec}
    validated = ArgumentSpecValidator(dict(task.argument_spec)).validate(taken)
    params = plain(validated.validated_parameters)
    masker = Masker(secret_values(task.argument_spec, plain(taken)) | secret_values(task.argument_spec, params))
    message = option_faults(task.argument_spec, plain(taken))
    if message:
        return Outcome({"failed": True, "msg": masker.mask(message)}, [])
    assert not validated.error_messages, validated.error_messages
    warnings: list[str] = []
    results = execute(task, params, check_mode, warnings.append, environ or {}, masker, attributes)
    return Outcome(results, warnings)


def as_other_user(function: t.Callable[[], T]) -> T:
    """Call a function in a child that is not root, where modes and owners count."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _report(function, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    succeeded, value = pickle.loads(data)
    assert succeeded, value
    return t.cast(T, value)


def _report(function: t.Callable[[], t.Any], writer: int) -> t.NoReturn:
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        answer = (True, function())
    except BaseException:
        answer = (False, traceback.format_exc())
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(pickle.dumps(answer))
    os._exit(0)


def give_away(folder: Path, mode: int = 0o700) -> Path:
    """Let the other user into a folder of pytest's, which is private to its owner."""
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent != Path("/") and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(mode)
    return folder


@contextlib.contextmanager
def pipe_at(path: Path) -> t.Iterator[Path]:
    """Have a pipe that ends whenever somebody reads it: code that would wait fails its test, and never hangs."""
    os.mkfifo(path)
    is_over = threading.Event()

    def end() -> None:
        while not is_over.is_set():
            os.close(os.open(path, os.O_WRONLY))

    ender = threading.Thread(target=end, daemon=True)
    ender.start()
    try:
        yield path
    finally:
        is_over.set()
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        ender.join()
        os.close(reader)
