# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person at devtodev is told, and what becomes of a confirmation."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from tracker_answers_support import (
    KEY,
    Noted,
    identity,
)
from unit_support import BUNDLE_ID, ISSUER, KEY_ID

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import (
    InputError,
)
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import (
    REMOVAL_ASKED,
    Integration,
    Observation,
    Status,
    asked_to_remove,
)
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_handoff import DevtodevByHand
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.devtodev_settings import (
    MENU_PATH,
    DevtodevSettings,
    filled,
    page_address,
)

AT_D = identity("devtodev")
D_NOTED = Integration(AT_D, ISSUER, KEY_ID, "f1", "Active", "/k/a.p8")


def by_hand(rows: Noted, **options: t.Any) -> tuple[DevtodevByHand, list[str]]:
    """A project whose page a person fills in, and what the person is told."""
    said: list[str] = []
    return DevtodevByHand(t.cast(t.Any, rows), DevtodevSettings(project="game", **options), said.append), said


@pytest.mark.parametrize(
    ("current", "changed", "confirmed", "status", "wanted", "is_told"),
    [
        (None, True, False, "Active", Observation("Pending"), True),
        (None, True, True, "Active", Observation("Pending"), True),
        (None, False, True, "Active", Observation("Pending"), True),
        (D_NOTED, True, True, "Active", Observation("Pending"), True),
        (replace(D_NOTED, status="Pending"), False, False, "Active", Observation("Pending"), True),
        (replace(D_NOTED, status="Pending"), False, False, "Failed", Observation("Failed"), True),
        (replace(D_NOTED, status="Pending"), False, True, "Active", Observation("Active"), False),
        (
            replace(D_NOTED, status="Pending"),
            False,
            True,
            "Pending",
            Observation("Pending", "confirmed by hand"),
            False,
        ),
        (D_NOTED, False, False, "Active", Observation("Active"), False),
        (D_NOTED, False, False, "Failed", Observation("Failed"), False),
        (
            replace(D_NOTED, status="Pending", word="confirmed by hand"),
            False,
            False,
            "Active",
            Observation("Active"),
            False,
        ),
        # What a browser saw on the page is no person's word.
        (replace(D_NOTED, word="Active"), False, False, "Active", Observation("Pending"), True),
        (replace(D_NOTED, word="Active"), False, True, "Active", Observation("Active"), False),
        # It may have been removed.
        (replace(D_NOTED, word=REMOVAL_ASKED), False, False, "Active", Observation("Pending"), True),
        (replace(D_NOTED, word=REMOVAL_ASKED), False, True, "Active", Observation("Pending"), True),
    ],
)
def test_a_person_is_told_until_it_is_confirmed(
    current: Integration | None,
    changed: bool,
    confirmed: bool,
    status: Status,
    wanted: Observation,
    is_told: bool,
) -> None:
    rows = Noted()
    made, said = by_hand(rows, is_confirmed=confirmed)
    seen = made.observe(replace(D_NOTED, status=status), current, changed)
    assert seen == wanted
    assert seen.is_too_early is (confirmed and is_told)
    assert seen.is_confirmation is (confirmed and not is_told), "of what was confirmed before, nothing is news"
    told = (
        f"{BUNDLE_ID}: enter this at devtodev by hand, at project game, {MENU_PATH}: App Bundle ID {BUNDLE_ID}; "
        f"Issuer ID {ISSUER}; Key ID {KEY_ID}; .p8 file /k/a.p8. Once the page shows Active, run "
        "storeops.refunds.site (in a rotation: rotate_key) with devtodev.confirmed: true, for that run only."
    )
    if confirmed:
        told += " (devtodev.confirmed: true was left aside: it confirms what a run before this one asked for.)"
    assert said == ([told] if is_told else []) and rows.steps == (["check"] if changed else [])


def test_a_key_that_check_mode_only_predicts_has_no_id_yet() -> None:
    made, said = by_hand(Noted())
    made.observe(replace(D_NOTED, issuer_id=None, key_id=None), None, True)
    assert said[0].startswith(f"{BUNDLE_ID}: once the new key is made, enter this at devtodev by hand, at project")
    assert "; Issuer ID of the new key's team; Key ID of the new key; .p8 file /k/a.p8. Once" in said[0]


