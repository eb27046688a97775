# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a purge removes: of which teams, how much at most, and what is recorded of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest
from unit_support import ISSUER, OTHER_ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.decision import Decision
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.irreversible import Gate
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.apps import App
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration, absent
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
from ansible_collections.storeops.refunds.plugins.module_utils._model.verdict import Verdict
from ansible_collections.storeops.refunds.plugins.module_utils._plan import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.purge import Purge, Wishes, parse_purge
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking.surplus import Surplus, surplus_of

NOW = "2026-11-28T00:00:00Z"


def gate(said: list[str], check_mode: bool = False) -> Gate:
    """A gate that says into a list."""
    return Gate(lambda: NOW, said.append, check_mode)


def held(name: str, issuer: str | None = ISSUER, **more: t.Any) -> Integration:
    """An integration in the ledger."""
    identity = Identity("ledger", "", "production", f"com.example.{name}")
    return replace(Integration(identity, issuer, "KEY1234567", "f", "Active"), **more)


def purge(limit: int, is_share: bool = False, issuers: t.Iterable[str] = (ISSUER,)) -> Purge:
    """A purge of these teams."""
    return Purge("production", frozenset(issuers), limit, is_share)


def test_of_these_teams_what_is_not_listed_goes() -> None:
    mine, listed, other, unknown = held("a"), held("b"), held("c", OTHER_ISSUER), held("d", None)
    everything = [mine, listed, other, unknown]
    assert purge(1).doomed(everything, {listed.identity}) == [mine]
    assert purge(1, issuers=(ISSUER, OTHER_ISSUER)).doomed(everything, {listed.identity}) == [mine, other]


@pytest.mark.parametrize(
    ("limit", "is_share", "count", "missing", "most"),
    [
        (0, False, 5, 0, 0),
        (0, False, 5, 1, 0),
        (2, False, 5, 2, 2),
        (2, False, 5, 3, 2),
        # A share, rounded down; of few, one.
        (10, True, 29, 2, 2),
        (10, True, 29, 3, 2),
        (10, True, 3, 1, 1),
        (10, True, 3, 2, 1),
        (0, True, 3, 1, 1),
        (100, True, 3, 3, 3),
        (1, False, 12, 10, 1),
        (1, False, 12, 11, 1),
        (1, False, 12, 12, 1),
    ],
)
def test_too_much_at_once_is_refused(limit: int, is_share: bool, count: int, missing: int, most: int) -> None:
    # Another team's don't count.
    entries = [held(f"n{number:02}") for number in range(count)] + [held("x", OTHER_ISSUER)]
    listed = {one.identity for one in entries[missing:]}
    if missing <= most:
        assert purge(limit, is_share).doomed(entries, listed) == entries[:missing]
        return
    with pytest.raises(InputError) as caught:
        purge(limit, is_share).doomed(entries, listed)
    names = ", ".join(f"com.example.n{number:02}" for number in range(min(missing, 10)))
    more = f" and {missing - 10} more" if missing > 10 else ""
    assert str(caught.value) == (
        f"purge_limit: {missing} of the {count} integrations held of Issuer ID {ISSUER} are not listed, and at most "
        f"{most} may be removed at once: {names}{more}. Nothing was done. Complete apps, or raise purge_limit if these "
        "are to go."
    )


def app(name: str, issuer: str | None = ISSUER, environment: t.Any = "production", **more: t.Any) -> App:
    """A declared app."""
    source = KeySource(issuer, "KEY1234567", None, None, "strict")
    return replace(App(name, f"com.example.{name}", environment, key=source), **more)


def wishes(**changes: t.Any) -> Wishes:
    """What a task says."""
    return Wishes(True, "ledger", "production", None, "10%")._replace(**changes)


@pytest.mark.parametrize(
    ("asked", "apps", "wanted"),
    [
        (wishes(is_wanted=False, limit="?"), [], None),
        (wishes(), [app("a")], purge(10, True)),
        (wishes(limit=" 7 "), [app("a")], purge(7)),
        (wishes(limit="100 %"), [app("a")], purge(100, True)),
        (wishes(limit="999999999"), [app("a")], purge(999_999_999)),
        (wishes(), [app("a"), app("b", OTHER_ISSUER)], purge(10, True, (ISSUER, OTHER_ISSUER))),
        (wishes(issuer_id=f" {ISSUER.upper()}"), [app("a"), app("b", None), app("c", key=None)], purge(10, True)),
        # The other environment's apps are of the same team.
        (wishes(), [app("a"), app("b", environment="sandbox")], purge(10, True)),
        (
            wishes(environment="sandbox"),
            [app("b", environment="sandbox")],
            replace(purge(10, True), environment="sandbox"),
        ),
    ],
)
def test_what_a_task_purges(asked: Wishes, apps: list[App], wanted: Purge | None) -> None:
    assert parse_purge(asked, Declaration({}, tuple(apps))) == wanted


LEDGER_ONLY = "purge: works with tracker: ledger only, not with {}. List the apps that are to go with state: absent."
NO_LIMIT = "purge_limit: {} is neither a number of integrations nor a share such as 10%."
NOBODY = (
    "purge: removes integrations of the Issuer IDs that the task names, and it names none. Give issuer_id, or keys "
    "with one."
)
BARE = (
    "purge: apps lists no {}, so purge would remove every one that is held. Nothing was done. Complete apps, purge "
    "each environment and team from a list of its own, or use state: absent."
)


def elsewhere(*trackers: str) -> tuple[t.Any, ...]:
    """Options of other trackers."""
    return tuple(SimpleNamespace(tracker=name) for name in trackers)


