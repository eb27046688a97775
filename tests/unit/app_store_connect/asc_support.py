# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signed-in person in front of the simulated App Store Connect, with cookies made at this moment."""

from __future__ import annotations

import json
import re
import secrets
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from unit_servers import Simulator
from unit_support import BUNDLE_ID, ISSUER, OTHER_ISSUER, Outcome, public_pem, run_task

from ansible_collections.storeops.refunds.plugins.module_utils._context import Task
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, iap_key_info

NAME = "devtodev API Key"
TEAM_ID, OTHER_TEAM_ID = 120000001, 120000002
DES_NAME = "DES0123abcd"
CREATE, READ, REVOKE = "create_subscription_key", "read_subscription_key", "revoke_subscription_key"
LIST, SWITCH = "list_subscription_keys", "switch_team"
CHANGES = {CREATE, READ, REVOKE, SWITCH}
PEM_BODY = re.compile(r"PRIVATE KEY-----[\\n\s]*[A-Za-z0-9+/]{20}")
APPS = (BUNDLE_ID, "com.example.two")


def new_cookie() -> str:
    """Make a cookie value."""
    return secrets.token_hex(24)


def as_json(cookies: t.Mapping[str, str]) -> str:
    """Write cookies as a browser's export does."""
    return json.dumps([{"name": name, "value": value, "domain": ".apple.com"} for name, value in cookies.items()])


def as_fastlane(cookies: t.Mapping[str, str]) -> str:
    """Write cookies as fastlane does: Ruby objects, an anchor for a time that occurs twice, a quoted DES cookie."""
    lines = ["---"]
    for number, (name, value) in enumerate(cookies.items()):
        shown = f"'\"{value}\"'" if name.startswith("DES") else value
        time = "2026-11-23 08:45:00.123456789 +00:00"
        lines += ["- !ruby/object:HTTP::Cookie", f"  name: {name}", f"  value: {shown}", "  domain: apple.com"]
        lines += ["  for_domain: true", '  path: "/"', "  secure: true", "  httponly: true", "  expires:"]
        lines += ["  max_age: 2592000", f"  created_at: &{number + 1} {time}", f"  accessed_at: *{number + 1}"]
    return "\n".join(lines) + "\n"


@dataclass
class Person:
    """Who is signed in; every run of a task is searched for cookies."""

    sim: Simulator
    folder: Path
    cookies: dict[str, str] = field(repr=False)
    seen: set[str] = field(repr=False, default_factory=set)

    @property
    def path(self) -> Path:
        """Where the key lies or shall lie."""
        return self.folder / "studio.p8"

    @property
    def options(self) -> dict[str, t.Any]:
        """What a task is given."""
        url = self.sim.announced["app_store_connect"]
        return {
            "name": NAME,
            "private_key_path": str(self.path),
            "session": as_json(self.cookies),
            "app_store_connect_url": url,
        }

    def run(
        self,
        check_mode: bool = False,
        task: Task = iap_key.TASK,
        environ: dict[str, str] | None = None,
        **options: t.Any,
    ) -> Outcome:
        """Run a task; None takes an option away. Nothing it tells may show a cookie."""
        given = {name: value for name, value in {**self.options, **options}.items() if value is not None}
        if task is iap_key_info.TASK:
            given = {"name": None, "private_key_path": None, **options}
            given = {**self.options, **given}
        outcome = run_task(task, {n: v for n, v in given.items() if v is not None}, check_mode, environ)
        self.search(repr(outcome))
        assert "fault of storeops.refunds" not in outcome.message, outcome.message
        return outcome

    def search(self, shown: str) -> None:
        """No cookie, first or refreshed, is in a text or in the simulator's call log."""
        self.seen |= {value for name in ("myacinfo", "dqsid") if (value := self.session_now().get(name))}
        self.seen |= set(self.cookies.values())
        everything = shown + json.dumps(self.sim.calls())
        assert not [value for value in self.seen if value in everything], "a cookie is shown"
        assert not PEM_BODY.search(everything), "a private key is shown"

    def session_now(self) -> dict[str, t.Any]:
        """The simulator's view of the session, with the cookies that are valid now."""
        return dict(self.sim.control("GET", "/world")["app_store_connect_sessions"][0])

    def change(self, **state: object) -> None:
        """Change the session: expired, role, ..."""
        self.sim.control("PATCH", "/app_store_connect_sessions/0", state)

    def endpoints(self) -> list[str]:
        """What was asked of App Store Connect, in order."""
        return [call["endpoint"] for call in self.sim.calls("?vendor=app_store_connect")["calls"]]

    def changes(self) -> list[str]:
        """Those calls that change something, a download included."""
        return [endpoint for endpoint in self.endpoints() if endpoint in CHANGES]

    def forget_calls(self) -> None:
        """Empty the call log."""
        self.sim.control("DELETE", "/calls")

    def keys(self) -> dict[str, dict[str, t.Any]]:
        """The first team's keys by ID."""
        return {key["key_id"]: key for key in self.sim.control("GET", "/world")["teams"][0]["iap_keys"]}

    def active(self, name: str = NAME) -> list[str]:
        """IDs of the active keys of a name."""
        return [key_id for key_id, key in self.keys().items() if key["name"] == name and key.get("active", True)]

    def fits(self, key_id: str, path: Path | None = None) -> bool:
        """Whether the file holds the private half of that key."""
        public: str = self.keys()[key_id]["public_key"]
        return public_pem((path or self.path).read_text()).strip() == public.strip()


def key(key_id: str, name: str = NAME, **more: object) -> dict[str, object]:
    """Make an entry of the world; its private key can be downloaded once unless told otherwise."""
    return {"key_id": key_id, "name": name, **more}


def enter(
    sim: Simulator,
    folder: Path,
    keys: t.Sequence[dict[str, object]] = (),
    other_keys: t.Sequence[dict[str, object]] = (),
    teams: t.Sequence[str] = (ISSUER,),
    session: t.Mapping[str, object] | None = None,
    connect: t.Mapping[str, object] | None = None,
    **world: object,
) -> Person:
    """Put the simulator into a world of two teams with one signed-in person."""
    cookies = {"myacinfo": new_cookie(), DES_NAME: new_cookie()}
    signed_in = {
        "myacinfo": cookies["myacinfo"],
        "des": {DES_NAME: cookies[DES_NAME]},
        "email": "release@example.com",
        "teams": list(teams),
        **(session or {}),
    }
    apps = [{"bundle_id": name, "apple_id": number + 1} for number, name in enumerate(APPS)]
    own = {"issuer_id": ISSUER, "name": "Studio A", "provider_id": TEAM_ID, "iap_keys": list(keys), "apps": apps}
    other = {"issuer_id": OTHER_ISSUER, "name": "Studio B", "provider_id": OTHER_TEAM_ID, "iap_keys": list(other_keys)}
    body = {
        "teams": [own, other],
        "app_store_connect_sessions": [signed_in],
        "app_store_connect": dict(connect or {}),
        "rate_limits": {"get_transaction_info": 0},
        **world,
    }
    sim.control("PUT", "/world", body)
    place = folder / "keys"
    place.mkdir(exist_ok=True, mode=0o700)
    return Person(sim, place, cookies)
