# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done about a key of a name: a table of what lies here, what App Store Connect shows, and what is allowed."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from unit_support import write_key

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import RemoteKey, Team
from ansible_collections.storeops.refunds.plugins.module_utils._context import Context
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.keys import KeySource
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.private_key import KeyProblem
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.key_file import Found
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys.remote_key_plan import (
    Job,
    chosen_key,
    decide,
    key_name,
    refuse_other_name,
)

NOTHING = Found(False)
A_KEY = Found(True, key=t.cast(t.Any, object()))
UNREADABLE = Found(True, problem=KeyProblem("key_unreadable", "It is damaged.", "Look."))
REGENERATE = ("never", "if_lost", "always")
TEAM = Team(1, "57246542-96fe-1a63-e053-0824d011072a", "Studio")


def remote(can_download: bool | None, name: str | None = "studio", key_id: str = "2X9R4HXF34") -> RemoteKey:
    """A key at App Store Connect."""
    return RemoteKey(key_id, name, True, can_download)


NOW = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


def job(found: Found, regenerate: t.Any, *active: RemoteKey, path: str = "/nowhere/studio.p8") -> Job:
    """One run for one key."""
    nothing = t.cast(t.Any, None)
    context = Context(False, {"TMPDIR": os.path.dirname(path)}, lambda: NOW, lambda text: None, nothing)
    return Job(nothing, TEAM, "studio", path, found, active, regenerate, context, nothing)


@pytest.mark.parametrize(
    ("found", "can_download", "regenerate", "wanted"),
    [
        (A_KEY, False, "never", "keep"),
        (A_KEY, False, "if_lost", "keep"),
        (A_KEY, None, "never", "keep"),
        (A_KEY, None, "if_lost", "keep"),
        (A_KEY, True, "never", "key_id_mismatch"),
        (A_KEY, True, "if_lost", "download"),
        (NOTHING, True, "never", "download"),
        (NOTHING, True, "if_lost", "download"),
        # An answer that leaves it out says nothing: asking costs nothing, revoking would cost the key.
        (NOTHING, None, "never", "download"),
        (NOTHING, None, "if_lost", "download"),
        (NOTHING, False, "never", "key_unreadable"),
        (NOTHING, False, "if_lost", "replace"),
        *((found, can, "always", "replace") for found in (A_KEY, NOTHING) for can in (True, False, None)),
        *((UNREADABLE, can, how, "key_unreadable") for can in (True, False, None) for how in REGENERATE),
    ],
)
def test_a_key_that_is_there(found: Found, can_download: bool | None, regenerate: str, wanted: str) -> None:
    key = remote(can_download)
    if not wanted.startswith("key_"):
        assert decide(key, job(found, regenerate, key)) == wanted
        return
    with pytest.raises(KeyProblem) as caught:
        decide(key, job(found, regenerate, key))
    assert caught.value.cause == wanted


