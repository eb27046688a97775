# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exactly goes to App Store Connect, and what is made of its answers. No call is made."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.storeops.refunds.plugins.module_utils._apple.app_store_connect import (
    HOST,
    ONE_TIME_S,
    AppStoreConnect,
    RemoteKey,
    Team,
    is_active,
)
from ansible_collections.storeops.refunds.plugins.module_utils._apple.web_errors import OtherTeam
from ansible_collections.storeops.refunds.plugins.module_utils._http import Call, Reply
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError
from ansible_collections.storeops.refunds.plugins.module_utils._model.permit import Permit
from ansible_collections.storeops.refunds.plugins.module_utils._model.secret import Secret
from ansible_collections.storeops.refunds.plugins.module_utils._model.web_session import Cookie, WebSession

ISSUER = "57246542-96fe-1a63-e053-0824d011072a"
OTHER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
KEYS = "/iris/v1/subscriptionKeys"
SESSION = "/olympus/v1/session"
PEM = "-----BEGIN PRIVATE KEY-----\nmade up\n-----END PRIVATE KEY-----\n"
# As far as every key of that kind goes.
DER = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420") + bytes(range(128, 160))


def encoded(data: bytes) -> str:
    """Write base64."""
    return base64.b64encode(data).decode()


# In which a private key may come.
SHAPES = [PEM, encoded(PEM.encode()), encoded(json.dumps(PEM).encode()), encoded(PEM.encode("utf-16")), encoded(DER)]


class Sent(t.NamedTuple):
    """One call."""

    method: str
    path: str
    body: t.Any
    headers: dict[str, str]
    is_repeatable: bool
    least_seconds: float


class Service:
    """A transport that gives prepared answers and keeps what was sent."""

    def __init__(self, *replies: t.Any) -> None:
        self.replies = [reply if isinstance(reply, Reply) else ok(reply) for reply in replies]
        self.sent: list[Sent] = []
        self.pauses: list[float] = []

    def send(self, call: Call) -> Reply:
        """Give the next answer."""
        body = json.loads(call.body) if call.body else None
        assert (call.body is None) is (call.method == "GET")
        path = call.url.removeprefix(HOST)
        self.sent.append(Sent(call.method, path, body, dict(call.headers()), call.is_repeatable, call.least_seconds))
        return self.replies.pop(0)

    def pause(self, seconds: float) -> None:
        """Take no time."""
        self.pauses.append(seconds)


def ok(document: t.Any, status: int = 200, cookies: tuple[str, ...] = ()) -> Reply:
    """An answer in JSON."""
    return Reply(status, {"content-type": "application/json"}, json.dumps(document).encode(), cookies)


def connect(service: Service) -> AppStoreConnect:
    """One signed-in session."""
    session = WebSession([Cookie("myacinfo", Secret("DAWTKN7f3K9x"), "apple.com")])
    return AppStoreConnect(t.cast(t.Any, service), session)


def provider(number: int, issuer_id: object = ISSUER, name: str = "Studio") -> dict[str, t.Any]:
    """A team as the session names it."""
    return {"providerId": number, "publicProviderId": issuer_id, "name": name}


def teams(current: t.Any, *available: t.Any) -> dict[str, t.Any]:
    """The session's answer."""
    return {"provider": current, "availableProviders": list(available)}


ONE, TWO = provider(1), provider(2, OTHER, "Other")


def test_the_only_team_is_taken() -> None:
    service = Service(teams(ONE, ONE))
    made = connect(service)
    assert made.team(None, None) == Team(1, ISSUER, "Studio") == made.team(1, ISSUER)
    assert [(sent.method, sent.path, sent.body) for sent in service.sent] == [("GET", SESSION, None)]
    assert service.sent[0].headers["X-Requested-With"] == "olympus-ui" and "X-CSRF-ITC" not in service.sent[0].headers


@pytest.mark.parametrize(("team_id", "issuer_id"), [(2, None), (None, OTHER), (2, OTHER)])
def test_another_team_is_switched_to_and_looked_at_again(team_id: int | None, issuer_id: str | None) -> None:
    service = Service(teams(ONE, ONE, TWO), {}, teams(TWO, ONE, TWO))
    made = connect(service)
    assert made.team(team_id, issuer_id) == Team(2, OTHER, "Other")
    assert [(sent.method, sent.path, sent.body) for sent in service.sent] == [
        ("GET", SESSION, None),
        ("POST", SESSION, {"provider": {"providerId": 2}}),
        ("GET", SESSION, None),
    ]
    assert service.sent[1].headers["Content-Type"] == "application/json"
    assert "Content-Type" not in service.sent[0].headers and service.pauses == [1.0, 1.0]
    assert made.team(2, None).provider_id == 2 and len(service.sent) == 3


