# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""In-App Purchase keys as they are declared: where each comes from, by the short names that apps refer to."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t
from dataclasses import dataclass, replace

from .._context import Params
from .._declared_spec import KEY_ENTRY, expanded
from .._fields import is_shown_key, place, read_entry, refuse_empty
from .._files.reading import Policy
from .._model.errors import InputError, RefundsError
from .._model.identifiers import parse_issuer_id, refuse_no_path, shown
from .._model.private_key import KeyProblem, read_file_name, settle_key_id
from .._model.secret import Secret
from .._model.token_marks import shortened

# What App Store Connect shows. Only the shape is known, so that another one is no fault.
_SHAPE = re.compile(r"[A-Z0-9]{10}")


@dataclass(frozen=True)
class KeySource:
    """Where a key comes from. ``where`` starts the option names in messages, such as ``keys[1] (studio): ``.

    ``is_predicted``: in check mode, a task before would have made or mended the file. ``fingerprint``: of the key that
    it then would hold, where that is known. ``fault``: why the key can't be used, as the task that puts it in place
    said. ``trouble``: what else stopped that task, which says nothing of the key. ``unusable``: what is wrong with its
    options; of these it then has the Issuer ID alone. ``is_absent``: it is to be gone.
    """

    issuer_id: str | None
    key_id: str | None
    path: str | None
    content: Secret | None
    policy: Policy
    is_predicted: bool = False
    where: str = ""
    name: str = ""
    fingerprint: str | None = None
    fault: KeyProblem | None = None
    trouble: str = ""
    unusable: str = ""
    is_absent: bool = False

    @property
    def is_given(self) -> bool:
        return bool(self.path or self.content)

    @property
    def is_mounted(self) -> bool:
        """The file is somebody else's: it may be a link or open to others, is only read, and stays as it is."""
        return self.policy == "mounted" and not self.content

    @property
    def has_api_key_name(self) -> bool:
        """True when the file is named AuthKey_…, as App Store Connect API keys are."""
        return bool(self.path) and read_file_name(os.path.basename(str(self.path))).is_api_key


def key_source(params: Params, where: str = "") -> KeySource:
    """Return the key that a task's or a declared key's parameters describe."""
    refuse_empty(params, ("issuer_id", "key_id", "private_key_path", "private_key_content"), where)
    content = params.get("private_key_content")
    refuse_no_path(params.get("private_key_path") or "", f"{where}private_key_path")
    # Stored with the integration: it must mean the same file wherever the next run starts.
    path = os.path.abspath(params["private_key_path"]) if params.get("private_key_path") else None
    return KeySource(
        issuer_id=params.get("issuer_id") or None,
        key_id=params.get("key_id") or None,
        path=path,
        content=Secret(content) if content else None,
        policy=params.get("private_key_file_policy") or "strict",
        is_predicted=bool(params.get("key_predicted")),
        where=where,
        name=params.get("key") or "",
    )


def identifiers(source: KeySource) -> tuple[str | None, str | None]:
    """Return Issuer ID and Key ID as far as they are given, checked. Raises InputError, KeyProblem."""
    issuer_id = parse_issuer_id(source.issuer_id, f"{source.where}issuer_id") if source.issuer_id else None
    name = read_file_name(os.path.basename(source.path or ""))
    return issuer_id, settle_key_id(source.key_id, name, source.path or "")


def ids_of(source: KeySource | None) -> tuple[str | None, str | None]:
    """Return Issuer ID and Key ID as options and file name say; None where nothing is said, or they can't be used."""
    with contextlib.suppress(RefundsError):
        return identifiers(source) if source else (None, None)
    return None, None


def key_id_of(source: KeySource | None) -> str | None:
    """Return the Key ID alone."""
    return ids_of(source)[1]


def has_unusual_id(source: KeySource) -> bool:
    """Tell whether the given Key ID has another shape than those of App Store Connect."""
    return bool(source.key_id) and not _SHAPE.fullmatch("".join(str(source.key_id).split()))


