# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list of apps came to: one item for each, a diff of those that differ, and one short message."""

from __future__ import annotations

import typing as t
from collections import Counter

from ..._context import Results
from ..._decisions.attention import keys_needing_attention
from ..._decisions.decision import Decision
from ..._declaration.declaration import Declaration
from ..._model.errors import first_sentence
from ..._model.integration import REMOVAL_ASKED, Identity
from ..._model.text import few, told_once
from ..._plan import compared
from ..shared.few_warnings import MOST
from .key_troubles import KeyTrouble

_MOST_REASONS = 20


def items(decisions: t.Sequence[Decision]) -> list[Results]:
    """Return the module result ``integrations``."""
    names = _Names(decisions)
    return [{"label": names.target(decision.held.identity), **_item(decision)} for decision in decisions]


def _item(decision: Decision) -> Results:
    """Return what came of one app at one tracker, a long hint once."""
    return {
        **decision.told.as_result(),
        "app_name": decision.app_name,
        "key": decision.key_name or None,
        "declared": decision.declared,
        "action": decision.step.action,
        "outcome": outcome(decision),
        "msg": decision.brief or decision.error,
        "next_step": decision.next_step,
        "confirmed_by_hand": confirmed_by_hand(decision),
        "confirmed_now": decision.is_confirmation,
        "finding": decision.finding,
        "is_of_key": decision.is_of_key,
        "credential_check": decision.verdict.as_result(),
    }


def confirmed_by_hand(decision: Decision) -> bool:
    """Tell whether the status rests on a person's word: the tracker can't be asked."""
    told = decision.told
    is_said = told.is_confirmed_by_hand or (told.status == "Active" and told.word == REMOVAL_ASKED)
    return decision.has_no_api and is_said


def outcome(decision: Decision) -> str:
    if decision.error:
        return "not_tried" if decision.is_untried else "failed"
    return "changed" if decision.step.changed else "unchanged"


def diff(decisions: t.Sequence[Decision]) -> Results:
    """Return ``before`` and ``after``, each by bundle ID, of the apps that differ.

    Ansible's ``--diff`` shows nothing of a mapping whose outer names are others than these two.
    """
    names = _Names(decisions)
    differing = [decision for decision in decisions if decision.step.changed]
    return {
        "before": {names.target(decision.held.identity): compared(decision.step.current) for decision in differing},
        "after": {names.target(decision.held.identity): compared(decision.step.desired) for decision in differing},
    }


def summary(decisions: t.Sequence[Decision], check_mode: bool) -> str:
    """Return in one line how many apps were (or would be) changed, are waiting, or need attention."""
    apps: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        identity = decision.held.identity
        apps.setdefault((identity.bundle_id, identity.environment), []).append(decision)
    words = {**_STATES, **_PREDICTED} if check_mode else _STATES
    states = {app: _state(group) for app, group in apps.items()}
    # An app that changed, and isn't Active or is still held somewhere, is one that changed, and is named.
    also = [
        app
        for app, group in apps.items()
        if states[app] in ("waiting", "kept") and any(decision.step.changed for decision in group)
    ]
    shown = {**states, **dict.fromkeys(also, "changed")}
    counted = Counter(shown.values())
    named = [decision for app in also for decision in apps[app]]
    beside = {"waiting": _waiting(named), "kept": dict.fromkeys(identity.place for identity in _kept(named))}
    some = "; ".join(f"{words[state][0]}: {few([*names])}" for state, names in beside.items() if names)
    alone: dict[str, list[Decision]] = {}
    for app, group in apps.items():
        alone.setdefault(shown[app], []).extend(group)
    aside = {
        "changed": f" (of these {some})" if some else "",
        "waiting": f" ({few([*_waiting(alone.get('waiting', ()))])})",
        "kept": f" ({few(_Names(decisions).of_apps(_kept(alone.get('kept', ()))))})",
    }
    told = [
        f"{counted[state]:,} {said[counted[state] > 1]}{aside.get(state, '')}"
        for state, said in words.items()
        if counted[state]
    ]
    return f"{_number(len(apps), 'app')}: {', '.join(told)}." if apps else "No apps are declared."


def _waiting(decisions: t.Iterable[Decision]) -> dict[str, None]:
    """Return the apps that are to be Active and aren't, each with its tracker's own word for that."""
    return dict.fromkeys(_worded(decision) for decision in decisions if _is_waiting(decision))


