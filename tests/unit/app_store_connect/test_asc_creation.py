# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key of a name: found or created, downloaded once, checked, written."""

from __future__ import annotations

import itertools
import json
import os
import typing as t
from pathlib import Path

import pytest
from asc_support import CREATE, LIST, NAME, READ, REVOKE, Person, key
from unit_support import (
    ISSUER,
    KEY_ID,
    Attributes,
    as_other_user,
    fingerprint_of,
    give_away,
    new_pem,
    run_task,
    write_key,
)

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, iap_key_info

Enter = t.Callable[..., Person]


def test_created_downloaded_and_then_left_alone(person: Person) -> None:
    predicted = person.run(check_mode=True).results
    assert predicted["changed"] and predicted["iap_key"]["predicted"] and predicted["iap_key"]["key_id"] is None
    assert predicted["iap_key"]["issuer_id"] == ISSUER
    assert person.changes() == [] and os.listdir(person.folder) == []

    done = person.run().results
    key_id = done["iap_key"]["key_id"]
    assert person.endpoints()[-5:] == ["get_session", LIST, CREATE, READ, LIST]
    assert done["changed"] and person.active() == [key_id] and person.fits(key_id)
    assert done["iap_key"] == {
        "name": NAME,
        "key_id": key_id,
        "issuer_id": ISSUER,
        "private_key_path": str(person.path),
        "key_fingerprint": fingerprint_of(person.path.read_text()),
        "predicted": False,
    }
    assert done["diff"]["before"] == {} and done["diff"]["after"]["key_id"] == key_id
    assert person.path.stat().st_mode & 0o777 == 0o600 and os.listdir(person.folder) == [person.path.name]
    assert done["http"]["calls"] == 5

    person.forget_calls()
    for check_mode in (True, False):
        again = person.run(check_mode).results
        assert not again["changed"] and again["diff"]["before"] == again["diff"]["after"]
        assert again["iap_key"] == done["iap_key"]
    assert person.changes() == []


def test_a_key_that_nobody_downloaded_is_taken(world: Enter) -> None:
    person = world(keys=[key("MADEINWEB1"), key("OTHERNAME1", "another")])
    predicted = person.run(check_mode=True).results
    assert predicted["changed"] and predicted["iap_key"]["key_id"] == "MADEINWEB1"
    assert person.changes() == []
    done = person.run().results
    assert done["changed"] and done["iap_key"]["key_id"] == "MADEINWEB1" and person.fits("MADEINWEB1")
    assert person.changes() == [READ]


@pytest.mark.parametrize("encoding", ["pem", "base64_pem", "base64_json_pem"])
def test_the_three_encodings_that_were_seen(world: Enter, encoding: str) -> None:
    person = world(connect={"private_key_encoding": encoding})
    done = person.run().results
    assert not done.get("failed") and person.fits(done["iap_key"]["key_id"])
    assert person.path.read_text().startswith("-----BEGIN PRIVATE KEY-----\n")


@pytest.mark.parametrize("content", ["rot13:abcdef", "x" * 20000, "\ud800 no text", "-----BEGIN EC PRIVATE KEY-----"])
def test_an_unknown_form_is_kept_and_said(world: Enter, content: str) -> None:
    person = world(keys=[key(KEY_ID)])
    document = {"data": {"type": "subscriptionKeys", "id": KEY_ID, "attributes": {"privateKey": content}}}
    person.sim.fault(kind="content_type", match={"endpoint": READ}, body=json.dumps(document), times=1)
    outcome = person.run()
    kept = Path(f"{person.path}.{KEY_ID}.unparsed")
    assert outcome.results["failed"] and outcome.results["changed"]
    assert KEY_ID in outcome.message and str(kept) in outcome.message
    assert kept.read_bytes() == content.encode("utf-8", "surrogatepass")
    assert kept.stat().st_mode & 0o777 == 0o600 and not person.path.exists()
    assert content[:12] not in outcome.message


def test_two_active_keys_of_one_name(world: Enter) -> None:
    person = world(keys=[key("TWINAAAAA1"), key("TWINBBBBB2"), key("REVOKED001", active=False)])
    for check_mode in (True, False):
        outcome = person.run(check_mode)
        assert outcome.results["failed"] and "key_id" in outcome.message
        assert "TWINAAAAA1, TWINBBBBB2" in outcome.message and "REVOKED001" not in outcome.message
    chosen = person.run(key_id="TWINBBBBB2").results
    assert chosen["iap_key"]["key_id"] == "TWINBBBBB2" and person.fits("TWINBBBBB2")
    assert person.changes() == [READ]


