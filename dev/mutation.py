# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break the code that decides in small ways, one at a time, and see whether a test notices: "make mutation".

Not part of "make test": it takes hours. Stopped anywhere, it goes on where it was; after a change only the functions
that changed and what survived are tried again. AREA=model runs one area, REPORT=1 only tells what is known so far.
What survives has its reason in tests/mutation_survivors.yml, or needs a test.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import paths
import stage
import yaml

UTILS = "plugins/module_utils"
SURVIVORS = paths.ROOT / "tests" / "mutation_survivors.yml"
WANTED = 0.9
# What tests read beside the code that is mutated.
NEEDED = ("docs", "examples", "extensions", "galaxy.yml", "meta", "playbooks", "plugins", "roles", "tests")
CLASS_MARK = "\u01c1"  # what mutmut puts around the name of a class
MUTANT = re.compile(r".*module_utils\.(?P<module>.+)\.x[_\u01c1](?P<function>.+)__mutmut_\d+")


@dataclass(frozen=True)
class Area:
    """Globs below plugins/module_utils, and the tests (files or folders below tests/unit) that hold them.

    Of these, what starts a process is left out: what decides is held without, and by few tests, which makes it fast.
    """

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    # Tests among these (as pytest names them) that take seconds and hold nothing that the others don't.
    without: tuple[str, ...] = ()