def _kept(decisions: t.Iterable[Decision]) -> list[Identity]:
    """Return what is still held and declared absent."""
    return [decision.held.identity for decision in decisions if decision.is_kept]


def _worded(decision: Decision) -> str:
    identity, word = decision.held.identity, decision.told.word
    return identity.bundle_id + (f": {identity.tracker} says {word!r}" if word and not decision.has_no_api else "")


def confirmations(decisions: t.Iterable[Decision], check_mode: bool) -> str:
    """Name what a person confirmed in this run; empty for nothing: a slip in the variable must not look the same."""
    found = dict.fromkeys(one.held.identity.place for one in decisions if one.is_confirmation)
    return f"{'Would be confirmed' if check_mode else 'Confirmed'} by hand: {few([*found])}." if found else ""


def unconfirmed(decisions: t.Iterable[Decision], check_mode: bool) -> str:
    """Name what a person confirmed before any run had asked for it: nothing is wrong with the variable then."""
    found = dict.fromkeys(one.held.identity.place for one in decisions if one.is_too_early and not one.error)
    never, asks = ("Would not be", "would ask") if check_mode else ("Not", "asks")
    return f"{never} confirmed, because this run {asks} for it first: {few([*found])}." if found else ""


def entries(decisions: t.Iterable[Decision], check_mode: bool) -> str:
    """Name all that a person is asked to enter, where warnings don't: the next confirmation counts for each of them."""
    asked = (one.held.identity.place for one in decisions if one.next_step and not one.error)
    names = list(dict.fromkeys(asked))
    return f"{_by_hand('enter', check_mode)}: {', '.join(names)}." if len(names) > MOST else ""


def removals(decisions: t.Iterable[Decision], check_mode: bool) -> str:
    """Name all that a person is asked to remove for the first time: the next confirmation counts for each of them."""
    asked = [one for one in decisions if one.has_no_api and one.is_kept and one.step.needs_saving and not one.error]
    names = ", ".join(dict.fromkeys(one.held.identity.place for one in asked))
    return f"{_by_hand('remove', check_mode)}: {names}." if names else ""


def _by_hand(verb: str, check_mode: bool) -> str:
    return f"You would have to {verb} these by hand" if check_mode else f"{verb.capitalize()} these by hand"


# Of one app, and of more.
_STATES = {
    "attention": ("needs attention", "need attention"),
    "untried": ("wasn't tried", "weren't tried"),
    "changed": ("changed",) * 2,
    "removed": ("removed",) * 2,
    "kept": ("declared absent and still held",) * 2,
    "waiting": ("not Active",) * 2,
    "unchanged": ("unchanged",) * 2,
}
# In check mode.
_PREDICTED = {
    "changed": ("would change",) * 2,
    "removed": ("would be removed",) * 2,
    "waiting": ("would not be Active",) * 2,
}


def _state(decisions: t.Sequence[Decision]) -> str:
    """Return the state of one app at all its trackers."""
    if any(decision.error and not decision.is_untried for decision in decisions):
        return "attention"
    if any(decision.error for decision in decisions):
        return "untried"
    if any(decision.is_kept for decision in decisions):
        return "kept"
    if any(_is_waiting(decision) for decision in decisions):
        return "waiting"
    actions = {decision.step.action for decision in decisions if decision.step.changed}
    if actions == {"delete"} and all(decision.held.status == "Absent" for decision in decisions):
        return "removed"
    return "changed" if actions else "unchanged"


def _is_waiting(decision: Decision) -> bool:
    """Tell whether it is to be Active and isn't. A key yet to be made keeps nothing from it, a person's turn does."""
    is_open = decision.verdict.cause == "key_not_yet_created" and decision.held.identity.tracker != "devtodev"
    return not decision.is_absent and decision.told.status not in ("Active", "Absent") and not is_open


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def troubles(decisions: t.Sequence[Decision], declaration: Declaration, keys: t.Sequence[KeyTrouble] = ()) -> str:
    """Return what needs attention, a line for each cause; empty when nothing does. ``integrations`` has the rest."""
    bad = [decision for decision in decisions if decision.error]
    reasons: dict[tuple[str, bool], list[Identity]] = {(one.text, True): [] for one in keys}
    for decision in bad:
        reasons.setdefault((_reason(decision), decision.is_of_key), []).append(decision.held.identity)
    if not reasons:
        return ""
    names = _Names(decisions)
    found = [(*reason, names.of_apps(identities)) for reason, identities in reasons.items()]
    # The rare cause must not hide behind the common one.
    shown = sorted(found, key=lambda item: -len(item[2]))[:_MOST_REASONS]
    more = len(reasons) - len(shown)
    lines = [_line(*item) for item in shown]
    lines += [f"And {_number(more, 'more cause')}: see integrations."] if more > 0 else []
    return "\n".join([_headline(decisions, bad, declaration, keys), *told_once(lines)])


