# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signed-in App Store Connect web session: the cookies that a release engineer already has.

Read: what fastlane's spaceauth makes (a YAML list of ``!ruby/object:HTTP::Cookie``, also with literal ``\\n`` as in
FASTLANE_SESSION), a JSON list of cookies, and the shapes of `session_text`. Observed: github.com/fastlane/fastlane,
issue 13833.
"""

from __future__ import annotations

import re
import traceback
import typing as t
from dataclasses import dataclass, field

from .errors import InputError
from .foreign_json import parse_json
from .masking import Masker
from .secret import Secret, worth_masking
from .session_text import listed, unescaped, unwrapped

try:
    import yaml
except ImportError:
    YAML_ERROR: str | None = traceback.format_exc()
else:
    YAML_ERROR = None

LARGEST = 64 * 1024
# None: no tag, and an alias, which has none.
_TAGS = frozenset({None, "!ruby/object:HTTP::Cookie", "!ruby/object:HTTP::CookieJar", "!ruby/object:DateTime"})
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
# A mapping with a list of mappings with texts.
_DEPTH = 3
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NEXT_STEP = "Give a session of fastlane spaceauth, or a browser's export: a JSON list of {name, value, domain}."
_SIGNED_IN = "myacinfo"


@dataclass(frozen=True)
class Cookie:
    """One cookie. ``domain`` has no leading period; ``for_subdomains`` tells whether hosts below it get it too."""

    name: str
    value: Secret
    domain: str
    for_subdomains: bool = True

    def belongs_to(self, host: str) -> bool:
        return host == self.domain or (self.for_subdomains and host.endswith(f".{self.domain}"))


@dataclass
class WebSession:
    """Cookies in memory; those that a service refreshes replace the old ones here and nowhere else."""

    cookies: list[Cookie] = field(repr=False)
    _values: set[str] = field(default_factory=set, init=False, repr=False)

    def __post_init__(self) -> None:
        self._note_values()

    def mask(self, value: t.Any) -> t.Any:
        """Return a copy of ``value`` without any cookie that this session has or had."""
        return Masker(self._values).mask(value)

    def _note_values(self) -> None:
        self._values |= {cookie.value.reveal() for cookie in self.cookies}

    def fits(self, host: str) -> bool:
        """Tell whether a signed-in cookie would go to ``host`` at all."""
        return any(cookie.name == "myacinfo" and cookie.belongs_to(host) for cookie in self.cookies)

    def header(self, host: str, sends_all: bool) -> str:
        """Return the Cookie header for ``host``. ``sends_all`` ignores domains: for a simulator on this machine."""
        chosen = {cookie.name: cookie for cookie in self.cookies if sends_all or cookie.belongs_to(host)}
        return "; ".join(f"{name}={_sent(name, cookie.value.reveal())}" for name, cookie in chosen.items())

    def refresh(self, set_cookies: t.Iterable[str], host: str) -> None:
        """Take over Set-Cookie headers that ``host`` sent; an emptied cookie is dropped."""
        for line in set_cookies:
            pair, *attributes = line.split(";")
            name, found, value = pair.strip().partition("=")
            if not found or not _TOKEN.fullmatch(name):
                continue
            domain = _attribute(attributes, "domain").lstrip(".").lower()
            is_sound = bool(domain) and (host == domain or host.endswith(f".{domain}"))
            fresh = Cookie(name, Secret(value.strip()), domain if is_sound else host, is_sound)
            self.cookies = [cookie for cookie in self.cookies if cookie.name != name]
            if value.strip().strip('"'):
                self.cookies.append(fresh)
        self._note_values()


def _sent(name: str, value: str) -> str:
    # Apple wants the two-factor trust cookie in double quotes (observed: RevenueCat/cli, quoteDESCookies).
    return f'"{value}"' if name.startswith("DES") and not value.startswith('"') else value


def _attribute(attributes: t.Iterable[str], wanted: str) -> str:
    for attribute in attributes:
        name, _found, value = attribute.strip().partition("=")
        if name.lower() == wanted:
            return value.strip()
    return ""


def parse_session(text: str, option: str) -> WebSession:
    """Return the cookies of a session. Raises InputError that names ``option`` and shows nothing of the text."""
    if len(text) > LARGEST:
        raise InputError(option, f"has more than {LARGEST} characters; a session has a few thousand.", _NEXT_STEP)
    text = unwrapped(text, _SIGNED_IN)
    if text.startswith("$ANSIBLE_VAULT"):
        raise InputError(
            option, "is encrypted with ansible-vault.", "Give session: \"{{ lookup('ansible.builtin.file', path) }}\"."
        )
    try:
        document = _read(text)
    except Exception:
        # Whatever a parser stumbles over: its own words may show a piece of the session.
        raise InputError(option, "isn't a session: it is neither YAML nor JSON.", _NEXT_STEP) from None
    if isinstance(document, dict) and isinstance(document.get("cookies"), list):
        document = document["cookies"]
    if not isinstance(document, list):
        raise InputError(option, "isn't a list of cookies.", _NEXT_STEP)
    cookies = [cookie for index, entry in enumerate(document) if (cookie := _cookie(entry, index, option))]
    if not any(cookie.name == "myacinfo" for cookie in cookies):
        raise InputError(option, "has no cookie named myacinfo, so nobody is signed in.", _NEXT_STEP)
    return WebSession(cookies)


def _cookie(entry: t.Any, index: int, option: str) -> Cookie | None:
    if not isinstance(entry, dict):
        raise InputError(option, f"entry {index} isn't a cookie with a name.", _NEXT_STEP)
    name, value = entry.get("name"), entry.get("value")
    if not isinstance(name, str) or not isinstance(value, str) or not value:
        return None
    if not _TOKEN.fullmatch(name) or any(ord(char) < 33 or char in ";," or ord(char) > 126 for char in value):
        if name == _SIGNED_IN or name.startswith("DES"):
            raise InputError(option, f"entry {index} has characters that no cookie can have.", _NEXT_STEP)
        # A browser's export has many a cookie of other services; some of them are odd, and none of them counts.
        return None
    given = entry.get("domain")
    domain = (given if isinstance(given, str) and given else "apple.com").lstrip(".").lower()
    # As fastlane says it, and as browsers' exports do.
    is_of_host = entry.get("for_domain", True) is False or entry.get("hostOnly") is True
    return Cookie(name, Secret(value), domain, not is_of_host)


def _read(text: str) -> t.Any:
    try:
        return parse_json(text)
    except ValueError:
        pass
    text = unescaped(text)
    cookies = listed(text)
    if cookies is not None:
        return cookies

    class Loader(yaml.BaseLoader):
        """Reads the structure and no objects: nothing is ever constructed, so nothing can be executed."""

        def compose_node(self, parent: yaml.Node | None, index: t.Any) -> yaml.Node | None:
            event: yaml.Event | None = self.peek_event()  # type: ignore[no-untyped-call]
            if getattr(event, "tag", None) not in _TAGS:
                raise yaml.YAMLError
            node: yaml.Node | None = super().compose_node(parent, index)
            return node

    loader = Loader(text)
    try:
        return _plain(loader.get_single_node(), _DEPTH, {})
    finally:
        loader.dispose()


def _plain(node: yaml.Node | None, depth: int, seen: dict[tuple[int, int], t.Any]) -> t.Any:
    """Return a node as lists, mappings and texts; what lies deeper than cookies do is left out.

    ``seen`` makes aliases share one object, so that a short text can't grow into a large document.
    """
    place = (id(node), depth)
    if place not in seen:
        seen[place] = _converted(node, depth, seen)
    return seen[place]


def _converted(node: yaml.Node | None, depth: int, seen: dict[tuple[int, int], t.Any]) -> t.Any:
    if isinstance(node, yaml.ScalarNode):
        # Times and numbers stay texts: only names, values and domains matter.
        return _WORDS.get(node.value, node.value) if node.style is None else node.value
    if isinstance(node, yaml.SequenceNode) and depth:
        return [_plain(child, depth - 1, seen) for child in node.value]
    if isinstance(node, yaml.MappingNode) and depth:
        pairs = ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
        return {key.value: _plain(value, depth - 1, seen) for key, value in pairs}
    return None


def cookie_values(text: str) -> set[str]:
    """Return the cookie values in a session's text that are worth masking. An unreadable session has none.

    A browser's export also has cookies such as ``lang=en``; masking short words would blot out the results.
    """
    try:
        session = parse_session(text, "session")
    except InputError:
        return set()
    values = {cookie.name: cookie.value.reveal().strip('"') for cookie in session.cookies}
    worth = {value for value in values.values() if worth_masking(value)}
    return worth | {values["myacinfo"]}
