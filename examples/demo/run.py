# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The main job against the simulator: keys made, three apps Active; again unchanged; refunds; planted faults; a report.

One line for each step; VERBOSE=1 shows what Ansible prints. Exits 0 only if every step did what it says. Everything but
the report lies in a temporary folder that is removed at the end.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import typing as t
import urllib.request

import world as demo

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
REPORT = ROOT / ".cache" / "demo"
ANSIBLE_PLAYBOOK = pathlib.Path(sys.executable).parent / "ansible-playbook"
REFUNDS, AUDIT = "storeops.refunds.refunds", "storeops.refunds.audit"
VERBOSE = os.environ.get("VERBOSE", "") not in ("", "0")
# The keys and sessions of the person who runs the demo have no business in it.
SESSIONS = ("FASTLANE_SESSION", "SPACESHIP_SESSION")
OURS = {name: value for name, value in os.environ.items() if name not in SESSIONS and name[:9] != "STOREOPS_"}
Result = dict[str, t.Any]
# When each step began, and what Ansible printed.
STARTED: list[float] = []
PRINTED: list[str] = []


class DemoFailed(Exception):
    """A step did not do what it says."""


def main() -> int:
    print("App Store refund tracking as code: the whole job against a simulated Apple.")
    print("(VERBOSE=1 shows what Ansible prints.)\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="refunds-demo-") as name:
        folder = pathlib.Path(name)
        cookie = demo.make_cookie()
        (folder / "keys").mkdir(mode=0o700)
        _write_private(folder / "world.json", demo.world(cookie))
        with Simulator(folder / "world.json") as simulator:
            try:
                _story(folder, cookie, simulator)
            except DemoFailed as failure:
                print(f"\nThe demo failed: {failure}", file=sys.stderr)
                return 1
    return 0


def _story(folder: pathlib.Path, cookie: str, simulator: Simulator) -> None:
    declared = demo.variables(str(folder), simulator.urls)
    workstation = demo.with_session(declared, cookie)

    _step("Make two keys, ask Apple about three apps, and track their refunds")
    code, results = _play(folder, workstation)
    apps = _apps(results)
    _expect(code == 0 and _active(apps) == set(demo.APPS), "all three apps are Active")
    key_ids = {key["key"]: key["key_id"] for result in results for key in result["iap_keys"] or ()}
    _expect(set(key_ids) == set(demo.KEY_NAMES), f"the keys were made: {key_ids}")
    _done("2 keys made, Apple accepts 3 of 3 apps, all are tracked")

    _step("Run the same again")
    code, results = _play(folder, workstation)
    _expect(code == 0 and not any(result["changed"] for result in results), "the second run changed nothing")
    _done("nothing to change")

    _step("Read the refunds of two months")
    simulator.save_root(folder / "root.pem")
    declared = demo.with_key_ids(declared, key_ids)
    code, results = _play(folder, {**declared, "refund_history_sums_by": ["bundle_id"]}, playbook=REFUNDS)
    _expect(code == 0 and results[-1]["sums"] is not None, "every app's refunds were read")
    found = {(row["bundle_id"], row["currency"]): (row["count"], row["amount"]) for row in results[-1]["sums"]}
    _expect(found == simulator.truth(), "count and amount of each app and currency are right to the last thousandth")
    coverage = {item["bundle_id"]: item["state"] for item in results[-1]["coverage"]}
    _expect(coverage["com.example.three"] == "unknown", "an app without a notification URL is unknown, not 0")
    total = sum(count for count, _amount in found.values())
    _done(f"{total} refunds, each with a sound signature, and every amount is right")

    _step("Break two things on purpose (revoke a key, misspell an app), and look without changing anything")
    simulator.revoke(key_ids["K2"])
    drifted = demo.with_wrong_capitals(declared, "com.example.one")
    code, checked = _play(folder, drifted, "--check")
    apps = _apps(checked)
    bad = {app["bundle_id"] for app in apps if app["outcome"] == "failed"}
    _expect(code != 0 and bad == {demo.WRONG, "com.example.three"}, "exactly apps one and three are found")
    _expect(_active(apps) == {"com.example.two"}, "app two is sound")
    causes = {app["credential_check"]["cause"] for app in apps if app["outcome"] == "failed"}
    _expect(causes == {"unauthenticated"}, "both are refused by Apple, each with what to do")
    _done("both found, and nothing else")

    _step("Write the report of an audit")
    shutil.rmtree(REPORT, ignore_errors=True)
    variables = {**drifted, "refund_audit_path": str(REPORT), "refund_audit_title": "Demo studio"}
    code, results = _play(folder, variables, playbook=AUDIT)
    report = json.loads((REPORT / "refund-audit.json").read_text())
    named = {app["bundle_id"] for app in report["apps"] if app["result"] == "refused"}
    _expect(code != 0 and named == bad, "the audit fails, and its report names the same two apps")
    refunds = [part["total"]["count"] for part in report["refunds"]["parts"]]
    _expect(sum(refunds) > 0, "it shows the refunds of the last month, too")
    _done("2 of 3 apps need attention")

    _table(_apps(checked))
    print(f"\nThe report: {REPORT.relative_to(ROOT)}/refund-audit.html (open it in a browser)")


def _play(
    folder: pathlib.Path, variables: demo.Document, *arguments: str, playbook: str = "storeops.refunds.site"
) -> tuple[int, list[Result]]:
    values, results = folder / "variables.json", folder / "results.jsonl"
    _write_private(values, variables)
    results.write_text("")
    environment = {
        **OURS,
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("ANSIBLE_COLLECTIONS_PATH", str(ROOT / ".cache" / "root")),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "refund_tracking_results",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_PIPELINING": "true",
        "DEMO_RESULTS": str(results),
    }
    shown = " ".join(["ansible-playbook", playbook, "-e", "@variables.json", *arguments])
    command = [str(ANSIBLE_PLAYBOOK), playbook, "-e", f"@{values}", *arguments]
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    PRINTED.append(f"$ {shown}\n{ran.stdout.decode(errors='replace')}")
    if VERBOSE:
        print(f"\n{PRINTED[-1]}", flush=True)
    return ran.returncode, [json.loads(line) for line in results.read_text().splitlines()]


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


def _step(text: str) -> None:
    STARTED.append(time.monotonic())
    print(f"{len(STARTED)}. {text} ...", end="\n" if VERBOSE else " ", flush=True)


def _done(text: str) -> None:
    print(f"{text} ({time.monotonic() - STARTED[-1]:.0f} s)", flush=True)


def _expect(is_so: bool, what: str) -> None:
    """Raise DemoFailed with what Ansible printed last; the reason to look at it has come only now."""
    if not is_so:
        raise DemoFailed(f"expected that {what}" + ("" if VERBOSE or not PRINTED else f"\n{PRINTED[-1]}"))


def _table(apps: t.Sequence[Result]) -> None:
    print(f"\n{'app':<20} {'key':<5} {'Apple':<9} what to do")
    for app in apps:
        check = app["credential_check"]
        hint = "" if check["accepted"] else check["hint"].split(" Apple refused")[0]
        said = "accepts" if check["accepted"] else "refuses"
        lines = textwrap.wrap(hint, 76) or ["nothing"]
        print(f"{app['bundle_id']:<20} {app['key']:<5} {said:<9} {lines[0]}")
        for line in lines[1:]:
            print(f"{'':<36} {line}")


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
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            return bytes(answer.read())

    def __enter__(self) -> Simulator:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=120)


if __name__ == "__main__":
    sys.exit(main())
