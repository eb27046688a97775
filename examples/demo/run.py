# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job against the simulator: keys made, three apps Active; again without a change; refunds; drift; a report.

Exits 0 only if every step did what it says. Everything lies in a temporary folder that is removed at the end.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import typing as t
import urllib.request

import world as demo

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPORT = ROOT / ".cache" / "demo"
ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).parent / "ansible-playbook"
REFUNDS, AUDIT = "storeops.refunds.refunds", "storeops.refunds.audit"
Result = dict[str, t.Any]


class DemoFailed(Exception):
    """A step did not do what it says."""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="refunds-demo-") as name:
        folder = pathlib.Path(name)
        cookie = demo.make_cookie()
        (folder / "keys").mkdir(mode=0o700)
        _write_private(folder / "world.json", demo.world(cookie))
        with Simulator(folder / "world.json") as simulator:
            try:
                _story(folder, cookie, simulator)
            except DemoFailed as failure:
                print(f"\ndemo: FAILED: {failure}", file=sys.stderr)
                return 1
    print("\ndemo: everything above was as announced.")
    return 0


def _story(folder: pathlib.Path, cookie: str, simulator: Simulator) -> None:
    declared = demo.variables(str(folder), simulator.urls)
    workstation = demo.with_session(declared, cookie)

    _say("1. From nothing, with a signed-in session: make two keys, ask Apple, declare three integrations")
    code, results = _play(folder, workstation)
    apps = _apps(results)
    _expect(code == 0 and _active(apps) == set(demo.APPS), "all three apps are Active")
    key_ids = {key["key"]: key["key_id"] for result in results for key in result["iap_keys"] or ()}
    _expect(set(key_ids) == set(demo.KEY_NAMES), f"the keys were made: {key_ids}")

    _say("2. The same again: nothing is left to do")
    code, results = _play(folder, workstation)
    _expect(code == 0 and not any(result["changed"] for result in results), "the second run changed nothing")

    _say("3. The refunds of the last two months, each verified and recorded once, and their sums")
    simulator.save_root(folder / "root.pem")
    declared = demo.with_key_ids(declared, key_ids)
    code, results = _play(folder, {**declared, "refund_history_sums_by": ["bundle_id"]}, playbook=REFUNDS)
    _expect(code == 0 and results[-1]["sums"] is not None, "every app's refunds were read")
    found = {(row["bundle_id"], row["currency"]): (row["count"], row["amount"]) for row in results[-1]["sums"]}
    _expect(found == simulator.truth(), "count and amount of each app and currency are right to the last thousandth")
    coverage = {item["bundle_id"]: item["state"] for item in results[-1]["coverage"]}
    _expect(coverage["com.example.three"] == "unknown", "an app without a notification URL is unknown, not 0")
    _sums(results[-1]["sums"])

    _say("4. Planted drift: K2 is revoked, app one is declared in wrong capitals; a dry-run without any session finds both")
    simulator.revoke(key_ids["K2"])
    drifted = demo.with_wrong_capitals(declared, "com.example.one")
    code, results = _play(folder, drifted, "--check")
    apps = _apps(results)
    bad = {app["bundle_id"] for app in apps if app["outcome"] == "failed"}
    _expect(code != 0 and bad == {demo.WRONG, "com.example.three"}, "exactly apps one and three are found")
    _expect(_active(apps) == {"com.example.two"}, "app two is sound")
    causes = {app["credential_check"]["cause"] for app in apps if app["outcome"] == "failed"}
    _expect(causes == {"unauthenticated"}, "both are refused by Apple, each with what to do")

    _say("5. The same as a report for people, programs and CI; nothing is changed")
    shutil.rmtree(REPORT, ignore_errors=True)
    variables = {**drifted, "refund_audit_path": str(REPORT), "refund_audit_title": "Demo studio"}
    code, results = _play(folder, variables, playbook=AUDIT)
    report = json.loads((REPORT / "refund-audit.json").read_text())
    named = {app["bundle_id"] for app in report["apps"] if app["class"] == "refused"}
    _expect(code != 0 and named == bad, "the audit fails, and its report names the same two apps")
    refunds = [part["total"]["count"] for part in report["refunds"]["parts"]]
    _expect(sum(refunds) > 0, "it shows the refunds of the last month, too")
    print(f"\nOpen {REPORT.relative_to(ROOT)}/refund-audit.html in a browser; JSON and JUnit XML lie beside it.")


