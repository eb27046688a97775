# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""devtodev by browser: no screenshot of a page that shows the private key, whatever is wrong with the page then."""

from __future__ import annotations

import html
import typing as t

import pytest
from browser_support import World, own_page
from test_devtodev_own_pages import FILLS_LATE, LABELLED

pytestmark = pytest.mark.usefixtures("shared_browser")
# The page shows what it was given; what then happens to it stands in place of THEN.
SHOWS = """const file = document.querySelector('input[type=file]');
  file.addEventListener('change', async () => {
    const asked = new XMLHttpRequest();
    asked.open('GET', URL.createObjectURL(file.files[0]), false); asked.send();
    document.body.append(document.createElement('textarea'));
    document.querySelector('textarea').value = asked.responseText;
    THEN
  });"""
PENDING = "<b>Status:</b> <i>Pending</i>"
AREA = "<textarea>KEY</textarea>"
FAULTS: dict[str, tuple[dict[str, str], str]] = {
    "the upload goes": ({"script": SHOWS.replace("THEN", "file.remove();")}, "devtodev.page.private_key"),
    "the button goes": ({"script": SHOWS.replace("THEN", "document.querySelector('button').remove();")}, "page.submit"),
    "never Active": ({"after": PENDING + AREA}, "not Active"),
    "other IDs": ({"script": FILLS_LATE.replace("if (saved", "if (saved[0]) saved[0][2] = 'X'; if (saved")}, "'X'"),
    "signed out": ({"after": f"<input type=password>{AREA}"}, "the session has expired"),
    "without line breaks": ({"after": f"{PENDING}<p style='overflow-wrap: anywhere'>ONE LINE</p>"}, "not Active"),
    "in a frame": ({"after": f"{PENDING}<iframe srcdoc='<pre>KEY</pre>'></iframe>"}, "not Active"),
    "beside a frame that never loads": (
        {"after": f"{PENDING}{AREA}<p style='height: 9000px'></p><iframe loading=lazy src='/nowhere'></iframe>"},
        "not Active",
    ),
    "in a shadow": (
        {"after": f"{PENDING}<div><template shadowrootmode=open>{AREA}</template></div>"},
        "not Active",
    ),
}


def shown(settings: dict[str, str], pem: str) -> dict[str, t.Any]:
    """Let a page show the key once it was saved."""
    given = {"body": LABELLED, "after": f"<b>Status:</b> <i>Active</i>{AREA}", **settings}
    one_line = "".join(line for line in pem.splitlines() if "-----" not in line)
    given["after"] = given["after"].replace("KEY", html.escape(pem)).replace("ONE LINE", one_line)
    return given


@pytest.mark.parametrize("fault", FAULTS)
def test_no_screenshot_shows_the_key(world: World, pem: str, fault: str) -> None:
    settings, told = FAULTS[fault]
    with own_page(**shown(settings, pem)) as page:
        failed = world.on(page, wait_timeout=1.0, request_timeout=4.0)
        assert failed.results["failed"] and told in failed.message, failed.message
        assert "No screenshot, as the page shows the private key" in failed.message
        assert not list((world.folder / "pictures").rglob("*.png"))
        assert pem.splitlines()[1] not in repr(failed)


def test_nor_the_key_of_an_earlier_run(world: World, pem: str) -> None:
    with own_page(**shown({}, pem)) as page:
        assert world.on(page).results["changed"]
        page.body = LABELLED.replace("type=file", "type=hidden")
        failed = world.checked_and_on(page, key="other")
        assert "devtodev.page.private_key" in failed.message and "No screenshot" in failed.message
        assert not list((world.folder / "pictures").rglob("*.png"))
