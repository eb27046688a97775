# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From registered results of the audit's tasks to apps. Fields that are not named here are never looked at."""

from __future__ import annotations

import typing as t
from dataclasses import fields, replace

from .._model.errors import InputError
from .._model.integration import app_in
from .._model.masking import MASK
from .._model.secret import looks_secret
from .._model.undeclared import Undeclared
from .._model.verdict import LOCAL_CAUSES
from .._plan import COMPARED_IN_LEDGER
from .classify import Finding, problems_of
from .model import KEY_FIELDS, App, BadKey, Difference, Key, Kind, Problem, worst

Fields = t.Mapping[str, t.Any]
# Of a key that is declared absent and that something still uses, the task that knows it says so itself.
_KINDS_OF_KEYS: t.Mapping[str, Kind] = {"key_in_use": "drift"}
_NEXT_STEP = (
    "Give registered results of storeops.refunds.refund_tracking_integrations or refund_tracking_integration, or "
    "{bundle_id, failed: true, msg} for an app that could not be audited."
)


def apps_of(results: t.Sequence[Fields], option: str = "results") -> list[App]:
    """Return every app of the results, by bundle ID, environment and tracker. Raises InputError naming the place."""
    found: list[App] = []
    for number, result in enumerate(results):
        found.extend(_apps(result, f"{option}[{number}]"))
    return sorted(found, key=_place)


def _place(app: App) -> tuple[str, str, str]:
    return app.bundle_id, app.environment, app.tracker


def with_faults(apps: t.Sequence[App], refunds: t.Sequence[Fields]) -> list[App]:
    """Return the apps with what their refunds tell of the declaration, each at its first tracker.

    It comes before other drift: a run would only store the number that Apple contradicts.
    """
    faults = {
        (_text(fault.get("bundle_id")), _text(fault.get("environment"))): _text(fault.get("msg"))
        for result in refunds
        for fault in _list(result.get("declaration_faults"))
        if isinstance(fault, t.Mapping)
    }
    found = []
    for app in sorted(apps, key=lambda app: app.tracker != "ledger"):
        text = faults.pop((app.bundle_id, app.environment), "")
        is_told = any(problem.cause == "wrong_apple_id" for problem in app.problems)
        problems = (Problem("drift", "wrong_apple_id", text), *app.problems) if text and not is_told else app.problems
        deciding = worst(problems)
        found.append(replace(app, problems=problems, kind=deciding.kind if deciding else "ok"))
    return sorted(found, key=_place)


def undeclared_of(results: t.Sequence[Fields], apps: t.Iterable[App]) -> tuple[Undeclared, ...]:
    """Return what is set up and none of ``apps``, those of all results, each once."""
    lists = [_list(result.get("undeclared")) for result in _with_loops(results)]
    items = [item for found in lists for item in found if isinstance(item, t.Mapping)]
    # One that is declared absent may be absent in another project.
    audited = {_place(app) for app in apps if app.tracker == "ledger" or not _is_to_be_absent(app)}
    found = {_undeclared(item) for item in items if _text(item.get("bundle_id"))}
    return tuple(sorted(one for one in found if (one.bundle_id, one.environment, one.tracker) not in audited))


def _is_to_be_absent(app: App) -> bool:
    is_kept = any(problem.cause == "still_held" for problem in app.problems)
    return app.status == "Absent" or app.action == "delete" or is_kept


def _undeclared(item: Fields) -> Undeclared:
    bundle_id, environment, tracker, label = (_text(item.get(field.name)) for field in fields(Undeclared))
    environment, tracker = environment or "production", tracker or "ledger"
    return Undeclared(bundle_id, environment, tracker, label or app_in(bundle_id, environment))