def test_a_key_id_that_the_team_has_not(world: Enter) -> None:
    person = world(keys=[key("REVOKED001", active=False)])
    for key_id in ("REVOKED001", "NEVERSEEN1"):
        outcome = person.run(key_id=key_id)
        assert outcome.results["failed"] and key_id in outcome.message and "no active key" in outcome.message
    assert person.changes() == []


def test_capitals_make_another_name_and_are_warned_of(world: Enter) -> None:
    person = world(keys=[key("CAPITALS01", NAME.upper()), key("LONGER0001", NAME + " 2")])
    for check_mode, makes in ((True, "would make"), (False, "makes")):
        outcome = person.run(check_mode)
        (warning,) = outcome.warnings
        told = f"the active key {NAME.upper()!r} (CAPITALS01), which differs only in capitals from {NAME!r}. This task"
        assert f"{told} {makes} another key, one of 10." in warning
    assert outcome.results["iap_key"]["key_id"] not in ("CAPITALS01", "LONGER0001")
    assert person.changes() == [CREATE, READ]
    assert person.run().warnings == [], "it is there now"


SAME = {
    "a blank before it": f" {NAME}",
    "two blanks": NAME.replace(" ", "  "),
    "a blank that doesn't break": NAME.replace(" ", "\u00a0"),
    "a zero-width space": f"{NAME}\u200b",
    "a byte order mark": f"\ufeff{NAME}",
    "a soft hyphen": NAME.replace("dev", "dev\u00ad"),
}


@pytest.mark.parametrize("shape", SAME)
def test_what_nobody_sees_makes_no_other_name(world: Enter, shape: str, pem: str) -> None:
    for here, there in ((SAME[shape], NAME), (NAME, SAME[shape])):
        person = world(keys=[key(KEY_ID, there, downloadable=False)])
        write_key(person.path, pem)
        for check_mode in (True, False):
            done = person.run(check_mode, name=here)
            assert not done.results["changed"] and done.results["iap_key"]["key_id"] == KEY_ID, done
        (shown,) = person.run(task=iap_key_info.TASK, name=here).results["iap_keys"]
        assert (shown["key_id"], shown["name"]) == (KEY_ID, there)
        done = person.run(name=here, state="absent", revoke=True)
        assert done.results["changed"] and person.changes() == [REVOKE]


def test_composed_and_decomposed_letters_are_one_name(world: Enter, pem: str) -> None:
    person = world(keys=[key(KEY_ID, "Cle\u0301 app", downloadable=False)])
    write_key(person.path, pem)
    assert person.run(name="Cl\u00e9 app").results["iap_key"]["key_id"] == KEY_ID and person.changes() == []


@pytest.mark.parametrize(("check_mode", "status"), [(True, 409), (False, 409), (False, 403)])
def test_the_limit_of_ten(world: Enter, check_mode: bool, status: int) -> None:
    person = world(keys=[key(f"KEYNUMBER{n}", f"key {n}") for n in range(10)], connect={"limit_status": status})
    outcome = person.run(check_mode)
    assert outcome.results["failed"] and "limit" in outcome.message and "Revoke one" in outcome.message
    assert not outcome.results.get("changed") and person.active() == [] and not person.path.exists()


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_list_counts_the_keys_that_it_makes_itself(world: Enter, check_mode: bool) -> None:
    person = world(keys=[key(f"KEYNUMBER{n}", f"key {n}", downloadable=False) for n in range(9)])
    keys = [{"key": name, "name": name, "private_key_path": str(person.folder / f"{name}.p8")} for name in "ab"]
    # One that is replaced makes no more of them.
    lost = {"key": "lost", "name": "key 0", "private_key_path": str(person.folder / "0.p8"), "regenerate": "if_lost"}
    given = {"name": None, "private_key_path": None, "keys": [keys[0], lost, keys[1]]}
    outcome = person.run(check_mode, **given)
    assert [one["failed"] for one in outcome.results["iap_keys"]] == [False, False, True]
    assert [one["changed"] for one in outcome.results["iap_keys"]] == [True, True, False]
    assert "limit" in outcome.message and "Revoke one" in outcome.message
    assert person.changes() == ([] if check_mode else [CREATE, READ, REVOKE, CREATE, READ, CREATE])