@pytest.mark.parametrize(
    ("held", "confirmed", "status", "wanted"),
    [
        (None, True, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), False, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), True, "Active", ("Active", "")),
        (replace(D_NOTED, status="Pending"), True, "Failed", ("Pending", "confirmed by hand")),
        (D_NOTED, False, "Failed", ("Active", "")),
        (
            replace(D_NOTED, status="Pending", word="confirmed by hand"),
            False,
            "Failed",
            ("Pending", "confirmed by hand"),
        ),
        # Apple's verdict of that day is none of devtodev's.
        (replace(D_NOTED, status="Pending"), False, "Failed", ("Pending", "")),
        (None, False, "Failed", ("Pending", "")),
        (replace(D_NOTED, status="Failed", word="Error"), False, "Failed", ("Pending", "")),
    ],
)
def test_nobody_has_to_confirm_twice(
    held: Integration | None, confirmed: bool, status: Status, wanted: tuple[str, str]
) -> None:
    rows = Noted(*([held] if held else []))
    made, _said = by_hand(rows, is_confirmed=confirmed)
    made.note(replace(D_NOTED, status=status))
    assert (rows.rows[AT_D].status, rows.rows[AT_D].word) == wanted


def test_what_is_handed_off_is_noted_as_waiting() -> None:
    rows = Noted()
    made, _said = by_hand(rows)
    assert made.save(D_NOTED, KEY) is D_NOTED and rows.rows[AT_D] == replace(D_NOTED, status="Pending")
    assert made.find(AT_D) == rows.rows[AT_D] and made.list("production") == [rows.rows[AT_D]]
    assert (made.project, made.on_unknown, made.is_listable, made.name) == ("game", "replace", True, "devtodev")
    made.foretell_removal(AT_D)
    assert rows.steps == ["note"]
    made.remove(AT_D)
    assert rows.rows == {}


@pytest.mark.parametrize(
    ("options", "project", "where"),
    [
        ({}, "game", f"project game, {MENU_PATH}"),
        ({}, "", f"the app's project, {MENU_PATH}"),
        (
            {"url": "https://d.example/{project}/{bundle_id}?a#b"},
            "my game",
            f"https://d.example/my%20game/{BUNDLE_ID}?a#b ({MENU_PATH})",
        ),
    ],
)
def test_where_a_person_removes_it(options: dict[str, t.Any], project: str, where: str) -> None:
    made, said = by_hand(Noted(), **options)
    there = replace(AT_D, project=project)
    step = f"Remove the integration by hand at {where}, then run storeops.refunds.site with devtodev.confirmed: true"
    not_yet = "for that run only. (After a check, run site without it first: it counts once a run has asked.)"
    assert f"{step}, {not_yet}" in made.irremovable(there)
    noted = Noted(asked_to_remove(replace(D_NOTED, identity=there)))
    known = by_hand(noted, **options)[0].irremovable(there)
    assert f"{step}, for that run only." in known and "it counts once" not in known
    made.observe(replace(D_NOTED, identity=there, private_key_path=None), None, True)
    assert (
        f"by hand, at {where}: App Bundle" in said[0] and ".p8 file the key that private_key_content holds." in said[0]
    )
    for held, is_asked in ((None, False), (D_NOTED, False), (asked_to_remove(D_NOTED), True)):
        rows = Noted(*([replace(held, identity=there)] if held else []))
        told = by_hand(rows, is_confirmed=True, **options)[0].irremovable(there)
        assert ("was left aside" in told) is not is_asked and (told == "") is is_asked
        assert by_hand(rows, **options)[0].irremovable(there), "nobody says that it is done"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (" https://d.example/a?b=c#d ", "https://d.example/a?b=c#d"),
        ("http://127.0.0.1:8765/x", "http://127.0.0.1:8765/x"),
        ("https://d.example/{project}", "https://d.example/{project}"),
    ],
)
def test_addresses_of_a_page(text: str, wanted: str) -> None:
    assert page_address(text, "devtodev.url") == wanted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://d.example/", "credentials are sent over https only"),
        ("https://[", "isn't a URL"),
        ("https://d.example/?a b", "has white space in it"),
        ("https://d.example/#\x07", "has white space in it"),
        ("d.example", "isn.t an http.s. URL"),
        ("https://user:secret@d.example/", "takes no user, password"),
    ],
)
def test_what_is_no_address_of_a_page(text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        page_address(text, "devtodev.url")
    assert caught.value.option == "devtodev.url"


def test_names_in_an_address_stay_in_their_place() -> None:
    assert (
        filled("https://x/{project}/{bundle_id}", identity("devtodev", "a/b?c", "d#e")) == "https://x/a%2Fb%3Fc/d%23e"
    )
