# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One filling in of devtodev's form: what the page showed before and shows since, and what that proves."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._model.identifiers import shown as quoted
from .clicks import Reaction
from .devtodev_page import Form, PageProblem, Shown
from .pictures import picture_of

_NOTHING = Shown(None, None, None, "")
_UNSEEN = Reaction()
_LOOK = "Look at the page: the next run submits the form again."
_HAND_OVER = "If it always ends so and the page has the key, set devtodev.mode to handoff."
_SEE_KEY = "If the page shows the Key ID, name the place by devtodev.page.key_id."


@dataclass
class Attempt:
    """What came of filling in the form once. ``before``: what the page showed until then. ``waited``: seconds.

    ``limit``: the option that ends the waiting.
    """

    what: str = "The form had been submitted"
    has_clicked: bool = False
    before: Shown = _NOTHING
    shown: Shown = _NOTHING
    reaction: Reaction = _UNSEEN
    picture: str = ""
    waited: float = 0.0
    limit: str = "wait_timeout"

    def outcome(self) -> str:
        if not self.has_clicked:
            return "Nothing was submitted."
        return f"{self.what}. {self.reaction.said}".strip()


def look(form: Form, values: t.Mapping[str, str], attempt: Attempt) -> PageProblem | None:
    """Load the page anew; return what is wrong with it, for the time being."""
    try:
        attempt.shown = form.open()
    except PageProblem as problem:
        return problem
    pairs = [(name, getattr(attempt.shown, name), value) for name, value in values.items()]
    told = [
        f"{name} {quoted(now)}, and {value} was submitted" for name, now, value in pairs if now not in (None, value)
    ]
    return PageProblem(f"it still shows {'; '.join(told)}.", picture_of(form.page, form.veil)) if told else None


def unproven(form: Form, attempt: Attempt) -> PageProblem | None:
    """Return what is wrong where the page shows nothing new, and wasn't seen to take what was submitted."""
    before, now = attempt.before, attempt.shown
    was, is_now = form.words.status(before.status), form.words.status(now.status)
    was_there = before.has_ids or was is not None
    # Beside the Key ID that was submitted, an Active that wasn't there before is no other key's.
    has_become = bool(now.key_id) and is_now == "Active" != was
    is_corrected = before.issuer_id is not None and now.issuer_id not in (None, before.issuer_id)
    shows_new = is_corrected or now.key_id not in (None, before.key_id)
    if attempt.reaction.is_taken or not was_there or shows_new or has_become:
        return None
    status = f"the status {now.status!r}" if now.status else "no status"
    steps = (_LOOK, _HAND_OVER, "" if now.key_id else _SEE_KEY, attempt.picture or picture_of(form.page, form.veil))
    return PageProblem(
        f"devtodev's page shows {status} and no new Key ID, so it isn't known which key it has.",
        " ".join(filter(None, steps)),
    )
