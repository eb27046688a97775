# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks that ask for one app at a time, as a user writes them: what is the same for every app stands there
once, and only what differs is a template. The apps are those of one team.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from publisher import Publisher

Task = dict[str, t.Any]


def ours(publisher: Publisher, count: int, app_store_server: str) -> Path:
    """Write the loop of refund_tracking_integration; return the file."""
    same = {
        **publisher.key_of_first(count),
        "app_store_server_url": app_store_server.replace("/production", "/{environment}"),
        "ledger": {"url": publisher.ledger_url(count)},
    }
    task = {
        "name": "Audit each app",
        "storeops.refunds.refund_tracking_integration": {"bundle_id": "{{ item }}"},
        "loop": [app["bundle_id"] for app in publisher.apps[:count]],
    }
    return _written(publisher, task, {"storeops.refunds.refund_tracking_integration": same})


def with_uri(publisher: Publisher, count: int, app_store_server: str) -> Path:
    """Write what people do today at best: the tokens are signed beforehand, nothing is compared or judged."""
    task = {
        "name": "Ask for a transaction that does not exist",
        "ansible.builtin.uri": {"headers": {"Authorization": "Bearer {{ item.token }}"}},
        "loop": publisher.tokens(count),
        "loop_control": {"label": "{{ item.bundle_id }}"},
    }
    same = {"url": publisher.transaction_url(app_store_server), "status_code": 404}
    return _written(publisher, task, {"ansible.builtin.uri": same})


def of_ping(publisher: Publisher, count: int, _app_store_server: str) -> Path:
    """Write what Ansible needs for a module that does nothing."""
    apps = [app["bundle_id"] for app in publisher.apps[:count]]
    return _written(publisher, {"name": "Ping once for each app", "ansible.builtin.ping": {}, "loop": apps}, {})


def _written(publisher: Publisher, task: Task, defaults: Task) -> Path:
    play = {"name": "A loop", "hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": [task]}
    path = publisher.folder / "loop.yml"
    path.touch(mode=0o600)
    # JSON is YAML.
    path.write_text(json.dumps([play], indent=1))
    return path
