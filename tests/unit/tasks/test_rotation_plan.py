# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a new key may be made for a rotation, and which one is at hand already. What is read is a stand-in."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from revocation_support import Connect, key
from unit_support import ISSUER, OTHER_ISSUER, fingerprint_of

from ansible_collections.storeops.refunds.plugins.module_utils import _argument_spec
from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey
from ansible_collections.storeops.refunds.plugins.module_utils._context import Results
from ansible_collections.storeops.refunds.plugins.module_utils._decisions.rotation import Known, Request
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.apps import App
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import Declaration
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.integration import Identity, Integration
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation import planning
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.at_hand import (
    as_result,
    at_hand,
    declared_with,
)
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.job import Job
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.moving import _after
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.planning import plan
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.rotation.request import rotation_request

OLD, NEW = "OLD1234567", "NEW1234567"


def source(key_id: str | None = NEW, path: str | None = None, content: str | None = None, **more: t.Any) -> KeySource:
    """A declared key."""
    made = KeySource(None, key_id, path, None if content is None else Secret(content), "strict")
    return replace(made, **more)


def app(one: KeySource | None) -> App:
    """A declared app."""
    return App("a", "com.example.a", key=one)


WITH_FILE, WITH_TEXT = source(path="/keys/a.p8"), source(content="text")
BY_NAME = source(None, f"/keys/SubscriptionKey_{NEW}.p8")


@pytest.mark.parametrize(
    ("keys", "apps", "wanted"),
    [
        ([], [], None),
        ([WITH_FILE], [], WITH_FILE),
        ([BY_NAME], [], BY_NAME),
        # What has its text needs no file.
        ([WITH_FILE, WITH_TEXT], [], WITH_TEXT),
        ([WITH_FILE], [app(None), app(WITH_TEXT)], WITH_TEXT),
        ([WITH_FILE, BY_NAME], [], WITH_FILE),
        ([source(OLD, "/keys/o.p8")], [app(WITH_FILE)], WITH_FILE),
        ([source(OLD, content="text")], [], None),
        # An entry that says neither, and one that is to be gone.
        ([source()], [], None),
        ([replace(WITH_FILE, is_absent=True)], [], None),
    ],
)
def test_which_declared_key_is_meant(keys: list[KeySource], apps: list[App], wanted: KeySource | None) -> None:
    declaration = Declaration({str(number): one for number, one in enumerate(keys)}, tuple(apps))
    assert declared_with(declaration, NEW) == wanted
    for nobody in (None, ""):
        assert declared_with(declaration, nobody) is None


def test_a_key_without_an_id_is_nobodys() -> None:
    assert declared_with(Declaration({"a": source(None, "/keys/a.p8")}, ()), "") is None


CONTEXT: t.Any = SimpleNamespace(check_mode=False, warn=lambda text: None)


def hand(declared: KeySource, new: KeySource, named: t.Sequence[str] = (), issuer: str | None = ISSUER) -> t.Any:
    """Ask for the new key."""
    return at_hand(Declaration({"new": declared}, ()), new, named, issuer, CONTEXT)


def put(path: Path, text: str) -> str:
    """Write a file that its owner alone can read."""
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def test_a_declared_key_that_can_be_read_is_at_hand(tmp_path: Path, pem: str) -> None:
    new = source(None, f"{tmp_path}/new.p8")
    for declared in (source(content=pem), source(path=put(tmp_path / "kept.p8", pem))):
        found = hand(declared, replace(new, key_id=NEW))
        assert found == replace(declared, issuer_id=ISSUER, fingerprint=fingerprint_of(pem))
        # Its ID may be known by its name alone.
        assert hand(declared, new, [NEW]) == found
        assert hand(declared, new) is hand(declared, new, [NEW, OLD]) is hand(declared, new, [OLD]) is None
    # What has its text needs no file.
    both = source(content=pem, path=f"{tmp_path}/none.p8")
    assert hand(both, replace(new, key_id=NEW)).fingerprint == fingerprint_of(pem)
    own = source(content=pem, issuer_id=OTHER_ISSUER)
    assert hand(own, replace(new, key_id=NEW)).issuer_id == OTHER_ISSUER
    assert as_result(replace(own, fingerprint="f"), "new") == {
        "name": "new",
        "key_id": NEW,
        "issuer_id": OTHER_ISSUER,
        "private_key_path": None,
        "key_fingerprint": "f",
        "predicted": False,
    }
    assert as_result(own, "")["name"] is None


def test_a_declared_key_that_lies_nowhere_or_at_the_path_is_looked_for_there(tmp_path: Path, pem: str) -> None:
    path = put(tmp_path / "new.p8", pem)
    assert hand(source(path=path), source(NEW, path)) is None
    assert hand(source(path=f"{tmp_path}/none.p8"), source(NEW, path)) is None


