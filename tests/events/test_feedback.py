# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""With persistence and feedback, an event leaves the outbox once the rule engine has stored it."""

from __future__ import annotations

import yaml
from rulebooks import Scene, until


def test_the_engines_word_moves_the_consumer_on(scene: Scene) -> None:
    source = {
        "mode": "listen",
        "port": scene.port,
        "path": "/apple",
        "root_certificate_path": str(scene.folder / "root.pem"),
        "feedback": True,
    }
    rule = {"name": "Say it", "condition": "event.kind == 'refund'", "action": {"print_event": None}}
    ruleset = {
        "name": "Refunds",
        "hosts": "all",
        "sources": [{"name": "refunds", "storeops.refunds.refund_events": source}],
        "rules": [rule],
    }
    rulebook = scene.folder / "rulebook.yml"
    rulebook.write_text(yaml.safe_dump([ruleset], sort_keys=False))
    variables: dict[str, object] = {"drools_db_file_path": str(scene.folder / "engine")}
    running = scene.start(str(rulebook), variables, "--persistence-id", "refunds")
    try:
        running.wait_for("refund_events listens on")
        scene.tell("REFUND", 1)
        scene.tell("REFUND_DECLINED", 2)
        running.wait_for("'kind': 'refund'")
        # One that no rule wants is let go of as well.
        until(lambda: running.says("") and scene.done() == 2, "both events are let go of")
    finally:
        running.end()