@pytest.mark.parametrize(
    ("last_used", "is_fresh"),
    [
        (None, False),
        ("", False),
        ("2025-10-09T08:53:20.000+00:00", False),
        ("2026-10-31T23:59:59Z", False),
        ("2026-10-31", False),
        ("2026-11-02", True),
        ("2026-11-01T01:00:00.000+00:00", True),
        ("2026-10-31T23:00:00.000-07:00", True),
        ("2026-11-30T23:59:59.999Z", True),
        # Later than this machine's clock, or a time that can't be read: that it was used is said all the same.
        ("2026-12-24T00:00:00Z", True),
        ("yesterday", True),
    ],
)
@pytest.mark.parametrize("regenerate", REGENERATE)
@pytest.mark.parametrize("can_download", [True, False, None])
@pytest.mark.parametrize("found", [NOTHING, A_KEY])
def test_a_key_that_is_used_is_not_lost(
    found: Found, can_download: bool | None, regenerate: str, last_used: str | None, is_fresh: bool
) -> None:
    """A new runner has no file, nor has a volume that isn't mounted. Only where a key would be taken for lost."""
    key, never_used = replace(remote(can_download), last_used=last_used), remote(can_download)
    if found is A_KEY and regenerate == "never" and can_download:
        return
    if (found, can_download, regenerate) == (NOTHING, False, "never"):
        with pytest.raises(KeyProblem, match="A copy may lie elsewhere"):
            decide(key, job(found, regenerate, key))
        return
    if is_fresh and (found, can_download, regenerate) == (NOTHING, False, "if_lost"):
        told = (
            rf"there is no file .*\. But it was used on '{last_used}', so somebody has its file\. Nothing was revoked"
        )
        with pytest.raises(KeyProblem, match=told.replace("+", "[+]")) as caught:
            decide(key, job(found, regenerate, key))
        assert caught.value.cause == "key_unreadable" and "`always` replaces it all the same" in caught.value.next_step
        return
    assert decide(key, job(found, regenerate, key)) == decide(never_used, job(found, regenerate, never_used))


@pytest.mark.parametrize(
    ("found", "regenerate", "wanted"),
    [
        (NOTHING, "never", "create"),
        (NOTHING, "if_lost", "create"),
        (NOTHING, "always", "create"),
        (A_KEY, "never", "key_id_mismatch"),
        (A_KEY, "if_lost", "create"),
        (A_KEY, "always", "create"),
        *((UNREADABLE, how, "key_unreadable") for how in REGENERATE),
    ],
)
def test_no_key_of_that_name(found: Found, regenerate: str, wanted: str) -> None:
    if wanted == "create":
        assert decide(None, job(found, regenerate)) == "create"
        return
    with pytest.raises(KeyProblem) as caught:
        decide(None, job(found, regenerate))
    assert caught.value.cause == wanted


@pytest.mark.parametrize("regenerate", ["if_lost", "always"])
def test_a_new_key_never_goes_under_the_name_of_another(regenerate: str) -> None:
    path = "/nowhere/SubscriptionKey_OTHERKEY01.p8"
    with pytest.raises(KeyProblem, match="OTHERKEY01"):
        decide(None, job(NOTHING, regenerate, path=path))
    key = remote(False)
    with pytest.raises(KeyProblem):
        decide(key, job(NOTHING, regenerate, key, path="/nowhere/SubscriptionKey_2X9R4HXF34.p8"))


@pytest.mark.parametrize(("found", "regenerate"), [(NOTHING, "if_lost"), (NOTHING, "always"), (A_KEY, "always")])
def test_no_key_is_replaced_while_its_key_id_is_declared(found: Found, regenerate: str) -> None:
    """The new one would be used under the ID of the revoked one."""
    key = remote(False)
    with pytest.raises(KeyProblem, match=r"key_id is 2X9R4HXF34, but .* ID of its own\. Nothing was revoked") as caught:
        decide(key, replace(job(found, regenerate, key), key_id=key.key_id))
    assert caught.value.next_step.startswith("Leave key_id out")
    assert decide(key, replace(job(A_KEY, "if_lost", key), key_id=key.key_id)) == "keep"


@pytest.mark.parametrize("regenerate", ["if_lost", "always"])
def test_who_has_given_the_key_id_is_not_told_to_give_it(regenerate: str) -> None:
    """Of two keys with a name, either."""
    one, two = remote(False), remote(False, key_id="AAAAAAAAAA")
    with pytest.raises(KeyProblem, match="Leave key_id out"):
        decide(one, replace(job(NOTHING, regenerate, one, two), key_id=one.key_id))


def test_a_name_that_two_keys_have_is_not_replaced() -> None:
    key, twin = remote(False), remote(False, key_id="TWIN000001")
    with pytest.raises(RefundsError, match="TWIN000001"):
        decide(key, job(NOTHING, "if_lost", key, twin))
    nameless = remote(False, None, "NAMELESS01")
    with pytest.raises(RefundsError, match="names of all keys"):
        decide(key, job(NOTHING, "if_lost", key, nameless))


