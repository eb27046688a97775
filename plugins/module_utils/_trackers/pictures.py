# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Screenshots, for the eyes of the user who runs the task only; none of a page that shows a private key."""

from __future__ import annotations

import contextlib
import os
import tempfile
import typing as t

if t.TYPE_CHECKING:
    from playwright.sync_api import Page

# What a document and its shadow roots show, and what stands in fields.
_TEXTS = """() => {
  const texts = root => [...root.children].map(e => e.innerText).concat([...root.querySelectorAll('*')].map(
    e => (typeof e.value == 'string' ? e.value : '') + (e.shadowRoot ? texts(e.shadowRoot) : ''))).join(' ');
  return texts(document);
}"""
_PATIENCE_MS = 5000
# What every P-256 key has in its Base64, as Apple gives it out: of one that an earlier run put in, no more is known.
_ANY_KEY = "AgEAMBMGByqGSM49AgEGCCqGSM49AwEHB"


def picture_of(page: Page, veil: bytes) -> str:
    """Save a screenshot and return a sentence with its path. ``veil``: the key that was put in, if one was."""
    from playwright.sync_api import TimeoutError

    with contextlib.suppress(Exception):
        try:
            shows_key = _shows_key(page, veil)
            png = page.screenshot()
            # The page may have begun to show it meanwhile.
            if shows_key or _shows_key(page, veil):
                return "(No screenshot, as the page shows the private key.)"
        except TimeoutError:
            return "(No screenshot, as a part of the page can't be read: it may show the private key.)"
        return f"Screenshot: {_save(png)}"
    return ""


def _shows_key(page: Page, veil: bytes) -> bool:
    lines = [line.decode() for line in veil.splitlines() if line and b"-----" not in line]
    # A frame that has loaded nothing yet shows nothing, and would be waited for without an end.
    roots = (frame.locator(":root") for frame in page.frames if frame.url)
    texts = "".join("".join(root.evaluate(_TEXTS, timeout=_PATIENCE_MS).split()) for root in roots)
    return any(line in texts for line in (*lines, _ANY_KEY))


def _save(png: bytes) -> str:
    """Write a picture to a new file (0600) in a new folder (0700) below the system's temporary one."""
    path = os.path.join(tempfile.mkdtemp(prefix="storeops-devtodev-"), "page.png")
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(png)
    return path
