# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two entries of a list that mean one key: what one of them wants to be there is never revoked for the other."""

from __future__ import annotations

import itertools
import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from unit_support import ISSUER, KEY_ID, Outcome, new_pem, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import AppStoreConnect
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import Cookie, WebSession
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.shared.session import Connection

NAME, OTHER_ID = "devtodev API Key", "OTHERNAME1"
TEAM = {"providerId": 1, "publicProviderId": ISSUER, "name": "Studio"}
Entry = dict[str, t.Any]


@dataclass
class Apple:
    """App Store Connect of one team, as a transport meets it."""

    pem: str
    keys: dict[str, dict[str, t.Any]] = field(default_factory=dict)

    def send(self, call: Call) -> Reply:
        """Answer."""
        path = urlsplit(call.url).path
        key_id = path.removeprefix("/iris/v1/subscriptionKeys").strip("/")
        asked = json.loads(call.body)["data"]["attributes"] if call.body else {}
        answer: t.Any
        if path == "/olympus/v1/session":
            answer = {"provider": TEAM, "availableProviders": [TEAM]}
        elif call.method == "POST":
            key_id = f"NEWKEY{len(self.keys):04}"
            self.keys[key_id] = {"nickname": asked["nickname"], "isActive": True, "canDownload": True}
            answer = {"data": {"id": key_id, "attributes": self.keys[key_id]}}
        elif call.method == "PATCH":
            self.keys[key_id]["isActive"] = False
            answer = {"data": {"id": key_id}}
        elif key_id:
            self.keys[key_id]["canDownload"] = False
            answer = {"data": {"id": key_id, "attributes": {"privateKey": self.pem}}}
        else:
            answer = {"data": [{"id": name, "attributes": key} for name, key in self.keys.items()]}
        return Reply(200, {"content-type": "application/json"}, json.dumps(answer).encode(), ())

    def pause(self, seconds: float) -> None:
        """Take no time."""

    def active(self) -> list[str]:
        """IDs of the active keys."""
        return [key_id for key_id, key in self.keys.items() if key["isActive"]]


@pytest.fixture
def apple(monkeypatch: pytest.MonkeyPatch) -> Apple:
    """A team with a key whose download was used, and another one."""
    service = Apple(new_pem())

    def opened(connection: Connection) -> AppStoreConnect:
        if connection._opened is None:
            session = WebSession([Cookie("myacinfo", Secret("DAWTKN7f3K9x"), "apple.com")])
            connection._opened = AppStoreConnect(t.cast(t.Any, service), session)
        return connection._opened

    monkeypatch.setattr(Connection, "open", opened)
    return service


# How an entry says which key it means. Without a name, App Store Connect isn't asked, and nothing is made again.
BY: dict[str, Entry] = {
    "name": {"name": NAME},
    "ID": {"key_id": KEY_ID},
    "ID and name": {"name": NAME, "key_id": KEY_ID},
    "file name": {},
    "file name and name": {"name": NAME},
}
REGENERATE = ("never", "if_lost", "always")
WISHES = [(by, how) for by, fields in BY.items() for how in (REGENERATE if "name" in fields else REGENERATE[:1])]


def entries(folder: Path, states: t.Sequence[str], wishes: t.Sequence[tuple[str, str]]) -> list[Entry]:
    """Two entries that mean the same key, each with a file of its own."""
    found = []
    for number, (state, (by, regenerate)) in enumerate(zip(states, wishes, strict=True)):
        name = f"SubscriptionKey_{KEY_ID}.p8" if by.startswith("file name") else "key.p8"
        place = folder / str(number)
        place.mkdir(exist_ok=True, mode=0o700)
        wanted = {"state": state, "revoke": state == "absent", "regenerate": regenerate}
        found.append({"key": f"k{number}", "private_key_path": str(place / name), **BY[by], **wanted})
    return found


def run(keys: list[Entry], check_mode: bool) -> Outcome:
    """Run the task."""
    return run_task(iap_key.TASK, {"keys": keys, "session": "given"}, check_mode)


def told(outcome: Outcome) -> list[t.Any]:
    """What came of each entry, and what can't be undone."""
    steps = ("step", "target", "asked_by")
    return [
        (key["failed"], [[record[step] for step in steps] for record in key.get("irreversible", [])])
        for key in outcome.results["iap_keys"]
    ]


