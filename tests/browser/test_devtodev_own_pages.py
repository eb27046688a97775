# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev by browser on pages that are built otherwise: nobody outside knows how devtodev's is."""

from __future__ import annotations

from functools import partialmethod

import pytest
from browser_support import BARE, PATIENCE, OwnPage, World, not_waited_for, own_page, state
from playwright.sync_api import Locator
from unit_servers import UNRELEASED
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, PACKAGE

from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import first_sentence
from ansible_collections.storeops.refunds.plugins.module_utils._trackers.browser import origin_of

pytestmark = pytest.mark.usefixtures("shared_browser")
LABELLED = """<form onsubmit="event.preventDefault(); send()">
<label>App Bundle ID <input id=b></label><label>Issuer ID <input id=i></label><label>Key ID <input id=k></label>
<input type=file accept=".p8"><button>Save</button></form>"""
# What a page does that shows the saved values a while after it appeared.
FILLS_LATE = """fetch('/values').then(a => a.json()).then(saved => {
  if (saved.length) inputs().filter(e => e.type != 'file').slice(0, 3).forEach((e, n) => e.value = saved[0][n]);
});"""
DISCONNECT = "<button type=button onclick=\"fetch('/removed', {method: 'POST', body: '[]'})\">Disconnect</button>"
ASKS = """<button type=button onclick="document.body.append(
  document.querySelector('template').content.cloneNode(true))">Remove</button>"""
LOST = "The last run's end is not known"