def test_a_declared_key_that_can_not_be_read_is_not_lost(tmp_path: Path, pem: str) -> None:
    damaged = put(tmp_path / "kept.p8", "hunter2")
    for declared in (source(content="hunter2"), source(path=damaged), source(content=pem, unusable="No.")):
        with pytest.raises(RefundsError) as caught:
            hand(declared, source(NEW, f"{tmp_path}/new.p8"))
        said = str(caught.value)
        assert said.startswith(f"The new key {NEW} is declared, and can't be read: ") and "hunter2" not in said
        assert said.endswith(" No key was made, and nothing was moved or revoked.")
        assert ("No. No key" in said) is bool(declared.unusable)
    # Another copy lies at the path.
    assert hand(source(path=damaged), source(NEW, put(tmp_path / "new.p8", pem))) is None


def held(name: str, key_id: str = OLD, issuer: str | None = ISSUER) -> Integration:
    """An integration."""
    return Integration(Identity("ledger", "", "production", f"com.example.{name}"), issuer, key_id, "f", "Active")


@dataclass
class Plan:
    """One run of the first stage."""

    monkeypatch: pytest.MonkeyPatch
    new: KeySource
    known: Known = field(default_factory=lambda: Known((held("a"), held("b"))))
    old: KeySource | None = None
    keys: dict[str, KeySource] = field(default_factory=dict)
    listed: list[RemoteKey] | None = None
    new_name: str = "new"
    revoke: bool = False
    default_issuer: str | None = None
    faults: list[str] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)
    connect: Connect = field(default_factory=Connect)

    def run(self) -> Results:
        """Do it."""
        self.connect.before = self.listed or []
        connection: t.Any = SimpleNamespace(is_given=self.listed is not None, open=lambda: self.connect)
        asked: t.Any = SimpleNamespace(
            old_key_id=OLD,
            old=self.old,
            old_name="old",
            new=self.new,
            new_name=self.new_name,
            default_issuer=self.default_issuer,
            team_id=7,
            revoke=self.revoke,
            declaration=Declaration(self.keys, ()),
        )
        counters = SimpleNamespace(as_result=lambda: {"calls": 7})
        context: t.Any = SimpleNamespace(**vars(CONTEXT), transport=SimpleNamespace(counters=counters))
        self.monkeypatch.setattr(Job, "read", lambda job: SimpleNamespace(known=lambda *given: self.known))
        self.monkeypatch.setattr(planning, "faults", self._faults)
        return plan(Job(asked, context, connection))

    def _faults(self, request: Request, known: Known) -> list[str]:
        assert replace(known, issuers=frozenset()) == self.known
        self.asked.append(request)
        return self.faults


def test_what_uses_the_old_key_is_told_and_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"))
    assert run.run() == {
        "changed": False,
        "rotation": {
            "old_key_id": OLD,
            "new_key_id": None,
            "new_key": None,
            "issuer_id": ISSUER,
            "uses": [held(name).identity.place for name in "ab"],
            "message": f"2 integrations use {OLD}.",
        },
        "http": {"calls": 7},
    }
    assert run.asked == [
        Request(OLD, f"{tmp_path}/new.p8", "new", "", "old", "", False, ISSUER, frozenset({ISSUER}), False)
    ]
    one = Plan(monkeypatch, run.new, Known((held("a"), held("b", NEW))))
    assert one.run()["rotation"]["message"] == f"1 integration uses {OLD}."
    none = Plan(monkeypatch, run.new, Known(tuple(held(f"n{number}") for number in range(1000))))
    assert none.run()["rotation"]["message"] == f"1,000 integrations use {OLD}."


def test_every_fault_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(RefundsError) as caught:
        Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"), faults=["One.", "Two."]).run()
    assert str(caught.value) == "One.\nTwo.\nNo key was made, and nothing was moved or revoked."


@pytest.mark.parametrize(
    ("listed", "named", "chosen"),
    [
        (None, "", None),
        ([], "", None),
        ([key(NEW, "new")], NEW, NEW),
        ([key(NEW, "new", False), key("OTHER12345", "other")], "", None),
        ([key("OTHER12345", "new"), key(NEW, "new")], "OTHER12345", None),
        # The old key's name is no name for the new one.
        ([key(NEW, "new"), key(OLD, "new")], OLD, None),
    ],
)
def test_a_key_with_the_new_name_was_made_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: list[RemoteKey] | None, named: str, chosen: str | None
) -> None:
    run = Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"), listed=listed)
    assert run.run()["rotation"]["new_key_id"] == chosen
    (asked,) = run.asked
    assert (asked.named_key_id, asked.has_new) == (named, bool(named))
    assert run.connect.asked == ([] if listed is None else [(7, ISSUER)])