def test_two_names_for_one_key() -> None:
    refuse_other_name(remote(True), "studio")
    refuse_other_name(remote(True), None)
    refuse_other_name(remote(True, None), "other")
    with pytest.raises(KeyProblem, match="whose name is 'studio', but name is 'other'") as caught:
        refuse_other_name(remote(True), "other")
    assert (caught.value.cause, caught.value.next_step) == ("key_id_mismatch", "Correct one of them, or leave one out.")


@pytest.mark.parametrize(
    ("text", "wanted"), [("studio", "studio"), (" my key\n", "my key"), ("!", "!"), ("\u00e9", "\u00e9")]
)
def test_names_of_keys(text: str, wanted: str) -> None:
    assert key_name(text) == wanted


@pytest.mark.parametrize("text", ["", "  ", "\u200b", "a\nb", "a\x1fb"])
def test_no_names_of_keys(text: str) -> None:
    with pytest.raises(InputError, match="can't be the name of a key") as caught:
        key_name(text)
    assert (caught.value.option, caught.value.next_step) == ("name", "Give a short text on one line.")


def source(key_id: str | None = None) -> KeySource:
    """A declared key."""
    return KeySource(TEAM.issuer_id, key_id, "/nowhere/studio.p8", None, "required")


ONE, OTHER = remote(True), remote(True, "other", "OTHERKEY01")


def test_the_key_that_is_meant() -> None:
    for active in ([ONE, OTHER], [OTHER, ONE]):
        assert chosen_key(source(), job(NOTHING, "never", *active)) is ONE
        assert chosen_key(source("2X9R4HXF34"), job(NOTHING, "never", *active)) is ONE
    assert chosen_key(source(), job(NOTHING, "never", OTHER)) is None
    assert chosen_key(source(), job(NOTHING, "never")) is None
    # Who names a key by its ID need not know its name.
    nameless = remote(True, None, "NAMELESS01")
    assert chosen_key(source("NAMELESS01"), job(NOTHING, "never", nameless, ONE)) is nameless


@pytest.mark.parametrize(
    ("key_id", "active", "told", "step"),
    [
        ("NONEOFIT01", [ONE], "key_id: the team 'Studio' has no active key NONEOFIT01.", "Correct it."),
        (
            "OTHERKEY01",
            [ONE, OTHER],
            "key_id is OTHERKEY01, whose name is 'other', but name is 'studio'.",
            "Correct one",
        ),
        (
            None,
            [remote(True, key_id="TWIN000001"), ONE],
            "name: there are 2 active keys named 'studio': 2X9R4HXF34, TWIN000001.",
            "Say which one with key_id, and revoke the other one",
        ),
        (
            None,
            [ONE, remote(True, None, "NAMELESS01")],
            "App Store Connect did not tell the names of all keys.",
            "Say which one with key_id.",
        ),
    ],
)
def test_a_key_that_nobody_can_tell(key_id: str | None, active: list[RemoteKey], told: str, step: str) -> None:
    with pytest.raises(RefundsError) as caught:
        chosen_key(source(key_id), job(NOTHING, "never", *active))
    assert caught.value.message == told and caught.value.next_step.startswith(step)


def test_a_file_that_can_not_be_read_is_told_with_the_key_that_it_may_be() -> None:
    for key, wanted in ((ONE, "'studio' (2X9R4HXF34)"), (None, "'studio'")):
        with pytest.raises(KeyProblem) as caught:
            decide(key, job(UNREADABLE, "always", *([key] if key else [])))
        start = (
            f"It is damaged. So whether the private key of {wanted} is lost can't be told: nothing was revoked, made"
        )
        assert caught.value.message.startswith(start)
        assert caught.value.next_step == "Look. If it is another file, give a private_key_path of its own."