def test_a_switch_that_did_not_happen_is_an_error() -> None:
    for seen in (teams(ONE, ONE, TWO), teams(None, ONE, TWO)):
        with pytest.raises(RefundsError, match="did not switch"):
            connect(Service(teams(ONE, ONE, TWO), {}, seen)).team(2, None)


def test_after_a_list_the_team_is_asked_for_again_and_what_rests_on_it_follows_without_a_pause() -> None:
    made_key = ok({"data": {"id": "2X9R4HXF34"}}, 201)
    service = Service(teams(ONE, ONE, TWO), {"data": []}, teams(ONE, ONE, TWO), made_key)
    made = connect(service)
    made.team(1, None)
    assert made.list_keys() == [] and made.create("studio").key_id == "2X9R4HXF34"
    assert [(sent.method, sent.path.partition("?")[0]) for sent in service.sent] == [
        ("GET", SESSION),
        ("GET", KEYS),
        ("GET", SESSION),
        ("POST", KEYS),
    ]
    assert service.pauses == [1.0, 1.0]


@pytest.mark.parametrize(("now", "shown"), [(TWO, f"'Other' team_id 2 issuer_id {OTHER}"), (None, "none")])
def test_a_list_of_another_team_is_no_list(now: object, shown: str) -> None:
    made = connect(Service(teams(ONE, ONE, TWO), {"data": [{"id": "OTHERTEAM1"}]}, teams(now, ONE, TWO)))
    made.team(1, None)
    with pytest.raises(OtherTeam, match=f"acted for the team 'Studio' team_id 1 .* and now acts for {shown}: another"):
        made.list_keys()


@pytest.mark.parametrize(("team_id", "issuer_id"), [(3, None), (None, OTHER), (1, OTHER), (2, ISSUER)])
def test_a_team_of_another_session_is_named_with_those_that_there_are(team_id: int | None, issuer_id: str) -> None:
    service = Service(teams(ONE, ONE))
    with pytest.raises(RefundsError, match=f"no such team.*'?Studio'? team_id 1 issuer_id {ISSUER}"):
        connect(service).team(team_id, issuer_id)


def test_several_teams_are_not_guessed_between() -> None:
    with pytest.raises(RefundsError, match=r"several teams.*team_id 1 .*; .*team_id 2 "):
        connect(Service(teams(ONE, ONE, TWO))).team(None, None)


def test_a_current_team_that_is_not_in_the_list_counts() -> None:
    assert connect(Service({"provider": ONE})).team(None, None).provider_id == 1
    assert connect(Service(teams(ONE, TWO))).team(1, None).provider_id == 1


@pytest.mark.parametrize("odd", [None, "x", 7, {"providerId": "1"}, provider(1, None), provider(1, "no-issuer")])
def test_what_is_no_team_is_left_out(odd: object) -> None:
    assert connect(Service(teams(ONE, odd, ONE))).team(None, None).provider_id == 1
    with pytest.raises(RefundsError, match="no such team"):
        connect(Service(teams(odd, odd))).team(None, None)


def test_a_key_is_created_by_one_request() -> None:
    attributes = {"nickname": "studio", "isActive": True, "canDownload": True, "lastUsed": "2026-11-01"}
    service = Service(ok({"data": {"id": "2X9R4HXF34", "attributes": attributes}}, 201))
    assert connect(service).create("studio") == RemoteKey("2X9R4HXF34", "studio", True, True, "2026-11-01")
    (sent,) = service.sent
    body = {"data": {"type": "subscriptionKeys", "attributes": {"nickname": "studio"}}}
    assert (sent.method, sent.path, sent.body) == ("POST", KEYS, body)
    assert (sent.is_repeatable, sent.least_seconds) == (False, ONE_TIME_S)
    assert {name: sent.headers[name] for name in ("X-CSRF-ITC", "Origin", "Referer", "Cookie", "Content-Type")} == {
        "X-CSRF-ITC": "[asc-ui]",
        "Origin": HOST,
        "Referer": f"{HOST}/access/integrations/api",
        "Cookie": "myacinfo=DAWTKN7f3K9x",
        "Content-Type": "application/json",
    }
    assert "X-Requested-With" not in sent.headers and sent.headers["Accept"].startswith("application/vnd.api+json")