def _play(
    folder: pathlib.Path, variables: demo.Document, *arguments: str, playbook: str = "storeops.refunds.site"
) -> tuple[int, list[Result]]:
    values, results = folder / "variables.json", folder / "results.jsonl"
    _write_private(values, variables)
    results.write_text("")
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "root")),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "refund_tracking_results",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
        "DEMO_RESULTS": str(results),
    }
    # A session of the person who runs the demo has no business in it.
    environment.pop("FASTLANE_SESSION", None)
    shown = " ".join(["ansible-playbook", playbook, "-e", "@variables.json", *arguments])
    print(f"$ {shown}", flush=True)
    command = [str(ANSIBLE_PLAYBOOK), playbook, "-e", f"@{values}", *arguments]
    code = subprocess.run(command, env=environment, check=False).returncode
    return code, [json.loads(line) for line in results.read_text().splitlines()]


def _write_private(path: pathlib.Path, document: demo.Document) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(document))


def _apps(results: t.Sequence[Result]) -> list[Result]:
    """What came of each app, in the one task that is about all of them."""
    return next(result["integrations"] for result in results if result["integrations"] is not None)


def _active(apps: t.Sequence[Result]) -> set[str]:
    return {
        app["bundle_id"]
        for app in apps
        if app["outcome"] != "failed" and app["status"] == "Active" and app["credential_check"]["accepted"]
    }


def _say(text: str) -> None:
    print(f"\n=== {text}\n", flush=True)


def _expect(is_so: bool, what: str) -> None:
    if not is_so:
        raise DemoFailed(f"expected that {what}")
    print(f"--> {what}", flush=True)


def _sums(sums: t.Sequence[Result]) -> None:
    print(f"\n{'app':<20} {'refunds':>7}  amount")
    for row in sums:
        amount = "unknown" if row["amount"] is None else f"{row['amount'] / 1000:,.3f}"
        print(f"{row['bundle_id']:<20} {row['count']:>7} {amount:>14} {row['currency']}")


class Simulator:
    """The simulator as a process of its own, stopped at the end by its process ID."""

    def __init__(self, world: pathlib.Path) -> None:
        command = [sys.executable, str(ROOT / "extensions" / "simulator"), "--port", "0", "--world", str(world)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise SystemExit("demo: the simulator did not start; its message stands above.")
        announced = json.loads(line)
        self._control = announced["control"]
        self.urls = {
            "app_store_server": announced["app_store_server"]["production"].replace("/production", "/{environment}"),
            "app_store_connect": announced["app_store_connect"],
        }

    def revoke(self, key_id: str) -> None:
        self._ask("PATCH", f"iap_keys/{key_id}", b'{"active": false}')

    def save_root(self, path: pathlib.Path) -> None:
        """Write the certificate that the simulator's signatures end at."""
        path.write_bytes(self._ask("GET", "root_certificate?format=pem"))

    def truth(self) -> dict[tuple[str, str], tuple[int, int | None]]:
        """Return count and amount by app and currency, from the plan that the simulated refunds were made by."""
        sums = json.loads(self._ask("GET", "truth/refunds"))["sums"]
        return {(row["bundle_id"], row["currency"]): (row["count"], row["amount"]) for row in sums if row["count"]}

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self._control}/{path}", body, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)


if __name__ == "__main__":
    sys.exit(main())
