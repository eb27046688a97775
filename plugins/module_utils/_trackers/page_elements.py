# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the elements of a page are recognised: by what a person sees (label, placeholder, role), or by a selector."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from .options import Reader

if t.TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Kind = t.Literal["label", "placeholder", "role", "css"]
KINDS: tuple[Kind, ...] = t.get_args(Kind)
# The smallest part of the page around a field that has an upload and a button, then the form, then the page.
_AROUND = (
    "xpath=ancestor::*[.//input[@type='file'] and (.//button or .//input[@type='submit'] or .//*[@role='button'])][1]",
    "xpath=ancestor::form[1]",
)


@dataclass(frozen=True)
class Way:
    """One way to find an element. ``name`` is the accessible name for ``role``."""

    kind: Kind
    value: str
    name: str = ""

    def __str__(self) -> str:
        named = f" named {self.name!r}" if self.name else ""
        return f"{self.kind} {self.value!r}{named}"

    def locate(self, scope: Page | Locator) -> Locator:
        if self.kind == "label":
            return scope.get_by_label(_as_seen(self.value))
        if self.kind == "placeholder":
            return scope.get_by_placeholder(_as_seen(self.value))
        if self.kind == "role":
            role = t.cast(t.Any, self.value)
            return scope.get_by_role(role, name=_as_seen(self.name)) if self.name else scope.get_by_role(role)
        return scope.locator(self.value)


@dataclass(frozen=True)
class Element:
    """``ways`` are tried in order; the first that fits exactly one element counts. ``title`` is for messages."""

    title: str
    option: str
    ways: tuple[Way, ...]
    is_visible: bool = True

    def find(self, scope: Page | Locator) -> Locator | None:
        for way in self.ways:
            found = way.locate(scope)
            if self.is_visible:
                found = found.filter(visible=True)
            if found.count() == 1:
                return found
        return None

    def find_around(self, page: Page, field: Locator | None) -> Locator | None:
        """Look near a field first, so that another form's button or upload on the same page is not taken."""
        for scope in [field.locator(around) for around in _AROUND] if field is not None else []:
            found = self.find(scope) if scope.count() == 1 else None
            if found is not None:
                return found
        return self.find(page)

    def __str__(self) -> str:
        shown = " or ".join(map(str, self.ways[:3]))
        return f"{self.title} ({self.option}: {shown})"


def _as_seen(text: str) -> re.Pattern[str]:
    """Match a visible name as a whole; forms add asterisks and colons to their labels."""
    words = r"\s+".join(re.escape(word) for word in text.split())
    return re.compile(rf"^\s*{words}\s*[:*]*\s*$", re.IGNORECASE)


# A field that has a name of its own is no other name's field, however near it stands.
_NAMELESS = "not(@placeholder or @aria-label or @aria-labelledby or ancestor::label or @id=//label/@for)"


def _field(name: str, title: str) -> Element:
    text = f"normalize-space(translate(text(), ':*', ''))='{title}'"
    beside = f"xpath=//*[{text}]/following::input[not(@type='hidden') and not(@type='file')][1][{_NAMELESS}]"
    ways = (Way("label", title), Way("placeholder", title), Way("role", "textbox", title), Way("css", beside))
    return Element(title, f"devtodev.page.{name}", ways)


_BUTTONS = ("Save", "Submit", "Connect", "Integrate", "Apply")
_UPLOADS = ("input[type=file][accept*=p8]", "input[type=file]")
_STATUSES = (
    "xpath=//*[normalize-space(translate(text(), ':', ''))='Status']/following-sibling::*[1]",
    "[data-status], .status",
)
# What devtodev's documentation names (read 2026-11-23), found in the ways in which a person would find it. The
# button and the place of the status are not documented: the usual ones are tried.
DEFAULTS: dict[str, Element] = {
    "bundle_id": _field("bundle_id", "App Bundle ID"),
    "issuer_id": _field("issuer_id", "Issuer ID"),
    "key_id": _field("key_id", "Key ID"),
    # Pages often hide the input and show a button in its place.
    "private_key": Element(
        ".p8 file", "devtodev.page.private_key", tuple(Way("css", css) for css in _UPLOADS), is_visible=False
    ),
    "submit": Element(
        "the button that submits",
        "devtodev.page.submit",
        (*(Way("role", "button", name) for name in _BUTTONS), Way("css", "button[type=submit], input[type=submit]")),
    ),
    "status": Element(
        "the status",
        "devtodev.page.status",
        (Way("css", _STATUSES[0]), Way("label", "Status"), Way("role", "status"), Way("css", _STATUSES[1])),
    ),
    "edit": Element("the button that opens the form", "devtodev.page.edit", ()),
    "remove": Element("the button that removes", "devtodev.page.remove", ()),
    "remove_confirm": Element("the button that confirms the removal", "devtodev.page.remove_confirm", ()),
}
MENU = ("Settings", "Payments integration", "IA refunds tracking")


_WAYS = (*KINDS, "name")


def parse_elements(page: Reader) -> dict[str, Element]:
    """Return the page's elements as the option ``page`` describes them; one that it describes has no default ways."""
    return {name: _configured(name, page) for name in DEFAULTS}


def _configured(name: str, elements: Reader) -> Element:
    default = DEFAULTS[name]
    reader = Reader(elements.mapping(name), elements.path(name))
    reader.check_names(_WAYS)
    given = {kind: text for kind in _WAYS if (text := reader.text(kind))}
    elements.faults += reader.faults
    if not given:
        return default
    ways = tuple(Way(kind, given[kind], given.get("name", "")) for kind in KINDS if kind in given)
    return replace(default, ways=ways or (Way("role", "button", given["name"]),))
