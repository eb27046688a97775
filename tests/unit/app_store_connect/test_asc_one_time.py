# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Steps that can be had once: their answers are kept in any form, waited for, and never begun in haste."""

from __future__ import annotations

import base64
import json
import os
import typing as t
from pathlib import Path

import pytest
from asc_support import CREATE, LIST, READ, REVOKE, Person, key
from unit_support import KEY_ID, Attributes, fingerprint_of, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._http import Transport
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.keys import iap_key, remote_key

Enter = t.Callable[..., Person]
LOST = key(KEY_ID, downloadable=False)
# What leads to each of the three one-time steps: keys of the world, and the policy.
STEPS: dict[str, tuple[list[dict[str, object]], str]] = {
    "create": ([], "never"),
    "download": ([key(KEY_ID)], "never"),
    "replace": ([LOST], "if_lost"),
}


def answered(world: Enter, body: str, content_type: str = "application/json", status: int = 200) -> Person:
    """Enter a world whose one key is downloaded with that answer."""
    person = world(keys=[key(KEY_ID)])
    answer = {"status": status, "body": body, "content_type": content_type}
    person.sim.fault(kind="status", match={"endpoint": READ}, times=1, **answer)
    return person


@pytest.mark.parametrize("identity", [{}, {"id": "OTHER00001"}, {"id": 5}, {"id": None, "type": "somethingElse"}])
def test_a_private_key_without_its_id_is_written(world: Enter, identity: dict[str, object], pem: str) -> None:
    person = answered(world, json.dumps({"data": {**identity, "attributes": {"privateKey": pem}}}))
    done = person.run().results
    assert not done.get("failed") and done["changed"] and person.path.read_text() == pem
    assert (done["iap_key"]["key_id"], done["iap_key"]["key_fingerprint"]) == (KEY_ID, fingerprint_of(pem))
    assert person.changes() == [READ]


@pytest.mark.parametrize("status", [200, 201, 206])
@pytest.mark.parametrize("content_type", ["application/x-pem-file", "text/html", "application/json"])
def test_an_answer_that_is_the_key_itself_is_written(world: Enter, status: int, content_type: str, pem: str) -> None:
    person = answered(world, pem, content_type, status)
    done = person.run().results
    assert not done.get("failed") and person.path.read_text() == pem and os.listdir(person.folder) == ["studio.p8"]


# How a private key may be written, wherever it stands.
WRITTEN: dict[str, t.Callable[[str], str]] = {
    "PEM": lambda pem: pem,
    "base64": lambda pem: base64.b64encode(pem.encode()).decode(),
    "base64 of JSON": lambda pem: base64.b64encode(json.dumps(pem).encode()).decode(),
    "base64 of UTF-16": lambda pem: base64.b64encode(pem.encode("utf-16")).decode(),
    "DER": lambda pem: "".join(pem.splitlines()[1:-1]),
    "hexadecimal": lambda pem: base64.b64decode("".join(pem.splitlines()[1:-1])).hex(),
}


def _odd(pem: str) -> dict[str, str]:
    return {
        "without data": json.dumps({"privateKey": pem}),
        "a list": json.dumps([pem]),
        "no text": json.dumps({"data": {"id": KEY_ID, "attributes": {"privateKey": {"pem": "abc", "kind": 1}}}}),
        "truncated": pem[:120],
        "in a page": f"<html><pre>{pem}</pre></html>",
    }


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("form", [*_odd(""), "another attribute"])
def test_an_answer_that_may_be_the_key_is_kept(world: Enter, form: str, written: str, pem: str) -> None:
    text = WRITTEN[written](pem)
    more = {"another attribute": json.dumps({"data": {"id": KEY_ID, "attributes": {"content": text}}})}
    body = {**_odd(text), **more}[form]
    person = answered(world, body)
    outcome = person.run()
    kept = Path(f"{person.path}.{KEY_ID}.unparsed")
    assert outcome.results["failed"] and outcome.results["changed"] and str(kept) in outcome.message
    assert "session" not in outcome.message and "its form is not understood" in outcome.message
    assert kept.read_text() == body and kept.stat().st_mode & 0o777 == 0o600 and not person.path.exists()


