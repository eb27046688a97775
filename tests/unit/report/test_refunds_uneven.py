# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every refund counts once in an audit's sums, whatever results of refund_info are given together."""

from __future__ import annotations

import itertools
import json
import typing as t
from collections import Counter
from pathlib import Path

import pytest
import unit_forks
import yaml
from hypothesis import given
from hypothesis import strategies as st
from report_support import Json, refunds
from unit_support import ROOT

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError
from ansible_collections.storeops.refunds.plugins.module_utils._model.refund_rows import sums_of, tallies_of
from ansible_collections.storeops.refunds.plugins.module_utils._report.refunds import refunds_of

APPS = ("com.example.one", "com.example.two")
DAYS = tuple(f"2026-11-{day:02}" for day in range(1, 7))
CURRENCIES, PRODUCTS = ("USD", "EUR"), ("coins", "gems", "gold")
# What the ledger holds: a refund of each app on each day. No sum of some is that of others.
LEDGER: t.Final = [
    {
        "bundle_id": app,
        "refund_date": f"{day}T12:00:00Z",
        "currency": CURRENCIES[number % 2],
        "product_id": PRODUCTS[number % 3],
        "amount": -(2**number),
        "is_reversed": False,
        "is_family_shared": False,
    }
    for number, (app, day) in enumerate(itertools.product(APPS, DAYS))
]


def asked(apps: t.Iterable[str] = APPS, group_by: t.Sequence[str] = ("bundle_id", "day"), **more: t.Any) -> Json:
    """Give a registered result of refund_info, of days from ``since`` on and before ``until``.

    ``currencies``, ``products``: of these alone.
    """
    since, until = (more.get(end) for end in ("since", "until"))
    currencies, products = more.get("currencies", CURRENCIES), more.get("products", PRODUCTS)
    found = [
        row
        for row in LEDGER
        if row["bundle_id"] in apps
        and (since or "") <= str(row["refund_date"])[:10] < (until or "9")
        and row["currency"] in currencies
        and row["product_id"] in products
    ]
    return {
        "told": {(str(row["bundle_id"]), str(row["refund_date"])) for row in found},
        "environment": "production",
        "source": "apple",
        "period": {name: end and f"{end}T00:00:00Z" for name, end in (("since", since), ("until", until))},
        "sums": sums_of(tallies_of(found, group_by), group_by),
        "coverage": [{"bundle_id": app, "environment": "production", "state": "complete"} for app in apps],
    }


def told_of(given_: t.Iterable[Json]) -> set[tuple[str, str]]:
    """Give app and date of the refunds that results tell of."""
    return set().union(*(result["told"] for result in given_))


ENDS = st.none() | st.sampled_from(DAYS)


def results(since: st.SearchStrategy[t.Any], until: st.SearchStrategy[t.Any]) -> st.SearchStrategy[list[Json]]:
    """Give results of periods with these ends."""
    groupings = [("bundle_id", "day"), ("bundle_id",), ("day",), ("bundle_id", "environment", "day"), ("month",), ()]
    one = st.builds(
        asked,
        st.sets(st.sampled_from(APPS), min_size=1),
        st.sampled_from(groupings),
        since=since,
        until=until,
        currencies=st.sampled_from([CURRENCIES, *((currency,) for currency in CURRENCIES)]),
        products=st.sampled_from([PRODUCTS, PRODUCTS, ("coins",), ("gems", "gold")]),
    )
    return st.lists(one, min_size=1, max_size=3)


@given(results(ENDS, ENDS) | ENDS.flatmap(lambda since: results(st.just(since), st.none())))
def test_every_refund_that_is_told_counts_once(given_: list[Json]) -> None:
    try:
        found = refunds_of(given_)
    except InputError:
        assert len(given_) > 1
        return
    assert found is not None
    (part,) = found.parts
    told = told_of(given_)
    assert part.total.count == len(told)
    amounts: Counter[str] = Counter()
    for row in LEDGER:
        if (row["bundle_id"], row["refund_date"]) in told:
            amounts[str(row["currency"])] += int(str(row["amount"]))
    assert part.total.amounts == amounts
    assert {app: one.count for app, one in part.by_app} in ({}, Counter(app for app, _date in told))
    assert {day: one.count for day, one in part.by_day} in ({}, Counter(date[:10] for _app, date in told))
    for app in part.coverage:
        assert not (app.is_silent and app.bundle_id in {name for name, _date in told})


@pytest.mark.parametrize("group_by", [["day"], ["month"], []])
def test_results_of_other_refunds_of_the_same_apps_that_are_not_grouped_alike_are_refused(group_by: list[str]) -> None:
    dollars, euros = (
        asked(group_by=by, currencies=[currency], since="2026-11-02")
        for by, currency in ((["bundle_id"], "USD"), (group_by, "EUR"))
    )
    for results in ([dollars, euros], [euros, dollars]):
        with pytest.raises(InputError) as refused:
            refunds_of(results)
        one, other = (f"refunds[{results.index(each)}]" for each in (euros, dollars))
        assert f"{refused.value}" == (
            f"{one}: has other refunds of com.example.one, com.example.two (2026-11-02T00:00:00Z to now) than {other}, "
            "and is grouped otherwise. Sums by bundle_id would leave some out. Ask for all of them with the same "
            "group_by. If refunds were recorded in between, ask again."
        )


