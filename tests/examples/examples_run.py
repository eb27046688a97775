# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the EXAMPLES of every module against the simulator and prints, as JSON, what came back.

``{"documents": {module: its ansible-doc}, "captured": [{module, task, failed, extra, result}], "code", "output"}``
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import typing as t
from pathlib import Path

import yaml
from playground import APPS, FIRST_APPLE_ID, FORGED, ISSUER_ID, ROOT, STUDIO_A, STUDIO_B, Playground

Json = dict[str, t.Any]
# Integrations first: refunds belong to one, and what lists integrations or refunds has something to show then.
LAST = (
    "app_store_notification_url",
    "refund_ledger",
    "refund_info",
    "refund_export",
    "refund_ledger_copy",
    "refund_tracking_integration_info",
)
SHOWN_FOLDER = "/srv/keys"
# Marks what is no example, and is there for the return values that no example shows.
EXTRA = "extra: "
WAY = "storeops_refunds_in_process"


def modules() -> list[str]:
    names = sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py") if not file.stem.startswith("_"))
    return [*(name for name in names if name not in LAST), *LAST]


def _before_the_last() -> list[Json]:
    """An app whose key lies at a path, so that its refunds can be read and the list has a live check to show."""
    return [_integration(APPS[0], FIRST_APPLE_ID)]


def _integration(bundle_id: str, apple_id: int) -> Json:
    options = {
        "bundle_id": bundle_id,
        "app_apple_id": apple_id,
        "issuer_id": ISSUER_ID,
        "private_key_path": "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8",
    }
    return _task("app", "refund_tracking_integration", options)


def _extra_tasks() -> list[Json]:
    """What no example shows: a replaced key, a key that can't be used, an app that is refused."""
    another = {
        "private_key_path": "{{ keys_folder }}/studio_a.p8",
        "private_key_content": "{{ vault_studio_b_private_key }}",
        "key_id": STUDIO_B,
        "issuer_id": ISSUER_ID,
    }
    before = {**another, "private_key_content": "{{ vault_studio_a_private_key }}", "key_id": STUDIO_A}
    nowhere = {"private_key_path": "{{ keys_folder }}/none.p8"}
    refused = {
        "bundle_id": "com.example.ONE",
        "issuer_id": ISSUER_ID,
        "private_key_path": "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8",
    }
    bare = {"bundle_id": "com.example.four", "tracker": "ledger", "failed": True, "msg": "no key"}
    nobody = {
        "bundle_id": "com.example.ONE",
        "production_url": "https://refunds.example.com/apple",
        "api_issuer_id": ISSUER_ID,
        "api_private_key_path": "{{ keys_folder }}/AuthKey_9XK2M4N6P8.p8",
    }
    finding = {"path": "{{ keys_folder }}/reports", "results": [bare]}
    return [
        _task("key", "appstore_iap_key", before),
        _task("another key", "appstore_iap_key", another),
        _task("no key", "appstore_iap_key", nowhere),
        _task("no file", "appstore_iap_key_info", nowhere),
        _task("refused", "refund_tracking_integration", refused),
        _task("an app that is not there", "app_store_notification_url", nobody),
        _task("audit with a finding", "refund_audit_report", finding),
        *_extra_refunds(),
    ]


def _extra_refunds() -> list[Json]:
    """A refund that can't be verified, a page and its sums by everything, and an answer that Apple did not sign."""
    every = ["bundle_id", "environment", "product_id", "day", "month", "reason"]
    asked = {"bundle_id": APPS[0], "transaction_id": "2000000000000001"}
    return [
        _integration(FORGED, FIRST_APPLE_ID + len(APPS)),
        _task("a forgery", "refund_ledger", {"bundle_id": FORGED}),
        _task("all", "refund_info", {}),
        _task("a page", "refund_info", {"limit": 1, "group_by": every}),
        # Instead of the simulator's.
        _task("not signed by Apple", "refund_info", {**asked, "root_certificate_path": "~/apple.pem"}),
    ]


