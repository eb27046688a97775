# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a rotation says at its end: what was done, and what is left to a person."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._model.text import few

# taken: nothing proves it, as App Store Connect's list doesn't tell which keys are active.
Revocation = t.Literal["not_asked", "done", "taken", "before", "unlisted"]


@dataclass(frozen=True)
class End:
    """``moved``: how many integrations. ``sound``: how many work with the new key, the moved ones included.

    ``by_hand``: how many a person has yet to enter at the tracker; they are neither moved nor sound. ``left``: what
    keeps the old key from being revoked. ``new`` is empty for a key that is only predicted.

    ``foreseen``: which ones check mode says would be moved, as nothing else of it names them.

    ``is_declared``: the new key is in the declaration. ``has_old_apps``: apps are declared with the old one.
    """

    old: str
    new: str
    new_path: str
    moved: int
    sound: int
    revocation: Revocation
    by_hand: int = 0
    left: t.Sequence[str] = ()
    check_mode: bool = False
    is_declared: bool = False
    has_old_apps: bool = True
    foreseen: t.Sequence[str] = ()

    def __str__(self) -> str:
        return " ".join(filter(None, [self._moved(), *self.left, self._old_key(), *self._next()]))

    def without_revocation(self) -> str:
        """Say what was moved all the same, where the revocation failed, which another sentence tells."""
        return " ".join(filter(None, [self._moved(), *self.to_declare()]))

    def _moved(self) -> str:
        new = self.new or "the new key"
        if not self.moved and self.by_hand:
            return f"{count_of(self.sound, 'uses', 'use')} {new}, and Apple accepts it." if self.sound else ""
        if not self.moved:
            return f"Nothing is left to move: {count_of(self.sound, 'uses', 'use')} {new}, and Apple accepts it."
        if self.check_mode:
            which = f" ({few(self.foreseen)})" if self.foreseen else ""
            return f"{count_of(self.moved)}{which} would be moved from {self.old} to {new}."
        return f"{count_of(self.moved, 'was', 'were')} moved from {self.old} to {new}."

    def _old_key(self) -> str:
        if self.revocation == "done":
            return f"{self.old} {'would be' if self.check_mode else 'is'} revoked."
        if self.revocation == "taken":
            asked = "would be" if self.check_mode else "was"
            return f"The revocation of {self.old} {asked} asked for; look in the browser whether it is revoked."
        if self.revocation == "before":
            return f"{self.old} was revoked before."
        if self.revocation == "unlisted":
            return f"App Store Connect lists no key {self.old}, so nothing was revoked."
        return f"{self.old} {'would stay' if self.check_mode else 'is still'} active."

    def to_declare(self) -> t.Iterator[str]:
        """Yield what has to be declared, so that the next run of site leaves the moved ones where they are."""
        if not self.is_declared:
            values = (f"key_id {self.new}, " if self.new else "") + f"private_key_path {self.new_path}"
            yield f"Put the new key into your list of keys ({values}, and its name if the entry has one)."
            yield f"With the old values there, {self._left_so()}"
        elif self.has_old_apps:
            yield f"Apps are still declared with {self.old}: declare them with {self.new}."
            yield f"Until then, {self._left_so()}"

    def _next(self) -> t.Iterator[str]:
        yield from self.to_declare()
        if self.revocation == "not_asked":
            yield f"Services that this collection doesn't know may use {self.old}: check them before you revoke it."

    def _left_so(self) -> str:
        """What comes of a declaration that is left as it is."""
        if self.revocation == "not_asked":
            return "the next run of storeops.refunds.site moves the apps back."
        if self.revocation in ("unlisted", "taken"):
            # Nobody knows whether the old key works.
            return "the next run of storeops.refunds.site moves the apps back, or fails if the old key was revoked."
        return "the next run of storeops.refunds.site fails: Apple refuses the revoked key."


def count_of(count: int, one: str = "", many: str = "") -> str:
    """Return how many integrations, with the verb that fits."""
    noun, verb = ("integration", one) if count == 1 else ("integrations", many)
    return f"{count:,} {noun} {verb}".strip()