@pytest.mark.parametrize("status", [302, 401, 403, 404, 500])
def test_a_refusal_is_no_key(world: Enter, status: int, pem: str) -> None:
    body = json.dumps({"data": {"attributes": {"privateKey": pem}}})
    person = answered(world, body, status=status)
    outcome = person.run()
    assert outcome.results["failed"] and str(status) in outcome.message and os.listdir(person.folder) == []
    # What broke on Apple's side may have used up the one download.
    assert outcome.results["changed"] is (status == 500)


@pytest.mark.parametrize("endpoint", [CREATE, READ])
def test_a_slow_answer_is_waited_for(person: Person, endpoint: str) -> None:
    person.sim.fault(kind="delay", seconds=1.5, match={"endpoint": endpoint}, times=1)
    done = person.run(request_timeout=1).results
    assert not done.get("failed"), done
    assert person.changes() == [CREATE, READ] and person.fits(done["iap_key"]["key_id"])


def test_other_answers_are_not_waited_for(person: Person) -> None:
    person.sim.fault(kind="delay", seconds=60, match={"endpoint": LIST})
    outcome = person.run(request_timeout=0.5)
    assert outcome.results["failed"] and "no whole answer within 0" in outcome.message and person.changes() == []


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_begun_shortly_before_the_deadline(world: Enter, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, regenerate = STEPS[step]
    person = world(keys=keys)
    # So much that the machine may take its time until then.
    monkeypatch.setattr(remote_key, "_LEAST_S", 600)
    outcome = person.run(deadline=599, regenerate=regenerate)
    assert outcome.results["failed"] and "deadline" in outcome.message and not outcome.results.get("changed")
    assert person.endpoints()[-1] == LIST and person.changes() == [] and os.listdir(person.folder) == []
    assert not person.run(deadline=1200, regenerate=regenerate).results.get("failed")


class Refusing(Attributes):
    """Ansible's file attributes for an owner that this machine does not know: AnsibleModule ends the process."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def apply(self, path: str, diff: dict[str, t.Any], without: t.Container[str] = ()) -> bool:
        """Fail."""
        raise self.error


@pytest.mark.parametrize("error", [SystemExit(1), RuntimeError("chown failed: failed to look up user nobody1")])
@pytest.mark.parametrize("step", STEPS)
def test_an_unknown_owner_shows_before_anything_is_sent(world: Enter, step: str, error: BaseException) -> None:
    keys, regenerate = STEPS[step]
    person = world(keys=keys)
    options = {**person.options, "regenerate": regenerate}
    if isinstance(error, SystemExit):
        with pytest.raises(SystemExit):
            run_task(iap_key.TASK, options, attributes=Refusing(error))
    else:
        assert "failed to look up user" in run_task(iap_key.TASK, options, attributes=Refusing(error)).message
    assert person.changes() == [], "nothing was made, revoked or downloaded"
    assert os.listdir(person.folder) == []


@pytest.mark.parametrize("fault", ["reset", "refuse"])
def test_a_lost_answer_to_the_revocation_of_a_replacement(
    world: Enter, monkeypatch: pytest.MonkeyPatch, fault: str, pem: str
) -> None:
    """The list of keys tells what came of it; only then is a new key made."""
    monkeypatch.setattr(Transport, "_backoff", lambda _transport, _attempt: 0.01)
    person = world(keys=[LOST])
    write_key(person.path, pem)
    person.sim.fault(kind=fault, match={"endpoint": REVOKE})
    outcome = person.run(regenerate="always")
    if person.active() == [KEY_ID]:
        assert outcome.results["failed"] and not outcome.results.get("changed") and set(person.changes()) == {REVOKE}
        assert person.path.read_text() == pem and os.listdir(person.folder) == [person.path.name]
        person.sim.control("DELETE", "/faults")
        outcome = person.run(regenerate="always")
    done = outcome.results
    assert person.active() == [done["iap_key"]["key_id"]] and person.fits(done["iap_key"]["key_id"])
