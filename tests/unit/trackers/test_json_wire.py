# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exactly goes over the wire to RevenueCat and Qonversion, and what strange answers do."""

from __future__ import annotations

import contextlib
import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, Outcome, run_task, write_key

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integration

Json = dict[str, t.Any]
Answer = tuple[int, t.Any]
SECRET = "sk_" + "wiretest" * 3
APPS = "/v2/projects/proj1/apps"
STORE = "/v4/project-settings/stores/apple"


class Sent(t.NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: t.Any


class Service(ThreadingHTTPServer):
    """Answers by a function of the request; None hangs up without an answer."""

    daemon_threads = True

    def __init__(self, behave: t.Callable[[Sent], Answer | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behave = behave
        self.sent: list[Sent] = []

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        sent = Sent(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.sent.append(sent)
        answer = self.server.behave(sent)
        if answer is None:
            return
        data = answer[1] if isinstance(answer[1], bytes) else json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_args: t.Any) -> None:
        """Stay silent."""


@contextlib.contextmanager
def service(behave: t.Callable[[Sent], Answer | None]) -> t.Iterator[Service]:
    """Serve."""
    server = Service(behave)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def app(bundle_id: str = BUNDLE_ID, has_key: bool = False, **fields: t.Any) -> Json:
    """Make an entry as RevenueCat shows it."""
    store = {"bundle_id": bundle_id, "subscription_key_configured": has_key}
    return {"object": "app", "id": "app1", "name": "One", "type": "app_store", "app_store": store, **fields}


def page(*items: t.Any, next_page: t.Any = None) -> Json:
    """Make a page of a list."""
    return {"object": "list", "items": list(items), "next_page": next_page}


def run(server: Service, folder: Path, pem: str, tracker: str, check_mode: bool = False, **account: t.Any) -> Outcome:
    """Run the module, without a call to Apple."""
    own = {"project_id": "proj1"} if tracker == "revenuecat" else {}
    url = f"http://127.0.0.1:{server.server_address[1]}"
    options: Json = {
        "bundle_id": BUNDLE_ID,
        "issuer_id": ISSUER,
        "key_id": KEY_ID,
        "private_key_path": str(write_key(folder / "key.p8", pem)),
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "credential_check": "skip",
        "deadline": 5,
        "tracker": tracker,
        tracker: {"api_key": SECRET, "url": url, **own, **account},
    }
    outcome = run_task(integration.TASK, options, check_mode)
    assert SECRET not in repr(outcome) and "fault of storeops.refunds" not in outcome.message
    return outcome


def test_an_update_sends_the_key_and_nothing_else(tmp_path: Path, pem: str) -> None:
    with service(lambda sent: (200, page(app()) if sent.method == "GET" else app(has_key=True))) as server:
        done = run(server, tmp_path, pem, "revenuecat", app_name="Another name", create_app=True)
    assert done.results["changed"], done
    listed, updated = server.sent
    assert (listed.method, listed.path) == ("GET", f"{APPS}?limit=100") and listed.body is None
    assert (updated.method, updated.path) == ("POST", f"{APPS}/app1")
    assert list(updated.body) == ["app_store"]
    fields = updated.body["app_store"]
    assert fields.pop("subscription_private_key").startswith("-----BEGIN PRIVATE KEY-----\n")
    assert fields == {"subscription_key_id": KEY_ID, "subscription_key_issuer": ISSUER}
    assert updated.headers["content-type"] == "application/json"
    assert {sent.headers["authorization"] for sent in server.sent} == {f"Bearer {SECRET}"}


def test_a_create_sends_bundle_id_and_name_too(tmp_path: Path, pem: str) -> None:
    with service(lambda sent: (200, page()) if sent.method == "GET" else (201, app(has_key=True))) as server:
        assert run(server, tmp_path, pem, "revenuecat", create_app=True).results["changed"]
    created = server.sent[-1]
    assert (created.method, created.path) == ("POST", APPS)
    assert (created.body["name"], created.body["type"], sorted(created.body)) == (
        BUNDLE_ID,
        "app_store",
        ["app_store", "name", "type"],
    )
    assert created.body["app_store"]["bundle_id"] == BUNDLE_ID and len(created.body["app_store"]) == 4


@pytest.mark.parametrize("prefix", ["", "/v2"])
def test_a_next_page_is_never_followed_to_another_host(tmp_path: Path, pem: str, prefix: str) -> None:
    def behave(sent: Sent) -> Answer:
        if sent.method == "POST":
            return 200, app(has_key=True)
        if "starting_after=app%2F9" in sent.path:
            return 200, page(app())
        return 200, page(app("com.example.two"), next_page="https://evil.invalid/v2/x?starting_after=app%2F9&limit=1")

    with service(behave) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}{prefix}"
        assert run(server, tmp_path, pem, "revenuecat", url=url).results["changed"]
    assert [sent.path for sent in server.sent] == [
        f"{APPS}?limit=100",
        f"{APPS}?limit=100&starting_after=app%2F9",
        f"{APPS}/app1",
    ]


STRANGE_LISTS: dict[str, t.Any] = {
    "no object": [],
    "no items": {},
    "items of another kind": {"items": {}},
    "an app without ID": page(app(id=None)),
    "an app without bundle ID": page(app(app_store={})),
    "an app without details": page(app(app_store=None)),
    "a next page without a place": page(next_page="/v2/projects/proj1/apps"),
    "a next page that is none": page(next_page=7),
    "a next page that is no address": page(next_page="http://["),
    "the same next page for ever": page(next_page="/v2/x?starting_after=a"),
    "no JSON": b"{",
    "deep JSON": b"[" * 100_000,
}


@pytest.mark.parametrize("name", STRANGE_LISTS)
def test_a_strange_list_creates_nothing(tmp_path: Path, pem: str, name: str) -> None:
    with service(lambda sent: (200, STRANGE_LISTS[name])) as server:
        done = run(server, tmp_path, pem, "revenuecat", create_app=True)
    assert done.results["failed"] and "RevenueCat answered with" in done.message, done
    assert {sent.method for sent in server.sent} == {"GET"} and len(server.sent) <= 2


def test_items_of_other_kinds_are_left_alone(tmp_path: Path, pem: str) -> None:
    items = [None, 7, {}, {"type": "play_store"}, app(type="mac_app_store"), app()]
    with service(lambda sent: (200, page(*items) if sent.method == "GET" else app(has_key=True))) as server:
        assert run(server, tmp_path, pem, "revenuecat").results["changed"]


@pytest.mark.parametrize("answer", [{}, [], app("com.example.two", True), app(type="play_store"), {"items": []}])
def test_a_strange_answer_to_an_update_is_no_success(tmp_path: Path, pem: str, answer: t.Any) -> None:
    with service(lambda sent: (200, page(app()) if sent.method == "GET" else answer)) as server:
        done = run(server, tmp_path, pem, "revenuecat")
    assert done.results["failed"] and BUNDLE_ID in done.message


def test_a_key_that_does_not_arrive_is_not_active(tmp_path: Path, pem: str) -> None:
    with service(lambda sent: (200, page(app()) if sent.method == "GET" else app())) as server:
        done = run(server, tmp_path, pem, "revenuecat")
        assert done.results["failed"] and "subscription_key_configured: false" in done.message
        assert done.results["integration"]["status"] == "Failed" and done.results["changed"]


@pytest.mark.parametrize(("retryable", "calls"), [(False, 1), (True, 4), (None, 4)])
def test_a_service_that_knows_that_repeating_is_of_no_use(
    tmp_path: Path, pem: str, retryable: bool | None, calls: int
) -> None:
    body = {"type": "server_error", "message": "no", "retryable": retryable}
    with service(lambda sent: (500, body)) as server:
        done = run(server, tmp_path, pem, "revenuecat")
    assert done.results["failed"] and len(server.sent) == calls


@pytest.mark.parametrize("backoff", [-1, 10**400, True, "1", None, [1], float("nan"), 10**7])
def test_a_pause_that_is_none(tmp_path: Path, pem: str, backoff: t.Any) -> None:
    with service(lambda sent: (429, {"type": "rate_limit_error", "backoff_ms": backoff})) as server:
        assert "HTTP 429" in run(server, tmp_path, pem, "revenuecat").message
    assert 1 < len(server.sent) <= 4


def test_a_pause_beyond_the_deadline_is_not_waited_for(tmp_path: Path, pem: str) -> None:
    with service(lambda sent: (429, {"type": "rate_limit_error", "backoff_ms": 60_000})) as server:
        assert "raise deadline" in run(server, tmp_path, pem, "revenuecat").message
    assert len(server.sent) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_with_a_server_error_is_looked_up_and_not_repeated(tmp_path: Path, pem: str, status: int) -> None:
    made: list[bool] = []

    def behave(sent: Sent) -> Answer:
        if sent.method == "GET":
            return 200, page(*([app(has_key=True)] if made else []))
        if sent.path != APPS:
            return 200, app(has_key=True)
        made.append(True)
        return status, {}

    with service(behave) as server:
        assert run(server, tmp_path, pem, "revenuecat", create_app=True).results["changed"]
    assert [sent.path for sent in server.sent] == [f"{APPS}?limit=100", APPS, f"{APPS}?limit=100", f"{APPS}/app1"]


def test_an_answer_that_does_not_say_whether_there_is_a_key(tmp_path: Path, pem: str) -> None:
    """RevenueCat's specification of January 2026 requires no more than the bundle ID."""
    silent = {"object": "app", "id": "app1", "type": "app_store", "app_store": {"bundle_id": BUNDLE_ID}}
    with service(lambda sent: (200, page(silent) if sent.method == "GET" else silent)) as server:
        kept = run(server, tmp_path, pem, "revenuecat")
        assert not kept.results["changed"] and kept.results["integration"]["status"] == "Unknown"
        sent = run(server, tmp_path, pem, "revenuecat", on_unknown="replace").results
        assert sent["changed"] and not sent.get("failed") and sent["integration"]["key_id"] == KEY_ID
        again = run(server, tmp_path, pem, "revenuecat").results
        assert not again["changed"] and again["integration"]["status"] == "Pending", "credential_check: skip"
    assert [sent.method for sent in server.sent] == ["GET", "GET", "POST", "GET"]


@pytest.mark.parametrize("project", ["1ab2c3d4", "proj1ab2c3d4"])
def test_a_project_that_is_not_found(tmp_path: Path, pem: str, project: str) -> None:
    """The dashboard's address shows a project's ID without its first letters."""
    with service(lambda sent: (404, {"type": "resource_missing"})) as server:
        failed = run(server, tmp_path, pem, "revenuecat", project_id=project)
    tried = "try revenuecat.project_id: proj1ab2c3d4" in failed.message
    assert "HTTP 404" in failed.message and tried is (project == "1ab2c3d4")


@pytest.mark.parametrize("tracker", ["revenuecat", "qonversion"])
def test_an_answer_nested_a_thousand_times(tmp_path: Path, pem: str, tracker: str) -> None:
    deep = b'{"items": ' + b"[" * 900 + b"]" * 900 + b"}"
    with service(lambda sent: (200, deep)) as server:
        failed = run(server, tmp_path, pem, tracker)
    assert failed.results["failed"] and "fault of storeops.refunds" not in failed.message


def test_a_conflict_with_an_entry_of_someone_else_is_an_update(tmp_path: Path, pem: str) -> None:
    tried: list[bool] = []

    def behave(sent: Sent) -> Answer:
        if sent.method == "GET":
            return 200, page(*([app(has_key=True)] if tried else []))
        if sent.path == APPS:
            tried.append(True)
            return 409, {"type": "resource_already_exists"}
        return 200, app(has_key=True)

    with service(behave) as server:
        assert run(server, tmp_path, pem, "revenuecat", create_app=True).results["changed"]
    assert [sent.path for sent in server.sent[1:]] == [APPS, f"{APPS}?limit=100", f"{APPS}/app1"]


def test_check_mode_sends_nothing_but_questions(tmp_path: Path, pem: str) -> None:
    with service(lambda sent: (200, page())) as server:
        assert run(server, tmp_path, pem, "revenuecat", check_mode=True, create_app=True).results["changed"]
    assert [sent.method for sent in server.sent] == ["GET"]


def config(**fields: t.Any) -> Json:
    """Make Qonversion's configuration."""
    saved = {"bundle_id": BUNDLE_ID, "iap_key_identifier": KEY_ID, "iap_issuer_id": ISSUER}
    return {"object": "store_config", **saved, "has_iap_private_key": True, "app_id": "1", **fields}


NOTHING = {"object": "store_config", "app_id": "1", "bundle_id": None, "has_iap_private_key": False}


class Saved:
    """Shows what was saved once something was; hangs up on the first ``lost`` saves."""

    def __init__(self, lost: int = 0, answer: Answer = (200, {}), after: Json | None = None) -> None:
        self.lost = lost
        self.answer = answer
        self.after = after or config()
        self.is_saved = False

    def __call__(self, sent: Sent) -> Answer | None:
        """Answer."""
        if sent.method == "GET":
            return 200, self.after if self.is_saved else NOTHING
        self.is_saved = True
        self.lost -= 1
        return None if self.lost >= 0 else self.answer


@pytest.mark.parametrize("answer", [(200, config()), (201, {}), (204, b"")])
def test_a_save_sends_the_triplet_and_nothing_else(tmp_path: Path, pem: str, answer: Answer) -> None:
    with service(Saved(answer=answer)) as server:
        assert run(server, tmp_path, pem, "qonversion").results["changed"]
    saved = server.sent[1]
    assert (saved.method, saved.path, saved.headers["content-type"]) == ("POST", STORE, "application/json")
    assert sorted(saved.body) == ["bundle_id", "iap_issuer_id", "iap_key_identifier", "iap_private_key"]
    assert saved.headers["authorization"] == f"Bearer {SECRET}"


def test_one_name_for_all_attempts_of_a_save_and_another_for_the_next(tmp_path: Path, pem: str) -> None:
    with service(Saved(lost=2)) as server:
        assert run(server, tmp_path, pem, "qonversion").results["changed"]
    (tmp_path / "ledger.db").unlink()
    with service(Saved()) as other:
        assert run(other, tmp_path, pem, "qonversion").results["changed"]
    names = [sent.headers.get("idempotency-key", "") for sent in server.sent if sent.method == "POST"]
    assert len(names) == 3 and len(set(names)) == 1 and len(names[0]) >= 16
    again = [sent.headers["idempotency-key"] for sent in other.sent if sent.method == "POST"]
    assert len(again) == 1 and again[0] != names[0]


@pytest.mark.parametrize(
    ("after", "named"),
    [
        (config(app_id=None), "app_id"),
        (config(iap_key_identifier="OTHER"), "Key ID"),
        (config(iap_issuer_id=None), "Issuer ID"),
        (config(bundle_id="com.example.two"), "bundle ID"),
        (config(has_iap_private_key=False), "has_iap_private_key"),
    ],
)
def test_a_save_that_shows_something_else_is_said(tmp_path: Path, pem: str, after: Json, named: str) -> None:
    with service(Saved(after=after)) as server:
        done = run(server, tmp_path, pem, "qonversion")
    assert done.results["failed"] and named in done.message and "dashboard" in done.message
    assert done.results["integration"]["status"] == "Failed"


def test_a_project_without_a_configuration_is_not_a_wrong_address(tmp_path: Path, pem: str) -> None:
    saved = Saved()

    def behave(sent: Sent) -> Answer | None:
        if sent.path == "/v4/project-settings":
            return 200, {"object": "project_settings"}
        return (404, {}) if sent.method == "GET" and not saved.is_saved else saved(sent)

    with service(behave) as server:
        assert run(server, tmp_path, pem, "qonversion").results["changed"]
    with service(lambda sent: (404, {})) as server:
        done = run(server, tmp_path, pem, "qonversion")
    assert done.results["failed"] and "qonversion.url" in done.message
    assert {sent.method for sent in server.sent} == {"GET"}