def _line(reason: str, is_of_key: bool, names: t.Sequence[str]) -> str:
    if not names:
        return reason
    return f"{reason} Apps: {few(names)}." if is_of_key else f"{few(names)}: {reason}"


def _headline(
    decisions: t.Sequence[Decision],
    bad: t.Sequence[Decision],
    declaration: Declaration,
    troubled: t.Sequence[KeyTrouble],
) -> str:
    tried = _apps(decision for decision in bad if not decision.is_untried)
    untried = _apps(bad) - tried
    total = _number(len(_apps(decisions)), "app")
    keys = keys_needing_attention(((one.key_name, one.is_of_key) for one in bad), (one.key for one in troubled))
    told = [f"{len(tried):,} of {total} {_need(tried)} attention"] * bool(tried)
    told += [f"{len(untried):,} of {total} {'was' if len(untried) == 1 else 'were'}n't tried"] * bool(untried)
    told += [f"{len(keys):,} of {_number(len(declaration.keys), 'key')} {_need(keys)} attention"] * bool(keys)
    return f"{', '.join(told)}." if told else "The declaration needs attention."


def _need(some: t.Collection[object]) -> str:
    return "needs" if len(some) == 1 else "need"


def _apps(decisions: t.Iterable[Decision]) -> set[tuple[str, str]]:
    return {(one.held.identity.bundle_id, one.held.identity.environment) for one in decisions}


def _reason(decision: Decision) -> str:
    if decision.is_refusal:
        told = f"{decision.verdict.cause}: {decision.verdict.brief}"
        return f"key {decision.key_name}: {told}" if decision.is_of_key and decision.key_name else told
    return first_sentence(decision.error.removeprefix(f"{decision.held.identity.bundle_id}: "), 2)


class _Names:
    """Names apps by their bundle IDs, and more where another one of ``decisions`` has the same."""

    def __init__(self, decisions: t.Iterable[Decision]) -> None:
        self._environments: dict[str, set[str]] = {}
        # The trackers of each app, and its projects at each of them.
        self._trackers: dict[str, dict[str, set[str]]] = {}
        for decision in decisions:
            identity = decision.held.identity
            self._environments.setdefault(identity.bundle_id, set()).add(identity.environment)
            trackers = self._trackers.setdefault(identity.bundle_id, {})
            trackers.setdefault(identity.tracker, set()).add(identity.project)

    def app(self, identity: Identity) -> str:
        is_twin = len(self._environments[identity.bundle_id]) > 1 and identity.environment == "sandbox"
        return f"{identity.bundle_id} (sandbox)" if is_twin else identity.bundle_id

    def target(self, identity: Identity) -> str:
        """Return the name of one app at one tracker."""
        place = self._place(identity)
        return f"{self.app(identity)} at {place}" if place else self.app(identity)

    def _place(self, identity: Identity) -> str:
        """Return the tracker, with its project where that is one of several; empty for the only tracker."""
        trackers = self._trackers[identity.bundle_id]
        if len(trackers[identity.tracker]) > 1:
            return f"{identity.tracker} {identity.project}".strip()
        return identity.tracker if len(trackers) > 1 else ""

    def of_apps(self, identities: t.Iterable[Identity]) -> list[str]:
        """Return each app once: with its trackers where there are others of which this is not said."""
        groups: dict[str, list[Identity]] = {}
        for identity in dict.fromkeys(identities):
            groups.setdefault(self.app(identity), []).append(identity)
        return [self._of_app(name, group) for name, group in groups.items()]

    def _of_app(self, name: str, group: t.Sequence[Identity]) -> str:
        everywhere = sum(len(projects) for projects in self._trackers[group[0].bundle_id].values())
        if len(group) == everywhere:
            return name
        return f"{name} at {' and '.join(map(self._place, group))}"