@pytest.mark.parametrize(("new_name", "issuer"), [("", ISSUER), ("new", OTHER_ISSUER)])
def test_without_a_name_or_in_another_team_nobody_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, new_name: str, issuer: str
) -> None:
    new = source(None, f"{tmp_path}/new.p8", issuer_id=issuer)
    run = Plan(monkeypatch, new, new_name=new_name, listed=[key(NEW, "new")])
    run.run()
    assert run.connect.asked == [] and (run.asked[0].named_key_id, run.asked[0].new_issuer) == ("", issuer)


@pytest.mark.parametrize(
    ("given", "own", "used", "default", "wanted", "issuers"),
    [
        ("given", "own", ["used"], "default", "given", {"own", "used"}),
        (None, "own", ["used"], "default", "own", {"own", "used"}),
        (None, None, ["used"], "default", "used", {"used"}),
        (None, None, ["used", "two"], "default", "default", {"used", "two"}),
        (None, None, [], "default", "default", {"default"}),
        (None, None, [], None, None, set()),
        ("default", "own", ["used"], "default", "default", {"own", "used"}),
    ],
)
def test_the_default_for_all_keys_is_the_last_to_tell_the_team(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    given: str | None,
    own: str | None,
    used: list[str],
    default: str | None,
    wanted: str | None,
    issuers: set[str],
) -> None:
    said = {"given": ISSUER, "own": ISSUER.replace("5", "6"), "used": ISSUER.replace("5", "7"), "two": OTHER_ISSUER}
    said["default"] = ISSUER.replace("5", "8")
    new = source(None, f"{tmp_path}/new.p8", issuer_id=said.get(str(given)))
    entries = tuple(held(one, issuer=said[one]) for one in used)
    run = Plan(monkeypatch, new, Known(entries), source(OLD, issuer_id=said.get(str(own))), listed=[])
    run.default_issuer = said.get(str(default))
    run.run()
    (asked,) = run.asked
    assert (asked.new_issuer, asked.is_default_issuer) == (said.get(str(wanted), ""), wanted == default and not given)
    assert asked.old_issuers == {said[one] for one in issuers}


@pytest.mark.parametrize("default", [None, ISSUER, OTHER_ISSUER])
def test_the_default_is_no_word_for_the_team_of_an_old_key_that_nobody_declares(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, default: str | None
) -> None:
    """What hides its key may have the old one then, of whichever team its declared key is."""
    hidden = replace(held("h"), key_id=None, status="Unknown")
    known = Known((hidden,), others={hidden.identity: OTHER_ISSUER})
    for old, is_hidden in ((None, True), (source(OLD), default != ISSUER), (source(OLD, issuer_id=ISSUER), False)):
        run = Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"), known, old, default_issuer=default)
        issuers = ({old.issuer_id or default} if old else set()) - {None}
        run.run()
        assert run.asked[0].old_issuers == issuers
        assert (replace(known, issuers=run.asked[0].old_issuers).hidden == (hidden,)) is is_hidden
        # An integration of the old key tells more than the default does.
        both = replace(known, held=(hidden, held("a", issuer=OTHER_ISSUER)))
        run = Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"), both, old, default_issuer=default)
        run.run()
        assert replace(both, issuers=run.asked[0].old_issuers).hidden == (hidden,)


SPELT = {"as it is": ISSUER, "in capitals": ISSUER.upper(), "with blanks": f" {ISSUER} "}


@pytest.mark.parametrize("place", ["entry", "default", "new_key"])
@pytest.mark.parametrize("spelt", SPELT.values(), ids=list(SPELT))
def test_a_team_is_the_same_however_it_is_spelt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, spelt: str
) -> None:
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    old = {"key": "old", "key_id": OLD, "private_key_path": "/keys/old.p8"}
    new = {"private_key_path": f"{tmp_path}/new.p8"}
    for given in ("entry", "default", "new_key"):
        said = spelt if given == place else ISSUER
        options: Results = {"keys": [old], "old_key_id": OLD, "stage": "plan", "new_key": new}
        options |= {"issuer_id": said} if given == "default" else {}
        options |= {"keys": [{**old, "issuer_id": said}]} if given == "entry" else {}
        options |= {"new_key": {**new, "issuer_id": said}} if given == "new_key" else {}
        params = ArgumentSpecValidator(_argument_spec.iap_key_rotation()).validate(options).validated_parameters
        asked = rotation_request(params, lambda text: None)
        run = Plan(monkeypatch, asked.new, old=asked.old, default_issuer=asked.default_issuer)
        run.run()
        (request,) = run.asked
        assert request.old_issuers == {ISSUER} and request.new_issuer == ISSUER