def test_a_key_is_revoked_by_its_id() -> None:
    service = Service({"data": {"id": "2X9R4HXF34"}})
    permit = Permit("revoke_key", "2X9R4HXF34", t.cast(t.Any, None))
    connect(service).revoke("2X9R4HXF34", permit)
    (sent,) = service.sent
    body = {"data": {"type": "subscriptionKeys", "id": "2X9R4HXF34", "attributes": {"isActive": False}}}
    assert (sent.method, sent.path, sent.body) == ("PATCH", f"{KEYS}/2X9R4HXF34", body)
    assert (sent.is_repeatable, sent.least_seconds) == (True, 0.0)
    with pytest.raises(RefundsError):
        connect(Service(ok({"errors": []}, 404))).revoke("2X9R4HXF34", permit)
    connect(Service(Reply(204, {}, b""))).revoke("2X9R4HXF34", permit)


@pytest.mark.parametrize("given", [("revoke_key", "OTHERKEY01"), ("remove_file", "2X9R4HXF34")])
def test_a_key_is_revoked_only_with_a_permit_for_it(given: tuple[t.Any, str]) -> None:
    service = Service({"data": {"id": "2X9R4HXF34"}})
    with pytest.raises(ValueError, match="a permit for"):
        connect(service).revoke("2X9R4HXF34", Permit(*given, t.cast(t.Any, None)))
    assert service.sent == []


@pytest.mark.parametrize(
    ("reply", "content"),
    [
        (ok({"data": {"attributes": {"privateKey": PEM}}}), PEM),
        (Reply(200, {}, PEM.encode()), PEM),
        (Reply(299, {}, PEM.encode()), PEM),
        (
            ok({"data": {"attributes": {"privateKey": {"pem": "x"}}}}),
            '{"data": {"attributes": {"privateKey": {"pem": "x"}}}}',
        ),
        (ok({"other": "BEGIN PRIVATE KEY"}), '{"other": "BEGIN PRIVATE KEY"}'),
        # What is no UTF-8 is kept to the byte.
        (Reply(200, {}, b"\xff PRIVATE KEY"), encoded(b"\xff PRIVATE KEY")),
        (Reply(200, {}, PEM.encode("utf-16")), encoded(PEM.encode("utf-16"))),
        (Reply(200, {}, DER), encoded(DER)),
        (Reply(200, {}, PEM.encode("utf-16-le")), PEM.encode("utf-16-le").decode()),
        *((Reply(200, {}, shape.encode()), shape) for shape in SHAPES),
        *((ok({"data": {"attributes": {"privateKey": shape}}}), shape) for shape in SHAPES),
        *((ok({"other": shape}), json.dumps({"other": shape})) for shape in SHAPES),
        *((ok([{"deep": {"er": [shape]}}]), json.dumps([{"deep": {"er": [shape]}}])) for shape in SHAPES),
        *((Reply(200, {}, f"<html>{shape}".encode()), f"<html>{shape}") for shape in SHAPES),
    ],
)
def test_whatever_may_be_the_key_is_taken_once(reply: Reply, content: str) -> None:
    service = Service(reply)
    assert connect(service).download("2X9R4HXF34").reveal() == content
    (sent,) = service.sent
    assert (sent.method, sent.path) == ("GET", f"{KEYS}/2X9R4HXF34?fields[subscriptionKeys]=privateKey")
    assert (sent.is_repeatable, sent.least_seconds, sent.body) == (False, ONE_TIME_S, None)


@pytest.mark.parametrize(
    "reply",
    [
        ok({}),
        ok({"data": None}),
        ok({"data": {"attributes": None}}),
        ok({"data": {"attributes": {"privateKey": ""}}}),
        ok({"data": {"attributes": {"privateKey": None}}}),
        # A sign-in page names its cookie.
        Reply(200, {}, b"<html>Sign in <input name=myacinfo value=abcdefghijklmnopqrstuvwxyz>"),
        Reply(300, {}, PEM.encode()),
        Reply(199, {}, PEM.encode()),
        Reply(403, {}, b"{}"),
    ],
)
def test_what_is_no_key_is_an_error(reply: Reply) -> None:
    with pytest.raises(RefundsError) as caught:
        connect(Service(reply)).download("2X9R4HXF34")
    assert "made up" not in str(caught.value)


@pytest.mark.parametrize("entry", [None, "x", {}, {"id": 7}, {"id": ""}, {"id": "a/b"}, {"id": "x" * 33}])
def test_a_key_without_an_id_is_an_error(entry: object) -> None:
    with pytest.raises(RefundsError, match="a key without an ID"):
        connect(Service({"data": [entry]})).list_keys()


