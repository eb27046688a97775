# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apps as they are declared: below their key or beside it, each a bundle ID or a mapping."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from .._context import Params
from .._declared_spec import APP, OF_HOSTS, expanded
from .._fields import place, read_entry, refuse_empty, unknown_fields
from .._model.errors import InputError, RefundsError
from .._model.identifiers import Environment, parse_app_apple_id, parse_bundle_id, shown
from .._model.integration import Identity
from .._model.token_marks import shortened
from .._tracker_spec import TRACKERS
from .._trackers.options import SettingsError
from .._trackers.qonversion_settings import QonversionSettings
from .._trackers.settings import LedgerSettings, Settings, parse, require_environment
from .keys import KeySource, key_entries, key_source, names_of

Policy = t.Literal["required", "advisory", "skip"]
_TEXTS = ("bundle_id", "key", "notification_url")


@dataclass(frozen=True)
class App:
    """One declared app. ``place``: the entry, for messages. ``bundle_id`` is ``place`` where it can't be used.

    ``key``: None only where ``fault`` says why. ``settings``: of each tracker that is to hold it; a task without
    trackers has the ledger's alone, and ``trackers`` is what the entry lists. ``name``: the app's name, for reports.
    ``fault``: everything that is wrong with the entry; it then has whatever could be read, and the bare name of a
    tracker for its settings.
    """

    place: str
    bundle_id: str
    environment: Environment = "production"
    is_absent: bool = False
    key: KeySource | None = None
    app_apple_id: int | None = None
    settings: tuple[Settings, ...] = (LedgerSettings(),)
    trackers: tuple[str, ...] = ()
    policy: Policy = "required"
    notification_url: str | None = None
    name: str = ""
    fault: str = ""

    def identity(self, settings: Settings) -> Identity:
        return Identity(settings.tracker, settings.project, self.environment, self.bundle_id)


class Entry(t.NamedTuple):
    """An entry as it was written. ``key``: the name of the key that it stands below."""

    place: str
    fields: Params
    key: str | None
    faults: tuple[str, ...] = ()

    def option(self, name: str) -> str:
        """Return the name of one of its fields for a message."""
        return f"{self.place}: {name}" if self.place else name


def entries_of(params: Params) -> t.Iterator[Entry]:
    """Yield the entries of ``apps``, then those below each key."""
    for number, app in enumerate(params.get("apps") or ()):
        yield _entry("apps", number, app, None)
    for key in key_entries(params):
        for number, app in enumerate(key.fields.get("apps") or ()):
            yield _entry(f"{key.place}.apps", number, app, key.name)


def _entry(option: str, number: int, app: t.Any, key: str | None) -> Entry:
    # What has a fault is left at what the task says.
    fields, faults = read_entry({"bundle_id": app} if isinstance(app, str) else app, APP)
    where = place(option, number, app.get("bundle_id") if isinstance(app, dict) else app)
    # An entry may be a text, so that Ansible converts nothing in it.
    fields |= {name: str(fields[name]) for name in _TEXTS if fields.get(name) is not None}
    if isinstance(fields.get("trackers"), str):
        fields["trackers"] = [fields["trackers"]]
    return Entry(where, fields, key, (f"{where}: {' '.join(faults)}",) if faults else ())