def bad_keys_of(results: t.Sequence[Fields]) -> tuple[BadKey, ...]:
    """Return the keys with problems of which no app tells, each problem once, in the order of the results."""
    found: dict[BadKey, None] = {}
    items = [item for result in _with_loops(results) for item in _list(result.get("keys_with_problems"))]
    for item in (each for each in items if isinstance(each, t.Mapping)):
        cause = _text(item.get("cause"))
        kind: Kind = "refused" if cause in LOCAL_CAUSES else _KINDS_OF_KEYS.get(cause, "unknown")
        found[BadKey(_text(item.get("key")), kind, cause or "failed", _text(item.get("msg")))] = None
    return tuple(found)


def _with_loops(results: t.Iterable[t.Any]) -> t.Iterator[Fields]:
    """Give the results, and of a task that ran in a loop those of its items, too."""
    for result in (each for each in results if isinstance(each, t.Mapping)):
        yield result
        yield from _with_loops(_list(result.get("results")))


def absent_keys_of(results: t.Sequence[Fields], known: t.Iterable[BadKey] = ()) -> tuple[BadKey, ...]:
    """Return the keys that are declared absent and not known to be gone, by what appstore_iap_key said of each.

    Not those that site keeps, as what is ``known`` says.
    """
    found: list[BadKey] = []
    kept = {one.name for one in known if one.cause == "key_in_use"}
    for item in results:
        name, told = _text(item.get("key")), _text(item.get("summary"))
        if item.get("failed"):
            text = f"Declared absent, and this audit can't tell whether it is gone. {_text(item.get('msg'))}"
            found.append(BadKey(name, "unknown", "failed", text))
        elif item.get("changed") and name not in kept:
            text = f"Declared absent, and not removed yet. Run storeops.refunds.site: {told}"
            found.append(BadKey(name, "drift", "key_still_there", text))
    return tuple(found)


def _list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []


def _apps(result: Fields, where: str) -> t.Iterator[App]:
    if not isinstance(result, t.Mapping):
        raise InputError(where, "isn't a mapping.", _NEXT_STEP)
    looped, bulk = result.get("results"), result.get("integrations")
    if isinstance(bulk, list):
        before, after = (_mapping(_mapping(result.get("diff")).get(side)) for side in ("before", "after"))
        for number, item in enumerate(bulk):
            if not isinstance(item, t.Mapping):
                raise InputError(f"{where}.integrations[{number}]", "isn't a mapping.", _NEXT_STEP)
            name = str(item.get("label") or item.get("bundle_id"))
            diff = {"before": before.get(name), "after": after.get(name)}
            yield _app(item, item, diff, f"{where}.integrations[{number}]")
    elif isinstance(looped, list):
        for number, item in enumerate(looped):
            yield from _apps(item, f"{where}.results[{number}]")
    else:
        yield _app(result, _mapping(result.get("integration")), _mapping(result.get("diff")), where)


def _finding(
    result: Fields, integration: Fields, differences: tuple[Difference, ...], action: str, bundle_id: str
) -> Finding:
    check, status = _mapping(result.get("credential_check")), _optional(integration.get("status"))
    is_confirmed_now = result.get("confirmed_now") is True
    return Finding(
        cause=_text(check.get("cause")),
        hint=_unnamed(check.get("hint"), bundle_id),
        # Until a run records the confirmation, nobody may rely on it.
        status="Pending" if is_confirmed_now and status == "Active" else status,
        action=action,
        outcome=_text(result.get("outcome")) or ("not_tried" if result.get("skipped") else ""),
        is_failed=bool(result.get("failed")) or result.get("outcome") == "failed",
        is_unreachable=bool(result.get("unreachable")),
        message=_unnamed(result.get("msg"), bundle_id),
        differences=differences,
        tracker=_text(integration.get("tracker")),
        next_step=_text(result.get("next_step")),
        own_finding=_text(result.get("finding")),
        is_confirmed_now=is_confirmed_now,
    )