@pytest.mark.parametrize("data", [None, {}, "x"])
def test_a_list_that_is_none_is_an_error(data: object) -> None:
    with pytest.raises(RefundsError, match="the list of keys"):
        connect(Service({"data": data})).list_keys()


def test_a_list_without_an_end_is_an_error() -> None:
    pages = [{"data": [], "links": {"next": f"{KEYS}?cursor={number}"}} for number in range(60)]
    service = Service(*pages)
    with pytest.raises(RefundsError, match="no end"):
        connect(service).list_keys()
    assert len(service.sent) == 50


@pytest.mark.parametrize("attributes", [None, "x", {"nickname": 7, "isActive": "yes", "canDownload": 1, "lastUsed": 0}])
def test_what_an_answer_does_not_tell_is_none(attributes: object) -> None:
    (key,) = connect(Service({"data": [{"id": "A1", "attributes": attributes}]})).list_keys()
    assert key == RemoteKey("A1", None, None, None, None, None) and is_active(key)


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"isActive": True}, True),
        ({"isActive": False}, False),
        ({"isActive": True, "revokingDate": "2026-11-01"}, False),
        ({"revokingDate": "2026-11-01"}, False),
        ({"revokingDate": ""}, True),
    ],
)
def test_only_a_clear_no_makes_a_key_inactive(attributes: dict[str, t.Any], wanted: bool) -> None:
    (key,) = connect(Service({"data": [{"id": "A1", "attributes": attributes}]})).list_keys()
    assert is_active(key) is wanted


def test_a_refreshed_cookie_is_sent_next_and_a_refusal_never_shows_it() -> None:
    echo = {"errors": [{"title": "DAWTKN7f3K9x and DAWTKN8g4L0y"}]}
    service = Service(
        ok({"data": []}, cookies=("myacinfo=DAWTKN8g4L0y; Domain=apple.com; Path=/",)), ok({"data": []}), ok(echo, 400)
    )
    made = connect(service)
    made.list_keys()
    made.list_keys()
    with pytest.raises(RefundsError) as caught:
        made.list_keys()
    assert [sent.headers["Cookie"] for sent in service.sent] == [
        "myacinfo=DAWTKN7f3K9x",
        *["myacinfo=DAWTKN8g4L0y"] * 2,
    ]
    assert "DAWTKN7f3K9x" not in str(caught.value) and "DAWTKN8g4L0y" not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"7", b"\xff", b"[" * 5000])
def test_what_is_no_json_object_is_an_error(body: bytes) -> None:
    with pytest.raises(RefundsError):
        connect(Service(Reply(200, {}, body))).list_keys()


def test_a_status_of_three_hundred_is_no_answer() -> None:
    with pytest.raises(RefundsError):
        connect(Service(ok({"data": []}, 300))).list_keys()
    assert connect(Service(ok({"data": []}, 299))).list_keys() == []


PAGE = Reply(200, {}, b"<html>Sign in</html>")


@pytest.mark.parametrize(
    ("reply", "may_have_changed"),
    [
        (ok({"errors": []}, 400), False),
        (ok({"errors": []}, 499), False),
        (ok({}, 300), False),
        (PAGE, False),
        (Reply(201, {}, b"<html>"), True),
        (ok({"data": None}), True),
        (ok({"data": {"id": "a/b"}}, 299), True),
        (ok({"errors": []}, 500), True),
        (Reply(503, {}, b"<html>"), True),
    ],
)
def test_a_key_may_be_there_after_an_answer_that_does_not_say_so(reply: Reply, may_have_changed: bool) -> None:
    with pytest.raises(RefundsError) as caught:
        connect(Service(reply)).create("studio")
    assert caught.value.may_have_changed is may_have_changed


@pytest.mark.parametrize(("status", "may_have_changed"), [(300, False), (403, False), (499, False), (500, True)])
def test_the_one_download_may_be_used_up_by_a_failure_of_the_service(status: int, may_have_changed: bool) -> None:
    with pytest.raises(RefundsError) as caught:
        connect(Service(ok({}, status))).download("2X9R4HXF34")
    assert caught.value.may_have_changed is may_have_changed