@pytest.mark.parametrize("group_by", [["day"], ["month"], []])
def test_results_of_other_apps_that_are_not_grouped_alike_are_refused(group_by: list[str]) -> None:
    given_ = [asked(APPS[:1], ["bundle_id"], since="2026-11-02"), asked(APPS[1:], group_by, since="2026-11-02")]
    for results in (given_, given_[::-1]):
        with pytest.raises(InputError) as refused:
            refunds_of(results)
        which = [f"refunds[{results.index(one)}]" for one in given_]
        assert f"{refused.value}" == (
            f"{which[1]}: has sums of com.example.two (2026-11-02T00:00:00Z to now) that aren't grouped by bundle_id, "
            f"and those of {which[0]} are. Sums by bundle_id would leave them out. Ask for all of them with the same "
            "group_by."
        )


def test_refunds_of_apps_that_nobody_names_are_not_left_out() -> None:
    """As Apple tells them of one customer."""
    apple = {**asked(APPS[:1], ["day"]), "coverage": []}
    with pytest.raises(
        InputError, match=r"^refunds\[1\]: has other refunds \(the beginning to now\) than refunds\[0\]"
    ):
        refunds_of([asked(group_by=["bundle_id"]), apple])


def test_the_same_refunds_may_be_grouped_by_app_and_by_day() -> None:
    by_app = [asked([app], ["bundle_id"]) for app in APPS]
    found = refunds_of([*by_app, asked(group_by=["day"])])
    assert found is not None and found.parts[0].total.count == 12
    assert [len(found.parts[0].by_app), len(found.parts[0].by_day)] == [2, 6]


def test_two_results_of_the_same_refunds_are_both_named() -> None:
    """As when a user's quarter comes beside the role's own 30 days."""
    own = {**asked(since="2026-11-02"), "skipped": True}
    with pytest.raises(InputError) as refused:
        refunds_of([own, asked(group_by=["bundle_id"], until="2026-11-04"), asked(APPS[:1], since="2026-11-03")])
    assert f"{refused.value}" == (
        "refunds[2]: has sums of com.example.one (2026-11-03T00:00:00Z to now), and so has refunds[1] (the beginning "
        "to 2026-11-04T00:00:00Z). The same refunds would count twice. Leave out one of the two, or ask for periods "
        "that don't overlap."
    )


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [
        (asked(until="2026-11-03"), asked(since="2026-11-03"), 12),
        (asked(APPS[:1]), asked(APPS[1:]), 12),
        # A total is that of one grouping.
        (asked(group_by=["bundle_id"]), asked(group_by=["day"]), 12),
        (asked(), {**asked(), "source": "other:0123456789abcdef"}, 12),
        (asked(), {**asked(), "environment": "sandbox"}, 12),
        (asked(), asked(since="2026-12-01"), 12),
        (asked(currencies=["USD"]), asked(currencies=["EUR"]), 12),
    ],
)
def test_what_is_apart_is_taken(one: Json, other: Json, count: int) -> None:
    for results in ([one, other], [other, one]):
        found = refunds_of(results)
        assert found is not None and found.parts[0].total.count == count


@pytest.mark.services
@pytest.mark.parametrize(
    ("given_", "days", "shown"), [([], 30, ["production"]), ([refunds()], 30, ["given"]), ([], 0, [])]
)
def test_the_role_shows_none_of_its_own_beside_what_is_given(
    given_: list[Json], days: int, shown: list[str], tmp_path: Path
) -> None:
    """Whatever is shown, the ledger is asked: it alone tells of a wrong app_apple_id that is stored."""
    asking, main = (
        yaml.safe_load((ROOT / f"roles/refund_audit/tasks/{name}.yml").read_text()) for name in ("ask", "main")
    )
    (task,) = [one for one in asking if one.get("register") == "__refund_audit_summed"]
    (writing,) = [one for one in main[0]["block"] if one.get("register") == "refund_audit_result"]
    options = writing["storeops.refunds.refund_audit_report"]
    items = "rejectattr('skipped', 'defined') | map(attribute='item', default='given') | list"
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "connection": "local",
        "module_defaults": {"storeops.refunds.refund_info": {"ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"}}},
        "vars": {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "refund_audit_refunds": given_,
            "refund_audit_refund_days": days,
            "__refund_audit_checked": {"declaration": {"apps": {"production": ["com.example.one"], "sandbox": []}}},
            "shown": options["refunds"],
            "asked": options["declaration_faults"],
        },
        "tasks": [task, {"ansible.builtin.debug": {"msg": f"{{{{ shown | {items} }}}} of {{{{ asked | {items} }}}}."}}],
    }
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play]))
    ended = unit_forks.run_playbook(book, "localhost,", folder=tmp_path)
    assert ended.code == 0 and f"{shown} of ['production']." in ended.output, ended