@pytest.mark.sweep
@pytest.mark.parametrize("states", [("present", "present"), ("present", "absent"), ("absent", "present")])
@pytest.mark.parametrize("first", WISHES)
def test_of_two_entries_none_takes_the_key_of_the_other(
    apple: Apple, tmp_path: Path, pem: str, states: tuple[str, str], first: tuple[str, str]
) -> None:
    asks = first[1] == "never" or states[0] == "present"
    seconds = [wish for wish in WISHES if wish[1] == "never" or states[1] == "present"] if asks else []
    for second, *there in itertools.product(seconds, (True, False), (True, False)):
        keys = entries(tmp_path, states, (first, second))
        for entry, is_there in zip(keys, there, strict=True):
            path = Path(entry["private_key_path"])
            for left in path.parent.iterdir():
                left.unlink()
            if is_there:
                write_key(path, pem)
        apple.keys = {
            KEY_ID: {"nickname": NAME, "isActive": True, "canDownload": False},
            OTHER_ID: {"nickname": "other", "isActive": True, "canDownload": False},
        }
        case = f"{states} {first} {second} {there}"
        predicted = run(keys, check_mode=True)
        assert apple.active() == [KEY_ID, OTHER_ID], case
        done = run(keys, check_mode=False)
        assert told(predicted) == told(done), f"{case}\n{predicted.message}\n{done.message}"
        records = [record for _failed, steps in told(done) for record in steps if record[0] == "revoke_key"]
        if states == ("present", "present"):
            assert records == [] and apple.active() == [KEY_ID, OTHER_ID], case
        else:
            # One that is to be there may still be made again as it asks for itself.
            own = keys[states.index("present")]["regenerate"]
            assert [record[2] for record in records] in ([], [f"regenerate: {own}"]), case
            assert any(apple.keys[key_id]["nickname"] == NAME for key_id in apple.active()), case
        assert OTHER_ID in apple.active()


@pytest.mark.parametrize("regenerate", ["if_lost", "always"])
def test_a_key_that_no_other_entry_means_is_replaced(apple: Apple, tmp_path: Path, pem: str, regenerate: str) -> None:
    (own,) = entries(tmp_path, ["present"], [("name", regenerate)])
    path = write_key(tmp_path / "other.p8", pem)
    other = {"key": "other", "key_id": OTHER_ID, "private_key_path": str(path)}
    for keys in ([own, other], [other, own]):
        apple.keys = {
            KEY_ID: {"nickname": NAME, "isActive": True, "canDownload": False},
            OTHER_ID: {"nickname": "other", "isActive": True, "canDownload": False},
        }
        Path(own["private_key_path"]).unlink(missing_ok=True)
        assert not run(keys, check_mode=True).message and not run(keys, check_mode=False).message
        assert KEY_ID not in apple.active() and len(apple.active()) == 2
    # An entry that says neither its name nor its Key ID may mean any key.
    anyone = {"key": "anyone", "private_key_path": str(path)}
    active = apple.active()
    Path(own["private_key_path"]).unlink()
    outcome = run([own, anyone], check_mode=False)
    assert outcome.results["failed"] and apple.active() == active
    assert f"(regenerate: {regenerate}), and keys[1] (anyone) may be the same key. Nothing was revoked." in (
        outcome.message
    )


@pytest.mark.parametrize(
    ("first", "second", "is_twin"),
    [
        ({}, {}, True),
        ({"name": f"\u200b{NAME} "}, {"name": NAME.replace(" ", "\u00a0 ")}, True),
        ({"name": NAME.upper()}, {}, False),
        ({"issuer_id": ISSUER}, {"issuer_id": "69a6de70-0000-47e3-e053-5b8c7c11a4d1"}, False),
        ({"issuer_id": ISSUER}, {}, True),
        ({"team_id": 1}, {"team_id": 2}, False),
        ({"team_id": 1}, {"issuer_id": ISSUER}, True),
        ({"key_id": KEY_ID}, {}, False),
    ],
)
def test_one_name_in_one_team_is_refused_before_anybody_is_asked(
    apple: Apple, tmp_path: Path, pem: str, first: Entry, second: Entry, is_twin: bool
) -> None:
    keys = [
        {"key": name, "name": NAME, "private_key_path": str(write_key(tmp_path / f"{name}.p8", pem)), **more}
        for name, more in (("a", first), ("b", second))
    ]
    for check_mode in (True, False):
        outcome = run_task(iap_key.TASK, {"keys": keys}, check_mode)
        assert bool(outcome.results.get("failed")) is is_twin
        if is_twin:
            assert "'b': name " in outcome.message and " is that of keys[0] (a), too. Both mean one key" in (
                outcome.message
            )
            assert [key["failed"] for key in outcome.results["iap_keys"]] == [False, True]