def test_keys_of_which_apple_tells_nothing_are_not_counted(world: Enter) -> None:
    """They may be revoked: check mode can't say that there are too many."""
    keys = [key(f"KEYNUMBER{n}", f"key {n}") for n in range(9)] + [
        key(f"GONE{n:06}", f"gone {n}", active=False) for n in (1, 2)
    ]
    person = world(keys=keys, connect={"key_attributes": ["canDownload"]})
    assert person.run(check_mode=True).results["changed"]
    assert person.run().results["changed"]


def test_many_pages(world: Enter) -> None:
    keys = [key(f"OLDKEY{n:04}", NAME, active=False) for n in range(20)]
    person = world(keys=[*keys, key("LASTPAGE01")], connect={"largest_page": 3})
    assert person.run().results["iap_key"]["key_id"] == "LASTPAGE01"
    assert person.endpoints().count(LIST) == 7


@pytest.mark.parametrize("shown", [[], ["isActive"], ["canDownload"], ["lastUsed", "revokingDate"]])
def test_attributes_that_apple_may_leave_out(world: Enter, shown: list[str]) -> None:
    person = world(connect={"key_attributes": shown})
    key_id = person.run().results["iap_key"]["key_id"]
    again = person.run().results
    assert not again.get("failed") and not again["changed"] and again["iap_key"]["key_id"] == key_id


@pytest.mark.parametrize("regenerate", ["if_lost", "always"])
def test_a_replaced_key_is_no_twin_where_apple_does_not_tell_which_keys_are_active(
    world: Enter, regenerate: str
) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)], connect={"key_attributes": ["canDownload"]})
    assert not person.run(True, regenerate=regenerate).results.get("failed")
    done = person.run(regenerate=regenerate)
    assert not done.results.get("failed"), done.message
    (made,) = person.active()
    assert made != KEY_ID and person.fits(made)
    taken, listed = done.warnings
    assert "nothing proves that it is revoked" in taken and f"still lists {KEY_ID}" in listed
    assert f"Give this entry key_id: {made}, without regenerate." in listed
    (record,) = done.results["irreversible"]
    assert "App Store Connect took it, but" in record["outcome"]
    again = person.run()
    assert "doesn't tell which of them are active" in again.message and person.changes()[-1] == READ
    assert not person.run(key_id=made).results["changed"]


def test_without_names_nothing_is_created(world: Enter) -> None:
    person = world()
    entries = [{"id": key_id, "attributes": {"isActive": True}} for key_id in (KEY_ID, "NAMELESS01")]
    listed = {"data": entries, "links": {}}
    person.sim.fault(kind="content_type", match={"endpoint": LIST}, body=json.dumps(listed))
    outcome = person.run()
    assert outcome.results["failed"] and "names" in outcome.message and "key_id" in outcome.message
    outcome = person.run(key_id=KEY_ID, regenerate="always")
    assert outcome.results["failed"] and person.changes() == []


@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
def test_lost(world: Enter, regenerate: str) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    predicted = person.run(True, regenerate=regenerate)
    assert person.changes() == []
    done = person.run(regenerate=regenerate)
    assert bool(predicted.results.get("failed")) is bool(done.results.get("failed")) is (regenerate == "never")
    assert predicted.results["changed"] is done.results["changed"]
    if regenerate == "never":
        assert done.results["cause"] == "key_unreadable" and predicted.message == done.message
        assert KEY_ID in done.message and "Ways out" in done.message and "if_lost" in done.message
        assert person.changes() == [] and person.active() == [KEY_ID]
    else:
        assert person.changes() == [REVOKE, CREATE, READ]
        (made,) = person.active()
        assert made != KEY_ID and person.fits(made) and done.results["iap_key"]["key_id"] == made