class Entry(t.NamedTuple):
    """An entry of ``keys`` as it was written, as far as it can be used."""

    place: str
    fields: dict[str, t.Any]
    faults: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the short name, or the place of an entry that has none."""
        return self.fields.get("key") or self.place


def key_entries(params: Params) -> list[Entry]:
    """Return the entries of ``keys``, each with everything that is wrong with its fields."""
    return [_entry(number, entry) for number, entry in enumerate(params.get("keys") or ())]


def absent_keys(params: Params) -> list[str]:
    """Return the short names of the keys that are to be gone and of which ``iap_keys`` tells nothing yet."""
    done = {entry.get("key") for entry in params.get("iap_keys") or () if isinstance(entry, dict)}
    names = (entry.name for entry in key_entries(params) if entry.fields.get("state") == "absent")
    return [name for name in names if name not in done]


def _entry(number: int, given: t.Any) -> Entry:
    known = given if isinstance(given, dict) else {}
    where = place("keys", number, known.get("key"))
    fields, faults = read_entry(given, KEY_ENTRY)
    if str(known.get("key")).strip() == "":
        faults.append("key is empty. Give the key a short name, such as studio_a.")
    said = {name: expanded(name, value, KEY_ENTRY) for name, value in fields.items() if value is not None}
    return Entry(where, said, (f"{where}: {' '.join(faults)}",) if faults else ())


def declared_keys(params: Params, faults: list[str]) -> dict[str, KeySource]:
    """Return the entries of ``keys`` by short name, completed by ``iap_keys``, and append what is wrong with them."""
    made = {entry.get("key"): entry for entry in params.get("iap_keys") or () if isinstance(entry, dict)}
    found: dict[str, KeySource] = {}
    for entry in key_entries(params):
        where, wrong, name = f"{entry.place}: ", list(entry.faults), entry.fields.get("key") or ""
        if entry.name in found:
            wrong.append(f"{where}key {shown(name)} stands in an entry before. Give each key a name of its own.")
        try:
            source = _completed(_declared(entry.fields, params, where), made.get(name))
        except InputError as error:
            wrong.append(str(error))
        if wrong:
            # Its apps have a key, if none that can be used.
            team = _team(entry.fields, params)
            source = KeySource(team, None, None, None, "strict", where=where, name=name, unusable=" ".join(wrong))
        faults.extend(wrong)
        found.setdefault(entry.name, source)
    return found


def _team(fields: Params, params: Params) -> str | None:
    """Return the Issuer ID of an entry with a fault, None where that is what is wrong."""
    text = fields.get("issuer_id") or params.get("issuer_id")
    with contextlib.suppress(InputError):
        return parse_issuer_id(str(text), "issuer_id") if text else None
    return None


def _declared(fields: Params, params: Params, where: str) -> KeySource:
    """Issuer ID and policy are often the same for all keys; a key's ID and file are never another key's."""
    shared = {name: params.get(name) for name in ("issuer_id", "private_key_file_policy")}
    source = replace(key_source({**shared, **fields}, where), is_absent=fields.get("state") == "absent")
    if source.issuer_id:
        parse_issuer_id(source.issuer_id, f"{where}issuer_id")
    return source


def _completed(source: KeySource, made: Params | None) -> KeySource:
    """Return a key with what the task that puts it in place told of it."""
    if made is None:
        return source
    told = str(made.get("msg") or "It could not be put in place.") if made.get("failed") else ""
    return replace(
        source,
        issuer_id=source.issuer_id or made.get("issuer_id"),
        key_id=source.key_id or made.get("key_id"),
        path=source.path or made.get("private_key_path"),
        is_predicted=bool(made.get("predicted")),
        fingerprint=made.get("key_fingerprint"),
        fault=KeyProblem(made["cause"], told) if told and made.get("cause") else None,
        trouble="" if made.get("cause") else told,
    )


def names_of(keys: t.Mapping[str, KeySource]) -> str:
    """Return the names that may be shown."""
    names = sorted(source.name for source in keys.values() if is_shown_key(source.name, {}))
    return ", ".join(map(shortened, names)) or "none"