@pytest.fixture(autouse=True)
def _settles(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these pages goes on asking, so each is waited for until it has what it asked for."""
    monkeypatch.setattr(f"{PACKAGE}._trackers.devtodev_page._SETTLES_S", PATIENCE)


def sent(page: OwnPage) -> list[list[str]]:
    """Give what was sent, without the key's text."""
    return [entry[:-1] for entry in page.saved]


def test_no_labels_no_form_nothing_shown_but_the_status(world: World, pem: str) -> None:
    with own_page() as page:
        done = world.checked_and_on(page)
        assert done.results["changed"] and done.results["integration"]["status"] == "Active", done.message
        assert sent(page) == [[BUNDLE_ID, ISSUER, KEY_ID, f"SubscriptionKey_{KEY_ID}.p8"]]
        assert page.saved[0][-1] == pem
        assert not world.checked_and_on(page).results["changed"], "the ledger knows what the page hides"
        rotated = world.checked_and_on(page, key="other")
        assert rotated.results["changed"] and rotated.results["diff"]["before"]["key_id"] == KEY_ID
        (world.folder / "ledger.db").unlink()
        kept = world.checked_and_on(page, key="other")
        assert not kept.results["changed"] and kept.results["integration"]["status"] == "Unknown"
        assert len(page.saved) == 2


@pytest.mark.parametrize("veil", ["", "late[0][2] = '2X******34';"])
def test_values_that_come_late_or_veiled_are_waited_for(world: World, veil: str) -> None:
    script = FILLS_LATE.replace("if (saved", f"const late = saved; if (late.length) {{ {veil} }} if (saved")
    with own_page(body=LABELLED, script=script, delays={"/values": 1.0}) as page:
        assert world.checked_and_on(page).results["changed"]
        again = world.checked_and_on(page)
        assert not again.results["changed"] and again.results["integration"]["status"] == "Active"
        assert len(page.saved) == 1


def test_values_that_are_only_veiled_are_not_gone(world: World) -> None:
    """Not even where the page shows no status: what is there may not be forgotten."""
    veil = "const late = saved; if (late.length) { late[0][1] = '••••'; late[0][2] = '2X******34'; } if (saved"
    with own_page(body=LABELLED, script=FILLS_LATE.replace("if (saved", veil), after="") as page:
        world.on(page, wait_timeout=1.0)
        kept = world.checked_and_on(page, state="absent")
        assert not kept.results["changed"] and kept.results["integration"]["status"] == "Unknown"
        assert kept.results["integration"]["key_id"] == KEY_ID and kept.results["finding"] == "still_held"


def test_removed_by_hand_is_created_again(world: World) -> None:
    with own_page(body=LABELLED, status="<b>Status</b><i>Not connected</i>") as page:
        world.entered_on(page)
        page.saved.clear()
        done = world.checked_and_on(page)
        assert done.results["changed"] and done.results["diff"]["before"] == {}


def test_a_button_that_stays_disabled(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_page(body=LABELLED.replace("<button>", "<button disabled>")) as page:
        monkeypatch.setattr(Locator, "click", partialmethod(Locator.click, timeout=2000))
        failed = world.on(page)
        assert "devtodev.page.submit" in failed.message and "can't be clicked" in failed.message
        assert "Nothing was submitted" in failed.message and page.saved == []


@pytest.mark.parametrize("name", ["b", "i", "k"])
def test_a_field_that_does_not_keep_what_is_typed(world: World, name: str) -> None:
    script = f"document.getElementById('{name}').addEventListener('input', e => e.target.value = 'x');"
    with own_page(body=LABELLED, script=script) as page:
        failed = world.on(page)
        title = {"b": "bundle_id", "i": "issuer_id", "k": "key_id"}[name]
        assert "does not read back" in failed.message and f"devtodev.page.{title}" in failed.message
        assert "Nothing was submitted" in failed.message and page.saved == []


def test_an_upload_that_is_thrown_away(world: World, pem: str) -> None:
    """The page shows the key's text, too: then there is no screenshot."""
    script = """document.body.append(document.createElement('textarea'));
      const file = document.querySelector('input[type=file]');
      file.addEventListener('change', () => {
        if (!file.files[0]) return;
        const asked = new XMLHttpRequest();
        asked.open('GET', URL.createObjectURL(file.files[0]), false); asked.send();
        document.querySelector('textarea').value = asked.responseText; file.value = '';
      });"""
    with own_page(body=LABELLED, script=script) as page:
        failed = world.on(page)
        assert "devtodev.page.private_key" in failed.message and "does not read back" in failed.message
        assert "No screenshot, as the page shows the private key" in failed.message
        assert page.saved == [] and not list((world.folder / "pictures").rglob("*.png"))
        assert pem.splitlines()[1] not in repr(failed)


def test_a_page_that_asks_back_is_answered_yes(world: World) -> None:
    with own_page(body=LABELLED.replace("send()", "if (confirm('Really?')) send()")) as page:
        assert world.on(page).results["changed"] and len(page.saved) == 1


def test_what_the_page_says_is_passed_on(world: World) -> None:
    body = LABELLED.replace("send()", "document.querySelector('[role=alert]').textContent = 'No such issuer'")
    with own_page(body=body + "<p role=alert></p>", status="<b>Status</b> <i>Not connected</i>") as page:
        failed = world.on(page, wait_timeout=1.0, request_timeout=4.0)
        assert failed.results["failed"] and "No such issuer" in failed.message and "Screenshot" in failed.message
        assert "It sent nothing" in failed.message
        assert "'Not connected', not Active" in failed.message


# What a page says of a key that it doesn't take, and sends its statistics all the same.
SAYS_NO = "document.getElementById('no').textContent = 'No'"
STOPS = f"fetch('/statistics', {{method: 'POST', body: 'ROTATED001'}}); {SAYS_NO}"
SAVES = f"fetch('/save', {{method: 'POST', body: JSON.stringify(['ROTATED001', '{ISSUER}'])}})"
REFUSED = f"{SAVES}; {SAYS_NO}"


@pytest.mark.parametrize(
    ("sends", "answer", "said"),
    [
        (SAYS_NO, 204, "It sent nothing"),
        (STOPS, 204, "It says: 'No'"),
        ("send()", 500, "answered with HTTP status 500"),
        ("send()", 422, "answered with HTTP status 422"),
        ("send()", 0, "was not answered"),
        (REFUSED, 204, "It says: 'No'"),
        (SAVES, '{"data": null, "errors": [{"message": "No"}]}', "answered with an error in JSON"),
        (SAVES, '{"success": false}', "answered with an error in JSON"),
        (SAVES, '{"success": tr', "or with broken JSON"),
    ],
    ids=["stopped", "stopped-with-statistics", "500", "422", "reset", "200-and-an-alert", "graphql", "rpc", "broken"],
)
def test_an_active_of_before_is_not_the_new_key_s(world: World, sends: str, answer: int | str, said: str) -> None:
    """The page shows no IDs, before and after."""
    # A notice that was there before says nothing.
    body = "<p role=alert>Trial</p><p role=alert id=no></p>" + BARE
    active = "<b>Status:</b> <i>Active</i>"
    with own_page(body=body) as page:
        world.entered_on(page)
        page.body, page.status = body.replace("send()", sends), active
        page.answer, page.reply = (200, answer) if isinstance(answer, str) else (answer, "")
        # Where nothing is sent, the click waits for it that long.
        failed = world.on(page, key="other", **({"request_timeout": 8.0} if sends == SAYS_NO else {}))
        assert failed.results.get("failed") and failed.results["integration"]["status"] == "Unknown", failed
        assert failed.results["changed"] and said in failed.message, failed.message
        assert answer == 0 or "was not answered" not in failed.message, "the page was to be answered"
        assert "shows the status 'Active' and no new Key ID" in failed.message
        held = world.info(devtodev={"url": page.url, "session": state(page.url)}).results["integrations"]
        # To the next run, these are all alike.
        assert [(one["key_id"], one["key_fingerprint"]) for one in held] == [(None, None)], "noted as if it were there"


def test_a_key_that_was_not_taken_is_entered_again(world: World) -> None:
    """The run after knows no better, and once the page is mended, the key is there."""
    with own_page(status="<b>Status:</b> <i>Active</i>", answer=500) as page:
        world.entered_on(page)
        assert world.on(page, key="other").results.get("failed")
        page.answer, page.reply = 200, '{"success": true, "errors": []}'
        done = world.on(page, key="other")
        assert done.results["changed"] and done.results["integration"]["status"] == "Active", done.message
        assert done.results["integration"]["key_id"] == "ROTATED001"


@pytest.mark.parametrize(
    ("sends", "answer", "said"),
    [(STOPS, 204, "It says: 'No'"), ("send()", 422, "answered with HTTP status 422")],
    ids=["stopped-with-statistics", "422"],
)
@pytest.mark.parametrize("options", [{"bundle_id": UNRELEASED}, {"credential_check": "skip"}], ids=["new app", "skip"])
def test_what_was_not_taken_is_told_also_where_nobody_waits_for_active(
    world: World, sends: str, answer: int, said: str, options: dict[str, str]
) -> None:
    """The page shows nothing, before and after; in every run."""
    with own_page(body="<p role=alert id=no></p>" + BARE.replace("send()", sends), answer=answer, after="") as page:
        for _run in range(2):
            failed = world.on(page, **options)
            assert failed.results.get("failed") and said in failed.message, failed
            assert "its page shows no status" in failed.message and "raise wait_timeout" not in failed.message


@pytest.mark.parametrize(("wait", "deadline", "limit"), [(0.5, 60.0, "wait_timeout"), (60.0, 12.0, "deadline")])
def test_what_ended_the_waiting_is_what_is_to_be_raised(world: World, wait: float, deadline: float, limit: str) -> None:
    with own_page(after="<b>Status:</b> <i>Pending</i>") as page:
        failed = world.on(page, wait_timeout=wait, deadline=deadline)
        assert failed.results.get("failed") and f"raise {limit} when" in failed.message, failed.message


@pytest.mark.parametrize("how", ["redirect", "script", "password"])
def test_signed_out_in_other_ways(world: World, how: str) -> None:
    with own_page() as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost")
        settings = {
            "redirect": {"redirect": elsewhere},
            "script": {"body": "<p>Off you go", "script": f"location = {elsewhere!r};"},
            "password": {"body": "<form>Name <input> Password <input type=password><button>Go</button></form>"},
        }[how]
        with own_page(**settings) as page:
            failed = world.checked_and_on(page, request_timeout=2.0)
            assert "the session has expired" in failed.message and "Nothing was submitted" in failed.message
            assert "Sign in again" in first_sentence(failed.message, 2), "what site shows of it"
            if how == "redirect":
                assert f"it leads to {origin_of(elsewhere)!r}" in failed.message
        assert other.visits == [], "the browser never leaves the origin of devtodev.url"


def test_a_word_that_is_not_known_is_no_waiting_state(world: World) -> None:
    """Nor does it bring a terminal's control characters along."""
    with own_page(body=LABELLED, script=FILLS_LATE, after="<b>Status:</b> <i>On hold \x1b]0;x\x07\x9b31m</i>") as page:
        failed = world.on(page, wait_timeout=1.0)
        assert failed.results["integration"]["status"] == "Unknown" and "'On hold" in failed.message
        again = world.checked_and_on(page)
        assert not again.results["changed"] and again.results["integration"]["status"] == "Unknown"
        assert again.results["failed"] and "devtodev says 'On hold" in again.message and len(page.saved) == 1
        shown = failed.message + again.message
        assert all(char.isprintable() for char in shown)
        page.after = "<b>Status:</b> <i>Key revoked</i>"
        resent = world.on(page, wait_timeout=1.0)
        assert resent.results["changed"] and "'Key revoked', not Active" in resent.message and len(page.saved) == 2


@pytest.mark.parametrize("asks", [False, True])
def test_removed_with_a_named_button(world: World, asks: bool) -> None:
    body = LABELLED + (DISCONNECT if not asks else f"<template>{DISCONNECT}</template>{ASKS}")
    with own_page(body=body, script=FILLS_LATE) as page:
        world.entered_on(page)
        confirm = {"remove_confirm": {"name": "Disconnect"}, "remove": {"name": "Remove"}}
        given = {"page": confirm if asks else {"remove": {"role": "button", "name": "Disconnect"}}}
        gone = world.checked_and_on(page, state="absent", devtodev=given)
        assert gone.results["changed"] and gone.results["integration"]["status"] == "Absent"
        assert page.saved == [] and not world.checked_and_on(page, state="absent", devtodev=given).results["changed"]


@pytest.mark.parametrize(
    ("button", "told"),
    [
        ("", "not found: the button that removes (devtodev.page.remove"),
        (DISCONNECT * 2, "not found: the button that removes (devtodev.page.remove"),
        (DISCONNECT.replace("<button", "<button disabled"), "can't be clicked"),
    ],
    ids=["none", "two", "disabled"],
)
def test_check_mode_fails_where_a_removal_does(
    world: World, monkeypatch: pytest.MonkeyPatch, button: str, told: str
) -> None:
    with own_page(body=LABELLED + button, script=FILLS_LATE) as page:
        world.entered_on(page)
        monkeypatch.setattr(Locator, "click", partialmethod(Locator.click, timeout=2000))
        failed = world.checked_and_on(page, state="absent", devtodev={"page": {"remove": {"name": "Disconnect"}}})
        assert failed.results["failed"] and told in failed.message and "Nothing was submitted" in failed.message
        assert failed.results["integration"]["status"] == "Active" and len(page.saved) == 1


def test_a_removal_that_asks_nothing_back(world: World) -> None:
    """The button that would confirm was named, and the first click removes."""
    at_once = "const asked = new XMLHttpRequest(); asked.open('POST', '/removed', false); asked.send('[]')"
    button = f'<button type=button onclick="{at_once}">Disconnect</button>'
    with own_page(body=LABELLED + button, script=FILLS_LATE) as page:
        world.entered_on(page)
        given = {"page": {"remove": {"name": "Disconnect"}, "remove_confirm": {"name": "Yes"}}}
        failed = world.on(page, state="absent", devtodev=given, request_timeout=2.0)
        assert failed.results["failed"] and "devtodev.page.remove_confirm" in failed.message
        assert "The removal had been asked for" in failed.message and "Nothing was submitted" not in failed.message
        assert failed.results["integration"]["status"] == "Unknown" and page.saved == []
        again = world.checked_and_on(page, state="absent", devtodev=given)
        assert not again.results.get("failed") and again.results["integration"]["status"] == "Absent"


def test_a_form_behind_a_button(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    not_waited_for(monkeypatch, lambda page: page.get_by_role("button", name="Edit").count() == 1)
    body = f"""<template>{LABELLED}</template><button id=e onclick="
      document.body.append(document.querySelector('template').content.cloneNode(true)); this.remove()">Edit</button>"""
    with own_page(body=body) as page:
        given = {"page": {"edit": {"name": "Edit"}}}
        assert world.checked_and_on(page, devtodev=given).results["changed"], page.saved
        assert not world.checked_and_on(page, devtodev=given).results["changed"] and len(page.saved) == 1


def test_a_selector_that_is_none(world: World) -> None:
    with own_page(body=BARE) as page:
        failed = world.checked_and_on(page, devtodev={"page": {"key_id": {"css": "###"}}})
        assert failed.results["failed"] and "###" in failed.message and page.saved == []


def test_a_page_that_would_rather_not_be_left(world: World) -> None:
    script = (
        "addEventListener('beforeunload', e => { if (!page_is_saved) { e.preventDefault(); e.returnValue = '1'; } });"
    )
    body = LABELLED.replace("send()", "page_is_saved = true; send()")
    with own_page(body=body, script=f"let page_is_saved = false; {script} {FILLS_LATE}") as page:
        assert world.on(page).results["changed"] and len(page.saved) == 1
        done = world.checked_and_on(page, key="other")
        assert done.results["changed"] and len(page.saved) == 2