def _task(name: str, module: str, options: Json) -> Json:
    return {"name": EXTRA + name, f"storeops.refunds.{module}": options, "ignore_errors": True}


# What ansible-doc says, to every playground the same.
_DOCUMENTS: dict[str, Json] = {}


def _documents(playground: Playground) -> dict[str, Json]:
    if not _DOCUMENTS:
        listed = playground.run("-j", *(f"storeops.refunds.{name}" for name in modules()), program="ansible-doc")
        found = {name.rpartition(".")[2]: document for name, document in json.loads(listed.stdout).items()}
        _DOCUMENTS.update({name: found[name] for name in modules()})
    return _DOCUMENTS


def _set_way(tasks: list[Json], seen: set[str]) -> None:
    """Let all but the first task of each module run in-process: to start a module takes longer than all else."""
    for task in tasks:
        _set_way(task.get("block", []), seen)
        for module in [name for name in task if name.startswith("storeops.refunds.")]:
            if module in seen:
                task["vars"] = {**task.get("vars", {}), WAY: True}
            seen.add(module)


def _playbook(playground: Playground, documents: t.Mapping[str, Json], in_process: bool) -> list[Json]:
    defaults = playground.module_defaults({name: document["doc"]["options"] for name, document in documents.items()})
    plays = [(name, yaml.safe_load(document["examples"])) for name, document in documents.items()]
    plays[-len(LAST) : -len(LAST)] = [("before the last", _before_the_last())]
    plays.append(("extra", _extra_tasks()))
    seen: set[str] = set()
    for _name, tasks in plays:
        _set_way(tasks, seen)
    own = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "vars": {WAY: in_process}}
    return [{"name": name, **own, "tasks": tasks} for name, tasks in plays]


def _declared(playground: Playground) -> list[Json]:
    path = str(playground.keys_folder / f"SubscriptionKey_{STUDIO_A}.p8")
    return [{"key": "studio_a", "issuer_id": ISSUER_ID, "key_id": STUDIO_A, "private_key_path": path}]


def run(folder: Path, in_process: bool = True) -> Json:
    with Playground(folder) as playground:
        documents = _documents(playground)
        variables = {
            "keys_folder": str(playground.keys_folder),
            "vault_studio_a_private_key": playground.keys[STUDIO_A].private_pem,
            "vault_studio_b_private_key": playground.keys[STUDIO_B].private_pem,
            "session_path": str(playground.session_file),
            "refund_tracking_keys": _declared(playground),
            "vault_ledger_url": f"sqlite:///{folder}/other.db",
        }
        playbook = playground.write(
            folder / "examples.yml", yaml.safe_dump(_playbook(playground, documents, in_process))
        )
        values = playground.write(folder / "variables.json", json.dumps(variables))
        captured = folder / "captured.jsonl"
        captured.write_text("")
        ran = playground.run(
            str(playbook),
            "-e",
            f"@{values}",
            CAPTURED_RESULTS=str(captured),
            ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "tests/examples/callback_plugins"),
            ANSIBLE_CALLBACKS_ENABLED="captured_results",
            ANSIBLE_PIPELINING="true",
            ANSIBLE_INJECT_INVOCATION="true",
        )
        shown = captured.read_text().replace(str(playground.keys_folder), SHOWN_FOLDER)
        # Every simulator has a root certificate of its own; a user's refunds are verified against Apple's.
        shown = re.sub(r"other:[0-9a-f]{16}", "apple", shown)
    results = [json.loads(line) for line in shown.splitlines()]
    for result in results:
        result["extra"] = result["task"].startswith(EXTRA)
    return {"documents": documents, "captured": results, "code": ran.code, "output": ran.stdout + ran.stderr}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="refunds-examples-") as name:
        json.dump(run(Path(name)), sys.stdout)