@pytest.mark.parametrize("own", [{}, {"issuer_id": OTHER_ISSUER, "private_key_file_policy": "mounted"}])
@pytest.mark.parametrize("old_key_id", [OLD, "old"])
def test_what_the_entries_say_counts_before_what_all_keys_have(own: dict[str, str], old_key_id: str) -> None:
    keys = [
        {"key": "old", "key_id": OLD, "private_key_path": "/keys/old.p8", **own},
        {"key": "new", "key_id": NEW, "private_key_path": "/keys/new.p8", **own},
    ]
    asked = {"stage": "plan", "old_key_id": old_key_id, "new_key": {"private_key_path": "/keys/new.p8"}}
    given = {"keys": keys, "issuer_id": ISSUER.upper(), "private_key_file_policy": "strict", **asked}
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    spec = _argument_spec.iap_key_rotation()
    params = ArgumentSpecValidator(spec).validate(given).validated_parameters
    request = rotation_request(params, lambda text: None)
    assert request.old is not None and request.default_issuer == ISSUER
    assert (request.old.issuer_id, request.new.issuer_id) == (own.get("issuer_id"), None)
    assert request.new.policy == own.get("private_key_file_policy", "strict")


def test_a_mounted_key_is_taken_where_it_lies(tmp_path: Path, pem: str) -> None:
    """No task could put another one there."""
    path = put(tmp_path / "new.p8", pem)
    declared = replace(source(path=path), policy="mounted")
    found = hand(declared, source(NEW, path))
    assert found is not None and found.fingerprint == fingerprint_of(pem)


def test_what_is_there_of_the_new_key_begins_no_second_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pem: str
) -> None:
    path = f"{tmp_path}/new.p8"
    declared = Plan(monkeypatch, source(NEW, path), keys={"new": source(content=pem)})
    result = declared.run()["rotation"]
    assert result["new_key_id"] == NEW and result["new_key"] == {
        "name": "new",
        "key_id": NEW,
        "issuer_id": ISSUER,
        "private_key_path": None,
        "key_fingerprint": fingerprint_of(pem),
        "predicted": False,
    }
    used = Plan(monkeypatch, source(NEW, path), Known((held("a", NEW),)))
    unused = Plan(monkeypatch, source(NEW, path))
    nameless = Plan(monkeypatch, source(None, path), Known((held("a", ""),)))
    for run in (used, unused, nameless):
        assert run.run()["rotation"]["new_key"] is None
    put(Path(path), pem)
    with_file = Plan(monkeypatch, source(None, path))
    # App Store Connect tells which key is there.
    with_session = Plan(monkeypatch, source(None, path), listed=[])
    for run in (with_file, with_session):
        run.run()
    found = [run.asked[0].has_new for run in (declared, used, unused, nameless, with_file, with_session)]
    assert found == [True, True, False, False, True, False]


def test_the_old_key_is_told_as_it_is_declared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new = source(None, f"{tmp_path}/new.p8")
    old = source(OLD, "/keys/old.p8", issuer_id=OTHER_ISSUER)
    run = Plan(monkeypatch, new, old=old)
    assert run.run()["rotation"]["issuer_id"] == OTHER_ISSUER
    assert run.asked[0].old_path == "/keys/old.p8" and run.asked[0].old_issuers == {ISSUER, OTHER_ISSUER}
    capitals = Plan(monkeypatch, new, old=replace(old, issuer_id=f" {OTHER_ISSUER.upper()}"))
    capitals.run()
    assert capitals.asked[0].old_issuers == {ISSUER, OTHER_ISSUER}
    pasted = Plan(monkeypatch, new, old=source(OLD, content="text"))
    pasted.run()
    assert pasted.asked[0].old_path == ""


def test_without_a_session_no_revocation_is_planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Plan(monkeypatch, source(None, f"{tmp_path}/new.p8"), revoke=True)
    with pytest.raises(InputError, match="needs a signed-in session"):
        run.run()
    assert run.asked == []


def test_what_was_known_of_the_old_key_s_team_is_known_after_the_move() -> None:
    """Nothing that is moved tells it any more, and the default may be another team's."""
    before = Known((), issuers=frozenset({OTHER_ISSUER}))
    job = SimpleNamespace(
        context=SimpleNamespace(check_mode=False),
        read=lambda: None,
        known=lambda _reading: Known((), issuers=frozenset()),
    )
    assert _after(t.cast(t.Any, job), before, []).issuers == before.issuers