@pytest.mark.parametrize("regenerate", ["never", "if_lost", "always"])
def test_a_sound_file_of_a_used_key(world: Enter, regenerate: str, pem: str) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    write_key(person.path, pem)
    done = person.run(regenerate=regenerate).results
    assert done["changed"] is (regenerate == "always")
    if regenerate == "always":
        assert person.changes() == [REVOKE, CREATE, READ]
        backup = Path(done["backup_file"])
        assert backup.read_text() == pem and backup.stat().st_mode & 0o777 == 0o600
        assert person.fits(done["iap_key"]["key_id"])
    else:
        assert person.changes() == [] and person.path.read_text() == pem


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
def test_a_sound_file_and_no_active_key(world: Enter, regenerate: str, pem: str) -> None:
    person = world(keys=[key(KEY_ID, active=False)])
    write_key(person.path, pem)
    done = person.run(regenerate=regenerate)
    if regenerate == "never":
        assert done.results["failed"] and done.results["cause"] == "key_id_mismatch" and person.changes() == []
        assert person.path.read_text() == pem
    else:
        assert person.changes() == [CREATE, READ] and Path(done.results["backup_file"]).read_text() == pem


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
def test_a_file_that_cannot_be_that_key(world: Enter, regenerate: str, pem: str) -> None:
    """Apple still offers the download, so nobody has this private key: the file is another one's."""
    person = world(keys=[key(KEY_ID)])
    write_key(person.path, pem)
    done = person.run(regenerate=regenerate)
    if regenerate == "never":
        assert done.results["failed"] and done.results["cause"] == "key_id_mismatch" and KEY_ID in done.message
        assert person.changes() == [] and person.path.read_text() == pem
    else:
        assert person.changes() == [READ] and person.fits(KEY_ID)
        assert Path(done.results["backup_file"]).read_text() == pem


# Each of them may be the key: what can't be read, and what can be read though it doesn't look like Apple's file.
SOUND: dict[str, t.Callable[[str], bytes]] = {
    "one more blank line": lambda pem: f"{pem}\n".encode(),
    "CRLF": lambda pem: pem.replace("\n", "\r\n").encode(),
    "a byte order mark": lambda pem: b"\xef\xbb\xbf" + pem.encode(),
}
UNREAD: dict[str, t.Callable[[str], bytes]] = {
    "UTF-16": lambda pem: pem.encode("utf-16"),
    "a vault": lambda pem: b"$ANSIBLE_VAULT;1.1;AES256\n6162\n",
    "truncated": lambda pem: pem[:150].encode(),
    "two keys": lambda pem: f"{pem}{pem}".encode(),
    "empty": lambda pem: b"",
    "large": lambda pem: pem.encode() * 40,
}


# What is decided doesn't depend on the damage (test_remote_key_plan.py has all combinations): one damage meets all of
# them, and the others the one that would revoke the key and keep no copy.
WAYS = list(itertools.product(("never", "if_lost", "always"), (True, False), (True, False, None)))
UNREAD_WAYS = [("truncated", *way) for way in WAYS]
UNREAD_WAYS += [(case, "always", False, False) for case in UNREAD if case != "truncated"]


@pytest.mark.parametrize(("case", "regenerate", "backup", "downloadable"), UNREAD_WAYS)
def test_what_cannot_be_read_is_not_lost(
    world: Enter, case: str, regenerate: str, backup: bool, downloadable: bool | None, pem: str
) -> None:
    """Whether the key exists, could still be downloaded or doesn't exist: nothing is revoked, made or removed."""
    person = world(keys=[] if downloadable is None else [key(KEY_ID, downloadable=downloadable)])
    data = UNREAD[case](pem)
    person.path.write_bytes(data)
    for check_mode in (True, False):
        outcome = person.run(check_mode, regenerate=regenerate, backup=backup)
        assert outcome.results["failed"] and not outcome.results["changed"]
        assert "nothing was revoked, made or removed" in outcome.message and str(person.path) in outcome.message
    assert person.changes() == [] and os.listdir(person.folder) == [person.path.name]
    assert person.path.read_bytes() == data


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
@pytest.mark.parametrize("case", SOUND)
def test_a_complete_key_in_another_shape_is_no_lost_key(world: Enter, case: str, regenerate: str, pem: str) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    person.path.write_bytes(SOUND[case](pem))
    done = person.run(regenerate=regenerate, backup=False).results
    assert not done["changed"] and done["iap_key"]["key_fingerprint"] == fingerprint_of(pem)
    assert person.changes() == [] and person.path.read_bytes() == SOUND[case](pem)


