# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys as they were given, and what came of reading them; each is read once, however many apps share it."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..._apple import hints
from ..._apple.credential_check import CredentialCheck
from ..._context import Context, Results
from ..._decisions.refusal import KeyId, settled_kind
from ..._declaration.keys import KeySource, identifiers
from ..._model.errors import InputError, RefundsError
from ..._model.identifiers import Environment
from ..._model.integration import Credentials, Integration
from ..._model.private_key import KeyProblem
from ..._model.verdict import Verdict
from ..shared.options import load_credentials, load_key, warn_about_name

# What the task that puts a key in place can tell of it.
_IDS = ("issuer_id", "key_id")


@dataclass(frozen=True, eq=False)
class LoadedKey:
    """``credentials``, or the ``problem`` of the key itself, or the ``fault`` of its options."""

    source: KeySource
    credentials: Credentials | None = None
    problem: KeyProblem | None = None
    fault: str = ""

    def id(self, bundle_id: str) -> KeyId:
        """Return what apps have in common whose key is the same; ``bundle_id`` is that of the app."""
        credentials, source = self.credentials, self.source
        if credentials is None:
            return (source.issuer_id or "", source.key_id or "", "", bundle_id)
        return (credentials.issuer_id, credentials.key_id, credentials.private_key.fingerprint)

    def ask(self, check: CredentialCheck, bundle_id: str, place: Environment, is_skipped: bool = False) -> Verdict:
        """Return Apple's verdict, or that of the key itself where no call could better it."""
        if self.problem:
            return check.local(self.problem, place)
        if self.credentials is None or is_skipped:
            return Verdict("not_checked", hints.NOT_CHECKED, place)
        return check.check(self.credentials, bundle_id, place)

    def check(self, check: CredentialCheck, bundle_id: str, place: Environment) -> Verdict:
        """Return the same where nothing is known of the key but what its file is named."""
        return settled_kind(self.source, self.ask(check, bundle_id, place))

    @cached_property
    def declared(self) -> Results:
        """Return the module result ``declared``: the key that is asked for, None in it for what is not known."""
        source, credentials = self.source, self.credentials
        issuer_id, key_id = None, None
        # Where the file's name says otherwise, the options are what the task asks for.
        for one in (replace(source, path=None), source):
            with contextlib.suppress(InputError, KeyProblem):
                issuer_id, key_id = identifiers(one)
        if credentials:
            issuer_id, key_id = credentials.issuer_id, credentials.key_id
        fingerprint = credentials.private_key.fingerprint if credentials else source.fingerprint
        return {"issuer_id": issuer_id, "key_id": key_id, "key_fingerprint": fingerprint}


@dataclass
class KeyReader:
    """Reads each key once, and warns once of a name that tells of another kind."""

    context: Context
    _read: dict[t.Hashable, LoadedKey] = field(default_factory=dict)

    def load(self, source: KeySource) -> LoadedKey:
        """Return the key. Never raises."""
        if source not in self._read:
            self._read[source] = self._load(source)
        return self._read[source]

    def complete(self, sources: t.Iterable[KeySource], held: t.Callable[[], t.Iterable[Integration]]) -> None:
        """Give keys that lack IDs those under which the same key is ``held``: a key that was made has them only there.

        ``held`` is asked if there is such a key.
        """
        lacking = [key for key in map(self.load, sources) if key.fault and key.source.is_given]
        known: dict[str, Integration] = {}
        for entry in held() if lacking else ():
            if entry.key_fingerprint and entry.issuer_id and entry.key_id:
                # What Apple accepted comes before what was only stored.
                first = known.setdefault(entry.key_fingerprint, entry)
                known[entry.key_fingerprint] = entry if entry.is_accepted and not first.is_accepted else first
        for key in lacking:
            with contextlib.suppress(RefundsError):
                self._read[key.source] = _completed(key.source, known)
                warn_about_name(key.source, self.context)

    def _load(self, source: KeySource) -> LoadedKey:
        if source.unusable:
            return LoadedKey(source, fault=source.unusable)
        try:
            credentials = load_credentials(source, self.context.check_mode)
        except KeyProblem as problem:
            return LoadedKey(source, problem=problem)
        except InputError as error:
            if source.trouble and error.option in _IDS and not getattr(source, error.option):
                told = f"{source.where}{error.option} isn't declared, and the task that puts the key in place failed."
                return LoadedKey(source, fault=f"{told} Declare it, or do what is said about the key.")
            named = error if str(error).startswith(source.where) else f"{source.where}{error}"
            return LoadedKey(source, fault=str(named))
        warn_about_name(source, self.context)
        return LoadedKey(source, credentials)


def _completed(source: KeySource, known: t.Mapping[str, Integration]) -> LoadedKey:
    """Return a key with IDs that it lacks. Raises RefundsError where it can't be used, or isn't held."""
    issuer_id, key_id = identifiers(source)
    private_key = load_key(source)
    entry = known.get(private_key.fingerprint)
    if entry is None:
        raise InputError(source.where, "isn't held.")
    found = Credentials(issuer_id or str(entry.issuer_id), key_id or str(entry.key_id), private_key, source.path)
    return LoadedKey(source, found)