@pytest.mark.parametrize(
    ("key", "found", "told", "step"),
    [
        (None, A_KEY, "/nowhere/studio.p8 holds a key, but the team 'Studio' has no active", "Correct name, key_id or"),
        (
            ONE,
            A_KEY,
            "/nowhere/studio.p8 holds a private key, but that of 'studio' (2X9R4HXF34)",
            "Correct name, key_id",
        ),
        (remote(False), NOTHING, "The key 'studio' (2X9R4HXF34) exists at App Store Connect, its one", "Ways out: put"),
    ],
)
def test_what_is_not_done_without_a_wish(key: RemoteKey | None, found: Found, told: str, step: str) -> None:
    with pytest.raises(KeyProblem) as caught:
        decide(key, job(found, "never", *([key] if key else [])))
    assert caught.value.message.startswith(told) and caught.value.next_step.startswith(step)


@pytest.mark.parametrize("found", [A_KEY, NOTHING])
def test_a_file_named_after_another_key_is_not_filled_or_kept(found: Found) -> None:
    key = remote(found is NOTHING)
    assert decide(key, job(found, "never", key, path="/nowhere/SubscriptionKey_2X9R4HXF34.p8")) in ("keep", "download")
    path = "/nowhere/SubscriptionKey_OTHERKEY01.p8"
    with pytest.raises(KeyProblem) as caught:
        decide(key, job(found, "never", key, path=path))
    assert caught.value.message == f"key_id is 2X9R4HXF34, but the file name {path} says OTHERKEY01."


def test_a_new_key_gets_no_name_of_another_in_words() -> None:
    with pytest.raises(KeyProblem) as caught:
        decide(None, job(NOTHING, "never", path="/nowhere/SubscriptionKey_OTHERKEY01.p8"))
    start = "/nowhere/SubscriptionKey_OTHERKEY01.p8 is named after the key OTHERKEY01, but a new key has to be made for"
    assert caught.value.message.startswith(start) and caught.value.cause == "key_id_mismatch"
    assert caught.value.next_step.startswith("Give a private_key_path without a Key ID in it")


@pytest.mark.parametrize("kind", ["unparsed", "rescued"])
def test_what_an_earlier_run_kept_is_not_lost(tmp_path: Path, kind: str, pem: str) -> None:
    path, key = str(tmp_path / "studio.p8"), remote(False)
    write_key(tmp_path / f"studio.p8.OTHERKEY01.{kind}", pem)
    saved = f"{path}.2X9R4HXF34.{kind}"
    # Killed before it wrote a byte.
    Path(saved).touch()
    assert decide(key, job(NOTHING, "if_lost", key, path=path)) == "replace"
    Path(saved).write_text("What may be a key.")
    for can_download in (False, None):
        unsure = remote(can_download)
        with pytest.raises(KeyProblem) as caught:
            decide(unsure, job(NOTHING, "if_lost", unsure, path=path))
    # One that can be read as a key needs nobody.
    write_key(Path(f"{saved}-2"), pem)
    for can_download in (False, None):
        unsure = remote(can_download)
        assert decide(unsure, job(NOTHING, "if_lost", unsure, path=path)) == "restore"
    assert decide(remote(True), job(NOTHING, "if_lost", remote(True), path=path)) == "download"
    assert decide(key, job(NOTHING, "always", key, path=path)) == "replace"
    told = f"{path} isn't there, but an earlier run kept what it downloaded for 2X9R4HXF34 as {saved}."
    assert caught.value.cause == "key_unreadable" and caught.value.message.startswith(f"{told} {saved} ")
    move = f"mv -n {saved} {path}. If it isn't the key, move it to another folder and run again."
    assert caught.value.next_step == f"Check it, and put it into its place: {move}"


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
@pytest.mark.parametrize("can_download", [False, None])
def test_what_was_moved_aside_under_its_key_id_is_put_back(
    tmp_path: Path, regenerate: str, can_download: bool | None, pem: str
) -> None:
    path, key = str(tmp_path / "studio.p8"), remote(can_download)
    for number in ("", "-2"):
        write_key(Path(f"{path}.20261130T221530Z.2X9R4HXF34{number}.bak"), pem)
    assert decide(key, job(NOTHING, regenerate, key, path=path)) == "restore"
    assert decide(key, job(NOTHING, "always", key, path=path)) == "replace"
    assert decide(key, job(A_KEY, regenerate, key, path=path)) == "keep"