def test_the_id_of_a_key_stays_in_its_place_of_the_path() -> None:
    service = Service(Reply(200, {}, PEM.encode()), {})
    made = connect(service)
    made.download("../a?b")
    made.revoke("../a?b", Permit("revoke_key", "../a?b", t.cast(t.Any, None)))
    assert [sent.path.partition("?")[0] for sent in service.sent] == [f"{KEYS}/..%2Fa%3Fb"] * 2


def test_the_field_check_is_given_what_came() -> None:
    service = Service({"a": 1}, {"b": 2})
    made = connect(service)
    assert (made.session_document(), made.keys_document()) == ({"a": 1}, {"b": 2})
    assert [(sent.method, sent.path) for sent in service.sent] == [("GET", SESSION), ("GET", f"{KEYS}?limit=200")]


def test_a_refusal_repeats_the_words_of_apple_and_a_team_may_have_no_name() -> None:
    with pytest.raises(RefundsError, match=r"Apple says: .?NO_ACCESS"):
        connect(Service(ok({"errors": [{"code": "NO_ACCESS"}]}, 403))).list_keys()
    nameless = {"providerId": 1, "publicProviderId": ISSUER}
    assert connect(Service(teams(nameless))).team(None, None).name == ""


FORBIDDEN = {"errors": [{"title": "Forbidden", "detail": "Your role does not allow this."}]}
AGREEMENT = {"errors": [{"code": "FORBIDDEN.REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"}]}
LIMIT = {"errors": [{"detail": "You have reached the maximum number of active keys."}]}
SIGN_IN, ROLE, ACCEPT, REVOKE = "Sign in again", "In-App Purchase keys need", "The Account Holder", "Revoke one first."


@pytest.mark.parametrize(
    ("reply", "session_step", "create_step"),
    [
        (Reply(401, {}, b""), SIGN_IN, SIGN_IN),
        (ok({}, 401), SIGN_IN, SIGN_IN),
        (ok(FORBIDDEN, 401), SIGN_IN, SIGN_IN),
        (Reply(403, {}, b""), SIGN_IN, ROLE),
        (ok({}, 403), SIGN_IN, ROLE),
        (ok(FORBIDDEN, 403), SIGN_IN, ROLE),
        (ok(AGREEMENT, 403), ACCEPT, ACCEPT),
        (Reply(403, {}, b"<html>"), SIGN_IN, SIGN_IN),
        (ok(LIMIT, 403), REVOKE, REVOKE),
        (ok(LIMIT, 409), REVOKE, REVOKE),
    ],
)
def test_a_refusal_comes_with_the_step_that_helps(reply: Reply, session_step: str, create_step: str) -> None:
    """The session itself needs no role: whom it is refused, it has expired for."""
    with pytest.raises(RefundsError) as caught:
        connect(Service(reply)).team(None, None)
    assert caught.value.next_step.startswith(session_step)
    with pytest.raises(RefundsError) as caught:
        connect(Service(reply)).create("studio")
    assert caught.value.next_step.startswith(create_step)


def test_a_switch_of_teams_that_is_refused_means_a_new_session() -> None:
    with pytest.raises(RefundsError) as caught:
        connect(Service(teams(ONE, ONE, TWO), ok({}, 403))).team(2, None)
    assert caught.value.next_step.startswith(SIGN_IN)


@pytest.mark.parametrize(
    ("session", "team_id", "step"),
    [
        ([teams(ONE, ONE)], 3, "Correct team_id or issuer_id, or sign in with another Apple Account."),
        ([teams(ONE, ONE, TWO)], None, "Set team_id or issuer_id."),
        ([teams(ONE, ONE, TWO), {}, teams(ONE, ONE, TWO)], 2, "Choose it in a browser."),
    ],
)
def test_no_team_comes_with_a_step(session: list[t.Any], team_id: int | None, step: str) -> None:
    with pytest.raises(RefundsError) as caught:
        connect(Service(*session)).team(team_id, None)
    assert caught.value.next_step == step


@pytest.mark.parametrize("url", ["http://127.0.0.1:8765/x", "http://localhost:8765/x", "http://[::1]:8765/x"])
def test_a_simulator_on_this_machine_gets_the_whole_session_and_no_pause(url: str) -> None:
    service = Service({"data": []}, {"data": []})
    session = WebSession([Cookie("myacinfo", Secret("DAWTKN7f3K9x"), "apple.com")])
    made = AppStoreConnect(t.cast(t.Any, service), session, url)
    assert (made.list_keys(), made.list_keys(), service.pauses) == ([], [], [])
    assert [sent.headers["Cookie"] for sent in service.sent] == ["myacinfo=DAWTKN7f3K9x"] * 2