def test_a_file_that_this_user_may_not_read_is_not_lost(world: Enter, pem: str) -> None:
    person = world(keys=[key(KEY_ID, downloadable=False)])
    write_key(person.path, pem, 0o000)
    give_away(person.folder)
    options = {**person.options, "regenerate": "if_lost", "backup": False}
    message = as_other_user(lambda: run_task(iap_key.TASK, options).message)
    assert "can't be opened: Permission denied" in message and "nothing was revoked" in message, message
    assert person.changes() == [] and person.path.read_text() == pem


def test_content_means_that_nobody_is_asked(person: Person) -> None:
    pem = new_pem()
    for check_mode in (True, False):
        done = person.run(check_mode, private_key_content=pem, key_id=KEY_ID).results
        assert done["changed"] and done["http"]["calls"] == 0
    assert person.endpoints() == [] and person.path.read_text() == pem


def test_without_a_session_the_file_counts(person: Person) -> None:
    outcome = person.run(session=None)
    assert outcome.results["failed"] and "session" in outcome.message and person.endpoints() == []
    write_key(person.path, new_pem())
    assert not person.run(session=None).results["changed"] and person.endpoints() == []


def test_revoke_with_a_replacement_is_not_done_while_a_twin_is_there(world: Enter) -> None:
    person = world(keys=[key("TWINAAAAA1", downloadable=False), key("TWINBBBBB2", downloadable=False)])
    outcome = person.run(key_id="TWINAAAAA1", regenerate="if_lost")
    assert outcome.results["failed"] and "Leave key_id out" in outcome.message and person.changes() == []


class Private(Attributes):
    """Ansible's file attributes with a mode of 0600."""

    def __init__(self, check_mode: bool) -> None:
        self.check_mode = check_mode

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        """Set the mode if it differs."""
        is_open = os.stat(path).st_mode & 0o777 != 0o600
        if is_open and not self.check_mode:
            os.chmod(path, 0o600)
        return is_open


def test_a_mode_to_be_repaired_is_predicted(world: Enter, pem: str) -> None:
    """A task after this one finds the file open to others in check mode, and not in a run."""
    person = world(keys=[key(KEY_ID, downloadable=False)])
    for mode in (0o644, 0o600):
        write_key(person.path, pem, mode)
        for check_mode in (True, False):
            outcome = run_task(iap_key.TASK, person.options, check_mode, attributes=Private(check_mode))
            assert outcome.results["changed"] is (mode == 0o644), outcome
            assert outcome.results["iap_key"]["predicted"] is (mode == 0o644 and check_mode)
        assert person.path.stat().st_mode & 0o777 == 0o600


def test_many_keys_with_one_session(world: Enter, pem: str) -> None:
    """One that is there, one to make, one to download, one that the session can't decide: each in turn."""
    person = world(keys=[key("MADEINWEB1", "second"), key(KEY_ID, "third", downloadable=False)])
    fine = write_key(person.folder / "fine.p8", pem)
    entries = [
        {"key": "fine", "private_key_path": str(fine)},
        {"key": "first", "name": NAME, "private_key_path": str(person.path)},
        {"key": "second", "name": "second", "private_key_path": str(person.folder / "second.p8")},
        {"key": "third", "name": "third", "private_key_path": str(person.folder / "third.p8")},
    ]
    for check_mode in (True, False):
        results = person.run(check_mode, name=None, private_key_path=None, keys=entries).results
        assert results["failed"] and [key["failed"] for key in results["iap_keys"]] == [False, False, False, True]
        assert results["msg"].startswith("1 of 4 keys needs attention. 'third': ") and KEY_ID in results["msg"]
        assert person.changes() == ([] if check_mode else [CREATE, READ, READ])
    (made,) = person.active()
    assert [key["key_id"] for key in results["iap_keys"]] == [None, made, "MADEINWEB1", None]
    assert person.fits(made) and person.fits("MADEINWEB1", person.folder / "second.p8")
    person.forget_calls()
    again = person.run(name=None, private_key_path=None, keys=entries[:3]).results
    assert not again["changed"] and not again.get("failed") and person.endpoints().count("get_session") == 1
    person.forget_calls()
    alone = person.run(name=None, private_key_path=None, session="nonsense", keys=entries[:1]).results
    assert not alone.get("failed") and person.endpoints() == [], "a sound file needs no session"