def _app(result: Fields, integration: Fields, diff: Fields, where: str) -> App:
    bundle_id = _first_text(integration.get("bundle_id"), result.get("bundle_id"), _item(result))
    if not bundle_id:
        said = _text(result.get("msg"))
        raise InputError(where, f"has no bundle_id; it says: {said}" if said else "has no bundle_id.", _NEXT_STEP)
    check = _mapping(result.get("credential_check"))
    # A task for one app says what a run would do. Of an entry of a list that doesn't, nobody compared it.
    is_unsaid = bool(integration) and integration is not result
    action = _text(result.get("action")) or ("unknown" if is_unsaid else "")
    finding = _finding(result, integration, _differences(diff, integration, action), action, bundle_id)
    problems = problems_of(finding)
    deciding = worst(problems)
    return App(
        bundle_id=bundle_id,
        name=_text(result.get("app_name")),
        environment=_first_text(integration.get("environment"), result.get("environment")) or "production",
        tracker=_first_text(integration.get("tracker"), result.get("tracker")),
        status=_shown_status(finding),
        held=_key(integration),
        declared=_key(result["declared"]) if isinstance(result.get("declared"), t.Mapping) else None,
        action=action,
        cause=finding.cause,
        hint=finding.hint,
        http_status=_number(check.get("http_status")),
        error_code=_number(check.get("error_code")),
        checked_at=_optional(check.get("checked_at")),
        request_id=_optional(check.get("request_id")),
        problems=problems,
        differences=finding.differences,
        kind=deciding.kind if deciding else "ok",
        is_of_key=result.get("is_of_key") is True,
        key_name=_first_text(_mapping(result.get("declared")).get("key"), result.get("key")),
        is_confirmed_by_hand=result.get("confirmed_by_hand") is True and not finding.is_confirmed_now,
        label=_text(result.get("label")),
    )


def _unnamed(value: t.Any, bundle_id: str) -> str:
    """Return a text without the app's name before it: one fault of many apps is one text then."""
    return _text(value).removeprefix(f"{bundle_id}: ")


def _key(fields: Fields) -> Key:
    return Key(*(_optional(fields.get(name)) for name in KEY_FIELDS))


def _shown_status(found: Finding) -> str | None:
    """Return the status as it is now: check mode tells what it would be after a run, which nobody has seen."""
    if found.action == "create":
        # Of what a person enters, this ledger only has no note.
        return None if found.next_step else "Absent"
    if found.action == "delete":
        # It is held still, and the result tells how it is to be.
        return None
    is_unknown = found.action == "update" and any(
        one.field == "key_fingerprint" and one.before is None for one in found.differences
    )
    return "Unknown" if is_unknown and found.status in ("Active", "Pending") else found.status


def _differences(diff: Fields, integration: Fields, action: str) -> tuple[Difference, ...]:
    if action not in ("create", "update", "delete"):
        return ()
    before, after = _mapping(diff.get("before")), _mapping(diff.get("after"))
    for side in (before, after):
        # Another environment's diff under the same name.
        if side and side.get("environment") not in (None, integration.get("environment")):
            return ()
    pairs = ((name, _optional(before.get(name)), _optional(after.get(name))) for name in COMPARED_IN_LEDGER)
    return tuple(Difference(name, old, new) for name, old, new in pairs if old != new)


def _item(result: Fields) -> t.Any:
    """Return the bundle ID of a loop's item: the item itself, or its field."""
    item = result.get("item")
    return item.get("bundle_id") if isinstance(item, t.Mapping) else item


def _mapping(value: t.Any) -> Fields:
    return value if isinstance(value, t.Mapping) else {}


def _text(value: t.Any) -> str:
    """Return a text that can be written as UTF-8 and is no key that was put in the wrong place."""
    if value is None:
        return ""
    text = str(value).encode("utf-8", "replace").decode()
    return MASK if looks_secret(text) else text


def _optional(value: t.Any) -> str | None:
    return None if value is None else _text(value)


def _first_text(*values: t.Any) -> str:
    return next((text for value in values if isinstance(value, str) and (text := _text(value))), "")


def _number(value: t.Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