AREAS = {
    "model": Area(
        ("_model/*.py",),
        (
            "model",
            "decisions/test_decisions.py",
            "app_store_connect/test_asc_session_text.py",
            "app_store_connect/test_asc_wire.py",
            "ledger/test_refund_edges.py",
            "ledger/test_refund_rules.py",
            "test_plan.py",
        ),
        (
            "model/test_no_key_in_any_option.py",
            "app_store_connect/test_asc_session_text.py::test_refused[a million numbers]",
            "app_store_connect/test_asc_session_text.py::test_refused[deep flow]",
            "app_store_connect/test_asc_session_text.py::test_refused[deep closed flow]",
            "ledger/test_refund_rules.py::test_every_order_of_arrival_gives_the_same_ledger",
        ),
    ),
    "decisions": Area(
        ("_plan.py", "_decisions/*.py", "_report/classify.py", "_tasks/keys/remote_key_plan.py"),
        (
            "decisions",
            "test_plan.py",
            "report/test_report_classes.py",
            "report/test_report_problems.py",
            "tasks/test_remote_key_plan.py",
        ),
    ),
    "credentials": Area(
        ("_apple/credential_check.py", "_apple/token.py", "_apple/app_store_server.py", "_apple/app_store_connect*.py"),
        (
            "apple/test_connect_api_hostile.py",
            "apple/test_connect_api_wire.py",
            "apple/test_second_look.py",
            "apple/test_server_pages.py",
            "apple/test_verdict_answers.py",
            "app_store_connect/test_asc_next_page.py",
            "app_store_connect/test_asc_wire.py",
        ),
    ),
    "verification": Area(
        (
            "_apple/signed_data.py",
            "_apple/signature_faults.py",
            "_apple/refund_fields.py",
            "_apple/consumption_fields.py",
            "_apple/*_history.py",
        ),
        (
            "apple/test_histories.py",
            "apple/test_notification_fields.py",
            "apple/test_signature_faults.py",
            "apple/test_signed_data_types.py",
            "model/test_refund_amounts.py",
        ),
    ),
    "chains": Area(
        ("_apple/quick_verifier.py",),
        ("apple/test_quick_chains.py", "apple/test_quick_verifier.py"),
        # They sign a hundred times.
        ("apple/test_quick_verifier.py::test_claims", "apple/test_quick_verifier.py::test_dates"),
    ),
    "ledger": Area(
        # Without silence, which watches connections to a server, and the tables (schema), which are no code.
        ("_ledger/[!s]*.py",),
        (
            "ledger",
            "events/test_notification_url.py",
            "events/test_outbox.py",
            "events/test_outbox_edges.py",
            "events/test_url_taken.py",
        ),
        (
            "ledger/test_ledger_engines.py::test_a_task_imports_only_what_it_uses",
            "ledger/test_ledger_place.py::test_any_text_is_a_place_or_an_input_error",
            "ledger/test_ledger_sqlite.py::test_another_program_holds_the_lock",
            "ledger/test_ledger_sqlite.py::test_two_processes_at_once_lose_nothing_and_migrate_once",
            "ledger/test_ledger_upgrades.py::test_a_migration_that_is_killed_leaves_the_old_schema",
            "ledger/test_refund_export.py",
            "ledger/test_refund_info.py",
            "ledger/test_refund_rules.py::test_every_order_of_arrival_gives_the_same_ledger",
        ),
    ),
    "trackers": Area(
        (
            "_trackers/revenuecat*.py",
            "_trackers/qonversion*.py",
            "_trackers/devtodev_settings.py",
            "_trackers/devtodev_handoff.py",
            "_trackers/json_api.py",
        ),
        (
            "trackers/test_json_api.py",
            "trackers/test_revenuecat_noted.py",
            "trackers/test_devtodev_by_hand.py",
            "trackers/test_qonversion_answers.py",
            "trackers/test_revenuecat_answers.py",
            "trackers/test_revenuecat_entries.py",
            "trackers/test_tracker_settings.py",
        ),
    ),
    "tasks": Area(
        (
            "_tasks/keys/absent_key.py",
            "_tasks/keys/remote_revocation.py",
            "_tasks/refunds/refund_removal.py",
            "_tasks/rotation/acceptance.py",
            "_tasks/rotation/at_hand.py",
            "_tasks/rotation/planning.py",
            "_tasks/rotation/reading.py",
            "_tasks/rotation/rotation.py",
            "_tasks/refunds/refund_windows.py",
            "_tasks/refunds/refund_recording.py",
            "_tasks/tracking/key_removal.py",
            "_tasks/tracking/purge.py",
            "_tasks/tracking/surplus.py",
        ),
        (
            "ledger/test_refund_edges.py",
            "ledger/test_recorder.py",
            "tasks/test_absent_keys.py",
            "tasks/test_absent_parts.py",
            "tasks/test_key_removal_parts.py",
            "tasks/test_keys_without_names.py",
            "tasks/test_purge_parts.py",
            "tasks/test_retention_parts.py",
            "tasks/test_revocation_parts.py",
            "tasks/test_rotation_end.py",
            "tasks/test_rotation_plan.py",
            "tasks/test_rotation_reading.py",
            "tasks/test_window_parts.py",
        ),
    ),
}
# Exit codes as mutmut notes them: all tests passed or there was none, and stopped before the end. What else there is,
# killed it.
SURVIVED, UNTRIED = (0, 5, 33), (None, 2)


def sources_of(area: Area) -> list[Path]:
    """Return the files to break."""
    return sorted(file for glob in area.sources for file in (paths.ROOT / UTILS).glob(glob) if file.stem != "__init__")


def tests_of(area: Area) -> list[Path]:
    """Return the tests that are there."""
    return [paths.ROOT / "tests/unit" / test for test in area.tests if (paths.ROOT / "tests/unit" / test).exists()]


def _settings(area: Area) -> str:
    def here(file: Path) -> str:
        return str(paths.COLLECTION / file.relative_to(paths.ROOT))

    without = [f"--deselect={here(paths.ROOT / 'tests/unit')}/{test}" for test in area.without]
    settings = {
        "source_paths": [str(paths.COLLECTION / UTILS)],
        "only_mutate": [here(file) for file in sources_of(area)],
        "also_copy": [str(paths.COLLECTION / name) for name in NEEDED],
        "pytest_add_cli_args": ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "not services", *without],
        "pytest_add_cli_args_test_selection": [here(test) for test in tests_of(area)],
        "timeout_constant": 20.0,
    }
    lines = "\n".join(f"{name} = {json.dumps(value)}" for name, value in settings.items())
    return f"[tool.mutmut]\n{lines}\n"