@pytest.mark.parametrize(
    ("asked", "apps", "said"),
    [
        (wishes(tracker="devtodev"), [app("a")], LEDGER_ONLY.format("devtodev")),
        (wishes(), [app("a", settings=elsewhere("ledger", "qonversion"))], LEDGER_ONLY.format("qonversion")),
        (
            wishes(),
            [app("a", settings=elsewhere("qonversion")), app("b", settings=elsewhere("devtodev"))],
            LEDGER_ONLY.format("devtodev, qonversion"),
        ),
        *((wishes(limit=text), [app("a")], NO_LIMIT.format(repr(text))) for text in ("", "few", "-1", "1.5", "101%")),
        (wishes(limit="1234567890"), [app("a")], NO_LIMIT.format("'1234567890'")),
        (wishes(), [app("a", None)], NOBODY),
        (wishes(), [], BARE.format("production app")),
        (wishes(issuer_id=ISSUER), [], BARE.format(f"production app of Issuer ID {ISSUER}")),
        (
            wishes(issuer_id=OTHER_ISSUER),
            [app("a")],
            BARE.format(f"production app of Issuer ID {OTHER_ISSUER}"),
        ),
        (
            wishes(environment="sandbox", issuer_id=OTHER_ISSUER),
            [app("a")],
            BARE.format(f"sandbox app of Issuer ID {', '.join(sorted((ISSUER, OTHER_ISSUER)))}"),
        ),
        (
            wishes(),
            [app("a"), app("b", OTHER_ISSUER, "sandbox")],
            BARE.format(f"production app of Issuer ID {OTHER_ISSUER}"),
        ),
    ],
)
def test_what_is_no_purge(asked: Wishes, apps: list[App], said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_purge(asked, Declaration({}, tuple(apps)))
    assert str(caught.value) == said


@dataclass
class Writer:
    """Removes, but what is named. Notes what it is given."""

    fails: t.Collection[str] = ()
    purged: list[tuple[list[str], str, Permit]] = field(default_factory=list)

    def purge(self, decisions: t.Sequence[Decision], teams: str, permit: Permit) -> None:
        """Remove."""
        names = [one.held.identity.bundle_id for one in decisions]
        self.purged.append((names, teams, permit))
        for one, name in zip(decisions, names, strict=True):
            one.error = "The disk is full." if name in self.fails else ""


def surplus(asked: Purge | None) -> Surplus:
    """Look for what goes, of four that are held, of which one is listed."""
    entries = [held("a"), held("b"), held("c"), held("d", OTHER_ISSUER)]
    asked_for: list[str] = []

    def listed(environment: str) -> dict[Identity, Integration]:
        asked_for.append(environment)
        return {one.identity: one for one in entries}

    places: t.Any = [SimpleNamespace(listed=listed, tracker=SimpleNamespace(check_place=lambda: None))]
    found = surplus_of(asked, {entries[0].identity}, places)
    assert asked_for == ([] if asked is None else ["production"])
    return found


def test_nothing_goes_unasked() -> None:
    found = surplus(None)
    assert found == Surplus([], "", "")
    made, writer = gate([]), Writer()
    found.remove(t.cast(t.Any, writer), made)
    assert made.records == [] and writer.purged == []


def test_what_nobody_lists_is_decided_with_its_proof() -> None:
    found = surplus(purge(2))
    assert found.target == "com.example.b, com.example.c"
    assert found.proof == f"of the 3 production integrations of team {ISSUER}, 2 aren't listed"
    assert found.decisions == [
        Decision(
            Verdict("not_checked", "purge: the app is not listed.", "production"),
            plan(one, None),
            absent(one.identity),
            is_surplus=True,
        )
        for one in (held("b"), held("c"))
    ]
    both = surplus(purge(2, issuers=(OTHER_ISSUER, ISSUER)))
    assert both.target == "com.example.b, com.example.c, com.example.d" and len(both.decisions) == 3
    proofs = {
        ISSUER: f"of the 3 production integrations of team {ISSUER}, 2 aren't listed",
        OTHER_ISSUER: f"of the 1 production integration of team {OTHER_ISSUER}, 1 isn't listed",
    }
    assert both.proof == " and ".join(proofs[issuer] for issuer in sorted(proofs))


@pytest.mark.parametrize(
    ("fails", "outcome"),
    [
        ((), "done"),
        (("com.example.b",), "done for 1 of 2 integrations"),
        (("com.example.b", "com.example.c"), "not done"),
    ],
)
def test_what_came_of_it_is_recorded(fails: tuple[str, ...], outcome: str) -> None:
    made, writer = gate([]), Writer(fails)
    surplus(purge(2)).remove(t.cast(t.Any, writer), made)
    ((names, teams, permit),) = writer.purged
    assert (names, teams) == (["com.example.b", "com.example.c"], "com.example.b, com.example.c")
    assert (permit.step, permit.target) == ("purge", "com.example.b, com.example.c")
    assert made.records == [
        {
            "step": "purge",
            "target": "com.example.b, com.example.c",
            "asked_by": "purge: true",
            "outcome": outcome,
            "proven": f"of the 3 production integrations of team {ISSUER}, 2 aren't listed",
            "answer": "the ledger's list",
            "proven_at": NOW,
        }
    ]


def test_check_mode_removes_nothing() -> None:
    made, writer = gate([], check_mode=True), Writer()
    surplus(purge(2)).remove(t.cast(t.Any, writer), made)
    assert writer.purged == [] and [one["outcome"] for one in made.records] == ["would be done"]


def test_an_issuer_id_that_is_none_is_told_with_its_option() -> None:
    with pytest.raises(InputError, match=r"^issuer_id: 'x' isn't an Issuer ID"):
        parse_purge(wishes(issuer_id="x"), Declaration({}, (app("a"),)))