@pytest.mark.parametrize("regenerate", ["never", "if_lost"])
def test_a_copy_that_may_be_the_lost_key_is_named_and_nothing_revoked(
    tmp_path: Path, regenerate: str, pem: str
) -> None:
    path, key = str(tmp_path / "studio.p8"), remote(False)
    # One of another key by its name, one of another path, one without a byte in it, and one that no run names so.
    names = ["20261130T221530Z.OTHERKEY01.bak", "old", "bak"]
    for name in names:
        write_key(Path(f"{path}.{name}"), pem)
    write_key(tmp_path / "other.p8.20261130T221530Z.bak", pem)
    Path(f"{path}.20261130T221530Z-2.bak").touch()
    if regenerate == "if_lost":
        assert decide(key, job(NOTHING, regenerate, key, path=path)) == "replace"
    copies = [str(write_key(Path(f"{path}.2026113{day}T221530Z.bak"), pem)) for day in (0, 1)]
    Path(copies[0]).chmod(0o644)
    # The last one, but what can be read as a key is told first.
    damaged = f"{path}.20261132T221530Z.bak"
    Path(damaged).write_text("no key")
    with pytest.raises(KeyProblem) as caught:
        decide(key, job(NOTHING, regenerate, key, path=path))
    told = f"What lay there once lies beside it: {copies[1]}, {copies[0]}, {damaged}. Nothing tells whether it is this"
    assert caught.value.cause == "key_unreadable" and told in caught.value.message
    assert f"mv -n {copies[1]} {path}. If it isn't, move it to another folder" in caught.value.next_step
    assert decide(key, job(NOTHING, "always", key, path=path)) == "replace"


BACKUPS = {
    "key": write_key,
    "vaulted": lambda path, pem: path.write_text("$ANSIBLE_VAULT;1.1;AES256\n61\n"),
    "link": lambda path, pem: path.symlink_to(write_key(path.with_name("elsewhere"), pem)),
    "dangling link": lambda path, pem: path.symlink_to("nowhere"),
    "folder": lambda path, pem: path.mkdir(),
    "not a key": lambda path, pem: path.write_text("no key"),
    "empty": lambda path, pem: path.touch(),
}


@pytest.mark.parametrize("kind", BACKUPS)
@pytest.mark.parametrize("tag", [".2X9R4HXF34", "", ".OTHERKEY01"], ids=["this key", "no key", "another key"])
def test_a_backup_proves_the_key_lost_only_where_it_can_not_hold_it(
    tmp_path: Path, kind: str, tag: str, pem: str
) -> None:
    path, key = str(tmp_path / "studio.p8"), remote(False)
    backup = Path(f"{path}.20261130T221530Z{tag}.bak")
    BACKUPS[kind](backup, pem)
    asked = job(NOTHING, "if_lost", key, path=path)
    if kind == "empty" or "OTHER" in tag:
        assert decide(key, asked) == "replace"
        return
    if kind == "key" and tag:
        assert decide(key, asked) == "restore"
        return
    with pytest.raises(KeyProblem) as caught:
        decide(key, asked)
    assert caught.value.cause == "key_unreadable" and f"mv -n {backup} {path}" in caught.value.next_step
    told = f"moved aside the file of 2X9R4HXF34 as {backup}. " if tag else f"lies beside it: {backup}. "
    assert told in caught.value.message