def place_of(name: str) -> Path:
    """Return the folder in which mutmut works on an area; what it knows is kept there."""
    return paths.CACHE / "stage" / f"mutation-{name}"


def forget_survivors(place: Path) -> None:
    """Let what survived be tried again, since a test may have come for it: mutmut looks at changed code alone."""
    for meta in (place / "mutants").rglob("*.meta"):
        noted = json.loads(meta.read_text())
        codes = noted["exit_code_by_key"]
        noted["exit_code_by_key"] = {mutant: None if code in SURVIVED else code for mutant, code in codes.items()}
        meta.write_text(json.dumps(noted))
    # Which tests come by which function.
    (place / "mutants/mutmut-stats.json").unlink(missing_ok=True)


def run(name: str) -> int:
    """Try what is not known yet; return mutmut's exit code."""
    stage.copy_tree(f"mutation-{name}")
    place = place_of(name)
    (place / "pyproject.toml").write_text(_settings(AREAS[name]))
    forget_survivors(place)
    log = paths.CACHE / "logs" / f"mutation-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{name}: running, see {log.relative_to(paths.ROOT)}", flush=True)
    with log.open("w") as output:
        command = [str(paths.VENV / "bin/mutmut"), "run", "--max-children", "2"]
        env = paths.environment("mutation")
        return subprocess.run(command, cwd=place, env=env, stdout=output, stderr=output, check=False).returncode


@dataclass
class Known:
    """What is known of an area: counts, and how many mutants survived in which function."""

    killed: int = 0
    untried: int = 0
    survivors: Counter[str] | None = None

    @property
    def alive(self) -> int:
        return sum((self.survivors or Counter()).values())

    @property
    def share(self) -> float:
        return self.killed / ((self.killed + self.alive) or 1)


def known(name: str) -> Known:
    """Read what mutmut noted."""
    found, survivors = Known(), Counter[str]()
    # What the area had once may lie there still.
    names = {f"{file.name}.meta" for file in sources_of(AREAS[name])}
    for meta in (one for one in (place_of(name) / "mutants").rglob("*.meta") if one.name in names):
        for mutant, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            if code in UNTRIED:
                found.untried += 1
            elif code in SURVIVED:
                match = MUTANT.fullmatch(mutant)
                assert match is not None, mutant
                survivors[f"{match['module']}.{match['function'].lstrip('_')}".replace(CLASS_MARK, ".")] += 1
            else:
                found.killed += 1
    found.survivors = survivors
    return found


def unexplained(survivors: Counter[str], reasons: dict[str, dict[str, object]]) -> list[str]:
    """Return the functions with more survivors than have a reason."""
    return [
        f"{function}: {count} survived, {reasons.get(function, {}).get('count', 0)} with a reason"
        for function, count in sorted(survivors.items())
        if count > int(str(reasons.get(function, {}).get("count", 0)))
    ]


def main() -> int:
    chosen = [name for name in sys.argv[1:] if name != "--report"] or list(AREAS)
    if set(chosen) - set(AREAS):
        sys.exit(f"There are the areas {', '.join(AREAS)}.")
    reasons = yaml.safe_load(SURVIVORS.read_text()) or {}
    is_good = True
    for name in chosen:
        if "--report" not in sys.argv:
            run(name)
        found = known(name)
        open_ones = unexplained(found.survivors or Counter(), reasons)
        print(f"{name}: {found.killed} killed, {found.alive} survived, {found.untried} not tried: {found.share:.1%}")
        print("".join(f"  {line}\n" for line in open_ones), end="", flush=True)
        is_good = is_good and found.share >= WANTED and not found.untried and not open_ones
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