@dataclass
class AppReader:
    """Reads entries one after the other. What an entry doesn't say is taken from the task's ``params``."""

    params: Params
    keys: t.Mapping[str, KeySource]
    _settings: dict[tuple[str, str], Settings] = field(default_factory=dict, init=False)
    _seen: dict[Identity, str] = field(default_factory=dict, init=False)
    _full: dict[t.Hashable, str] = field(default_factory=dict, init=False)
    _numbers: dict[int, str] = field(default_factory=dict, init=False)

    def read_all(self, entries: t.Iterable[Entry]) -> tuple[App, ...]:
        """Return the apps, those of hosts last: a host gives way to what a list says of its app. Never raises."""
        every = list(entries)
        apps = [self.read(entry) for entry in every if not entry.fields.get("host")]
        listed = {(app.bundle_id, app.environment) for app in apps}
        # By name: two lists may have been made of the same hosts.
        of_hosts = {str(entry.fields["host"]): entry for entry in every if entry.fields.get("host")}
        return (*apps, *(self.read(entry) for entry in of_hosts.values() if self._name(entry) not in listed))

    def _name(self, entry: Entry) -> tuple[str, str]:
        bundle_id = str(entry.fields.get("bundle_id") or "").strip()
        return bundle_id, self._said(entry.fields, "environment") or "production"

    def read(self, entry: Entry) -> App:
        """Return the app. Never raises."""
        fields, where, faults = entry.fields, entry.place, list(entry.faults)

        def attempt(read: t.Callable[[], t.Any], otherwise: t.Any = None) -> t.Any:
            try:
                return read()
            except SettingsError as error:
                faults.extend(map(str, error.faults))
            except RefundsError as error:
                faults.append(str(error))
            return otherwise

        given = fields.get("bundle_id")
        bundle_id = attempt(lambda: parse_bundle_id(given, entry.option("bundle_id")), "") if given is not None else ""
        environment: Environment = self._said(fields, "environment") or "production"
        is_absent = self._said(fields, "state") == "absent"
        settings = tuple(
            attempt(partial(self._settings_of, name, entry, environment), LedgerSettings(name))
            for name in self._tracker_names(entry)
        )
        faults += _misspelt_unused(entry, self._tracker_names(entry))
        app = App(
            place=where,
            bundle_id=bundle_id or where,
            environment=environment,
            is_absent=is_absent,
            key=attempt(lambda: self._key(entry, is_absent)),
            app_apple_id=attempt(lambda: _apple_id(entry)),
            settings=settings,
            trackers=tuple(fields.get("trackers") or ()),
            policy=self._said(fields, "credential_check") or "required",
            notification_url=attempt(lambda: _notification_url(entry)),
            name=fields.get("name") or "",
        )
        if bundle_id:
            for check in self._checks(app, entry):
                attempt(check)
        return _with_fault(app, faults)

    def _checks(self, app: App, entry: Entry) -> t.Iterator[t.Callable[[], None]]:
        """Yield what compares the app with those before it."""
        yield partial(self._refuse_shared_number, app)
        yield from (partial(self._refuse_twin, app, identity) for identity in self._identities(app, entry))
        yield from (partial(self._refuse_shared_project, app, one) for one in app.settings)

    def _said(self, fields: Params, name: str) -> t.Any:
        return fields.get(name) or self.params.get(name)

    def _key(self, entry: Entry, is_absent: bool) -> KeySource | None:
        name = entry.fields.get("key") or entry.key
        if entry.key and name != entry.key:
            problem = f"names the key {shown(str(name))} and stands below the key {shown(entry.key)}."
            raise InputError(entry.place, problem, "Leave key out, or move the app.")
        if name:
            if name not in self.keys:
                problem = f"{shown(str(name))} isn't an entry of keys (there are: {names_of(self.keys)})."
                raise InputError(entry.option("key"), problem)
            return self.keys[name]
        source = key_source(self.params)
        if is_absent or source.is_given or source.is_predicted or not self.keys:
            return source
        step = "Write key: with the name of its key, or list the app below its key."
        if entry.fields.get("host"):
            host = shortened(str(entry.fields["host"]))
            step = f"Set {OF_HOSTS['key']} to the name of its key, for the host {host} or its group."
        raise InputError(entry.place, f"has no key (declared keys: {names_of(self.keys)}).", step)

    def _tracker_names(self, entry: Entry) -> list[str]:
        """Return each name once. A task that has no trackers reads the declaration of one that has."""
        if "tracker" not in self.params:
            return ["ledger"]
        return list(dict.fromkeys(entry.fields.get("trackers") or [self.params.get("tracker") or "ledger"]))

    def _settings_of(self, name: str, entry: Entry, environment: Environment) -> Settings:
        require_environment(name, environment, entry.option("environment"))
        given, fields = entry.fields.get(name) or {}, TRACKERS[name]["options"]
        own = {option: expanded(option, value, fields) for option, value in given.items() if value is not None}
        known = (name, repr(sorted(own.items(), key=str)))
        if known not in self._settings:
            where, shared = entry.option(name) if own else name, dict(self.params.get(name) or {})
            # A path is used before a text, and the app's own session before that of all apps.
            if "session" in own:
                shared.pop("session_path", None)
            self._settings[known] = parse(name, {**shared, **own}, where)
        return self._settings[known]

    def _refuse_shared_number(self, app: App) -> None:
        """Raise InputError where another app has the same Apple ID; an app has one for both environments."""
        number = app.app_apple_id
        other = app.bundle_id if number is None else self._numbers.setdefault(number, app.bundle_id)
        if other != app.bundle_id:
            step = "Each app has its own: App Store Connect, App Information, Apple ID."
            raise InputError(f"{app.place}: app_apple_id", f"is {number}, which is that of {other}.", step)

    def _identities(self, app: App, entry: Entry) -> t.Iterator[Identity]:
        """Yield what the entry is about: a task without trackers, too, gets what is declared for one that has some."""
        if "tracker" in self.params:
            yield from map(app.identity, app.settings)
            return
        for name in app.trackers or (self.params.get("default_tracker") or "ledger",):
            own = entry.fields.get(name) or {}
            project = own.get("project") or own.get("project_id") or ""
            yield Identity(name, str(project), app.environment, app.bundle_id)

    def _refuse_twin(self, app: App, identity: Identity) -> None:
        first = self._seen.setdefault(identity, app.place)
        if first != app.place:
            there = "" if identity.tracker == "ledger" else f" at {identity.tracker}"
            raise InputError(app.place, f"stands in {first} already, for {app.environment}{there} as well.")

    def _refuse_shared_project(self, app: App, settings: Settings) -> None:
        if not isinstance(settings, QonversionSettings):
            return
        # A project of Qonversion is one app, and its API key says which, whatever the entries call it.
        other = self._full.setdefault((settings.url, settings.api_key), app.bundle_id)
        if other != app.bundle_id:
            step = "Give each app its own project: qonversion: {api_key: …} in its entry."
            raise InputError(app.place, f"shares its Qonversion project with {other}, and a project has one app.", step)


def _misspelt_unused(entry: Entry, used: t.Collection[str]) -> t.Iterator[str]:
    """Yield unknown options of trackers that don't hold the app: what nobody uses, nobody else looks at."""
    for name, spec in TRACKERS.items():
        own = entry.fields.get(name)
        if name not in used and isinstance(own, dict):
            yield from (f"{entry.option(name)}: {fault}" for fault in unknown_fields(spec["options"], own))


def _apple_id(entry: Entry) -> int | None:
    number = entry.fields.get("app_apple_id")
    whole = None if number is None else int(Decimal(number))
    return parse_app_apple_id(whole, entry.option("app_apple_id"))


def _notification_url(entry: Entry) -> str | None:
    refuse_empty(entry.fields, ("notification_url",), entry.option(""))
    found: str | None = entry.fields.get("notification_url")
    return found


def _with_fault(app: App, faults: t.Sequence[str]) -> App:
    return replace(app, fault=" ".join(dict.fromkeys(faults))) if faults else app
