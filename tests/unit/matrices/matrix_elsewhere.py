# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two matrices whose cells are tests of their own: troubles of the ledger's database, and hostile input."""

from __future__ import annotations

import ast
from pathlib import Path

from unit_support import ROOT

UNIT, LEDGER = "tests/unit", "tests/unit/ledger"
# Trouble: the test on SQLite, the test on PostgreSQL; empty where there is no such thing.
DATABASES: dict[str, tuple[str, str]] = {
    "locked by another program": (
        f"{LEDGER}/test_ledger_sqlite.py::test_another_program_holds_the_lock",
        f"{LEDGER}/test_ledger_postgresql.py::test_a_locked_table",
    ),
    "full": (
        f"{LEDGER}/test_ledger_sqlite.py::test_a_full_disk_is_said_and_leaves_the_old_state",
        f"{LEDGER}/test_ledger_trouble.py::test_a_full_disk_is_said_once",
    ),
    "may only be read": (
        f"{LEDGER}/test_ledger_sqlite.py::test_files_that_cannot_be_written",
        f"{LEDGER}/test_ledger_postgresql.py::test_a_role_that_may_only_read",
    ),
    "a replica": ("", f"{LEDGER}/test_ledger_real_troubles.py::test_a_replica_is_read_and_never_written_to"),
    "silent": (
        "",
        f"{LEDGER}/test_ledger_trouble.py::test_a_server_that_goes_silent_is_waited_for_until_the_deadline",
    ),
    "a deadlock": ("", f"{LEDGER}/test_ledger_real_troubles.py::test_a_deadlock_is_survived"),
    "a pooler": ("", f"{LEDGER}/test_ledger_pooler.py::test_two_controllers_behind_one_pooler"),
    "the connection is lost": ("", f"{LEDGER}/test_ledger_trouble.py::test_a_connection_that_is_lost_in_the_middle"),
    "a newer schema": (
        f"{LEDGER}/test_ledger_upgrades.py::test_a_newer_ledger_is_refused_and_left_alone",
        f"{LEDGER}/test_ledger_upgrades.py::test_a_newer_ledger_is_refused_and_left_alone",
    ),
    "each older schema": (
        f"{LEDGER}/test_ledger_upgrades.py::test_an_old_ledger_is_read_and_migrated",
        f"{LEDGER}/test_ledger_upgrades.py::test_an_old_ledger_is_read_and_migrated",
    ),
    "killed in the middle of a migration": (
        f"{LEDGER}/test_ledger_upgrades.py::test_a_migration_that_is_killed_leaves_the_old_schema",
        f"{LEDGER}/test_ledger_upgrades.py::test_a_migration_that_is_killed_leaves_the_old_schema",
    ),
    "killed while it writes": (
        f"{LEDGER}/test_ledger_sqlite.py::test_a_writer_killed_in_a_transaction_leaves_the_old_state",
        f"{LEDGER}/test_ledger_real_troubles.py::test_a_writer_killed_while_it_writes_leaves_the_old_state",
    ),
    "two processes at once": (
        f"{LEDGER}/test_ledger_sqlite.py::test_two_processes_at_once_lose_nothing_and_migrate_once",
        f"{LEDGER}/test_ledger_postgresql.py::test_two_processes_at_once_lose_nothing_and_migrate_once",
    ),
}
# What comes from outside: what is tried, and the test.
HOSTILE: dict[str, tuple[str, str]] = {
    ".p8 files and texts": (
        "any text and any bytes, one damaged byte, a piece cut out",
        f"{UNIT}/model/test_private_key_properties.py::test_any_bytes_as_a_file",
    ),
    "sessions": (
        "any text, YAML aliases that multiply",
        f"{UNIT}/app_store_connect/test_asc_session_text.py::test_any_text_is_a_session_or_an_input_error",
    ),
    "signed payloads": (
        "each fault of a chain, changed claims and headers, other apps, against Apple's library",
        f"{UNIT}/apple/test_quick_verifier.py::test_claims",
    ),
    "notifications at the receiver": (
        "forgeries, other apps, bodies that are none",
        f"{UNIT}/events/test_receiver.py::test_what_is_no_notification_is_refused",
    ),
    "HTTP at the receiver": (
        "two framings, lengths that lie, heads and bodies without end",
        f"{UNIT}/events/test_http_server.py::test_what_is_refused",
    ),
    "App Store Connect's lists": (
        "pages in a circle, without end, on other hosts",
        f"{UNIT}/apple/test_connect_api_hostile.py::test_pages_that_go_in_a_circle_end",
    ),
    "answers of any service": (
        "drip, bombs, endless bodies, redirects",
        f"{UNIT}/transport/test_transport_faults.py::test_a_bomb_is_cut",
    ),
    "the report's input": (
        "markup, control characters and half surrogates in every text",
        f"{UNIT}/report/test_report_files.py::test_hostile_texts_break_no_format",
    ),
    "the simulator's worlds": (
        "any document",
        "tests/simulator/test_sim_world.py::test_no_document_does_worse_than_a_refusal",
    ),
}
# What is killed by tests of its own, beside the scenes of the table.
KILLED_ELSEWHERE = {
    "role iap_key_rotation, every point": (
        f"{UNIT}/app_store_connect/test_asc_rotation_killed.py::test_every_point_of_a_rotation"
    ),
    "role iap_key_custody, once the key is on disk": (
        f"{UNIT}/app_store_connect/test_asc_custody_killed.py::test_a_kill_after_the_download_loses_nothing"
    ),
    "appstore_iap_key, every point in every run": (
        f"{UNIT}/app_store_connect/test_asc_killed.py::test_every_point_of_making_a_key"
    ),
    "a key file, every system call": f"{UNIT}/files/test_files_crash.py::test_killed_at_any_step",
    "refund_tracking_integrations, between batches": (
        f"{UNIT}/tasks/test_integrations_broken_off.py::test_a_kill_between_two_batches"
    ),
    "refund_ledger_copy, in the middle": f"{LEDGER}/test_ledger_copy.py::test_a_copy_that_was_broken_off_is_completed",
    "the receiver, while 50 connections post": "tests/events/test_receiver_storm.py::test_a_storm_with_two_kills",
    "ansible-rulebook": ("tests/events/test_rulebooks.py::test_a_message_from_apples_notification_and_after_a_kill"),
}


def tests_named() -> list[str]:
    """Return every test that a table names."""
    pairs = [test for pair in DATABASES.values() for test in pair if test]
    return [*pairs, *(test for _what, test in HOSTILE.values()), *KILLED_ELSEWHERE.values()]


def is_there(test: str) -> bool:
    """Tell whether a test that is named exists."""
    name, _colon, function = test.partition("::")
    path = Path(ROOT / name)
    if not path.exists():
        return False
    tree = ast.parse(path.read_text())
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.walk(tree))
