# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the README shows is what there is: keys of the simulator, the printed results, and both CI jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pages
import pytest
import yaml
from newcomer import SETTINGS, Newcomer, knows_repository, own_pip, repository
from story import DECLARED, Sim, settled

BLOCKS = pages.blocks("README.md")
TASK = next(block.text for block in BLOCKS if block.text.startswith("- name: Track the refunds"))
RESULT, REFUSED = [block.text for block in BLOCKS if block.language == "text"]
OTHER_ISSUER = "69a6de70-0000-47e3-e053-5b8c7c11a4d1"


def test_a_simulator_that_was_started_again(newcomer: Newcomer, sim: Sim) -> None:
    keys = sorted((newcomer.home / "keys").iterdir())
    before = [(path.stat().st_mode & 0o777, path.read_text()) for path in keys]
    assert [mode for mode, _text in before] == [0o600, 0o600] and newcomer.plays("site").returncode == 0
    sim.stop()
    sim.start()
    refused = newcomer.plays("site")
    said = (
        f"127.0.0.1:{sim.port} answered, not Apple (app_store_server_url): a simulator that was started again has to be"
    )
    assert refused.returncode != 0 and said in refused.stderr + refused.stdout
    shown = newcomer.knows_simulator()
    assert shown.stdout.count("stays as it is. The simulator knows it now.") == 2
    assert before == [(path.stat().st_mode & 0o777, path.read_text()) for path in keys]
    assert "3 apps: 3 unchanged." in newcomer.plays("site").stdout


def test_the_example_has_refunds(newcomer: Newcomer) -> None:
    truth = sum(row["count"] for row in newcomer.ask("truth/refunds")["sums"])
    assert truth > 3 and newcomer.plays("site").returncode == 0
    assert f"Refunds: 3 of 3 apps read, {truth} new" in newcomer.plays("refunds").stdout
    newcomer.plays("export_refunds", "-e refund_export_folder=$PWD/exported")
    assert len((newcomer.cwd / "exported/refunds.csv").read_text().splitlines()) == truth + 1
    newcomer.plays("audit", "-e refund_audit_path=$PWD/report", "-e refund_audit_refund_days=90")
    report = json.loads((newcomer.cwd / "report/refund-audit.json").read_text())
    assert [part["total"]["count"] for part in report["refunds"]["parts"]] == [truth]


def test_a_simulator_that_is_still_being_set_up_is_waited_for(newcomer: Newcomer, sim: Sim) -> None:
    sim.stop()
    command = [sys.executable, "examples/simulator/keys.py", sim.control]
    waiting = subprocess.Popen(command, cwd=newcomer.cwd, env=newcomer.env, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout and waiting.stdout.readline().startswith(f"Waiting for the simulator at {sim.control}.")
    sim.start()
    said, _none = waiting.communicate(timeout=300)
    assert waiting.returncode == 0 and "The simulator knows it now." in said


def test_the_task_returns_what_the_readme_prints(newcomer: Newcomer) -> None:
    defaults = yaml.safe_load((newcomer.cwd / SETTINGS).read_text())["refund_tracking_defaults"]
    task = yaml.safe_load(TASK)[0]
    module = next(name for name in task if name.startswith("storeops."))
    task[module] |= {"app_store_server_url": defaults["app_store_server_url"], "ledger": defaults["ledger"]}
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]
    newcomer.write("play.yml", json.dumps(play))
    newcomer.env["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "yaml"
    done = newcomer.types("ansible-playbook play.yml -v")
    assert done.returncode == 0, done.stdout + done.stderr
    head, printed = RESULT.split("\n", 1)
    result = yaml.safe_load(done.stdout.split(f"{head} \n", 1)[1].split("\n\n")[0])
    shown = yaml.safe_load(printed)
    fingerprint = shown["integration"].pop("key_fingerprint").removesuffix("…")
    assert len(fingerprint) == 8 and result["integration"].pop("key_fingerprint")
    for name, fields in shown.items():
        assert fields.items() <= result[name].items()
    newcomer.write("play.yml", json.dumps(play).replace("57246542-96fe-1a63-e053-0824d011072a", OTHER_ISSUER))
    failed = newcomer.types("ansible-playbook play.yml")
    said = " ".join(failed.stderr.split()) + " ".join(failed.stdout.split())
    assert failed.returncode != 0 and " ".join(REFUSED.split()) in said, said


def job_steps() -> list[str]:
    workflow = yaml.safe_load(next(block.text for block in BLOCKS if block.text.startswith("# .github/workflows")))
    return [step["run"] for step in workflow["jobs"]["refunds"]["steps"] if "run" in step]


def gitlab_script() -> list[str]:
    job = yaml.safe_load(next(block.text for block in BLOCKS if block.text.startswith("# .gitlab-ci")))["refunds"]
    return ["\n".join(job["script"])]


@pytest.mark.parametrize("steps", [job_steps(), gitlab_script()], ids=["github", "gitlab"])
def test_a_job_of_ci_from_an_empty_home(steps: list[str], newcomer: Newcomer, tmp_path: Path) -> None:
    """A fresh machine of the CI, with its own Python, and with the keys as secrets of the project."""
    job = Newcomer(tmp_path / "job", newcomer.control)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "image")], check=True)
    own_pip(tmp_path / "image/bin/python")
    knows_repository(job, repository())
    declared = yaml.safe_load(DECLARED)
    for key in declared["refund_tracking_keys"]:
        # As the README says for a job: the key as text.
        key["key_id"] = Path(key.pop("private_key_path")).stem.removeprefix("SubscriptionKey_")
        key["private_key_content"] = f"{{{{ lookup('ansible.builtin.env', 'P8_{key['key_id']}') }}}}"
    job.write("refunds.yml", yaml.safe_dump(declared))
    for name in ("2X9R4HXF34", "9ABCDEF123"):
        job.env[f"P8_{name}"] = (newcomer.home / f"keys/SubscriptionKey_{name}.p8").read_text()
    job.env |= {
        "PATH": f"{tmp_path / 'image/bin'}:{job.env['PATH']}",
        "STOREOPS_LEDGER_URL": f"sqlite:///{tmp_path}/kept.db",
        "ANSIBLE_PIPELINING": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    settings = yaml.safe_load((newcomer.cwd / SETTINGS).read_text())["refund_tracking_defaults"]
    simulator = {name: settings[name] for name in ("app_store_server_url", "root_certificate_path")}
    job.write("simulator.json", json.dumps({"refund_tracking_defaults": simulator}))
    for step in steps:
        ran = job.types(step.replace("-e @refunds.yml", "-e @refunds.yml -e @simulator.json"))
        assert ran.returncode == 0, f"{step}\n{ran.stdout}{ran.stderr}"
    report = json.loads((job.cwd / "report/refund-audit.json").read_text())
    assert report["totals"]["ok"] == report["totals"]["apps"] == 3 and (tmp_path / "kept.db").exists()
    assert report["refunds_never_read"] == [] and len(report["refunds"]["coverage"]) == 3
    # Another day, in the same folder: the audit stops, and no report of the first day passes for its own.
    stopped = job.types(
        steps[-1].replace("-e @refunds.yml", "-e @refunds.yml -e @simulator.json -e refund_audit_wavers=1")
    )
    why = "refund_audit_wavers: no such variable is read."
    assert stopped.returncode == 2 and why in (job.cwd / "report/refund-audit.junit.xml").read_text()
    if len(steps) > 1:
        first, second = (tmp_path / "summary.md").read_text().split("<!-- an audit that hasn't finished -->")
        assert "3 apps audited, none needs attention." in first and why.split(":")[1] in second


def test_an_encrypted_key_stays_as_it_is_and_is_shown_with_its_password(newcomer: Newcomer, sim: Sim) -> None:
    path = newcomer.home / "keys/SubscriptionKey_2X9R4HXF34.p8"
    (newcomer.home / ".vault_password").write_text("a password of nobody")
    newcomer.types("export ANSIBLE_VAULT_PASSWORD_FILE=~/.vault_password; ansible-vault encrypt ~/keys/*2X9R4HXF34.p8")
    encrypted = path.read_text()
    assert encrypted.startswith("$ANSIBLE_VAULT;")
    sim.stop()
    sim.start()
    del newcomer.env["ANSIBLE_VAULT_PASSWORD_FILE"]
    refused = newcomer.knows_simulator()
    said = "The simulator can't be shown its key: set ANSIBLE_VAULT_PASSWORD_FILE and run this again."
    assert (
        refused.returncode == 1 and f"{path} is encrypted (ansible-vault) and stays as it is. {said}" in refused.stderr
    )
    newcomer.env["ANSIBLE_VAULT_PASSWORD_FILE"] = str(newcomer.home / ".vault_password")
    shown = newcomer.knows_simulator()
    assert shown.returncode == 0 and f"{path} is there and stays as it is. The simulator knows it now." in shown.stdout
    assert path.read_text() == encrypted
    look_up = f"{{{{ lookup('ansible.builtin.file', '{path}') }}}}"
    declared = yaml.safe_load((newcomer.cwd / "refunds.yml").read_text())
    declared["refund_tracking_keys"][0] |= {"key_id": "2X9R4HXF34", "private_key_content": look_up}
    del declared["refund_tracking_keys"][0]["private_key_path"]
    newcomer.write("refunds.yml", yaml.safe_dump(declared))
    assert "3 apps: 3 changed." in newcomer.plays("site").stdout


def test_a_world_of_one_s_own(tmp_path: Path) -> None:
    """Its keys, session and refunds are the simulator's; what can't be given is told with the settings already new."""
    (shown,) = (block for block in pages.blocks("examples/simulator/README.md") if block.file == "mine.yml")
    world = tmp_path / "mine.yml"
    world.write_text(shown.text)
    sim = Sim(world)
    sim.start()
    try:
        mine = settled(sim, tmp_path, keys=1)
        key, settings = mine.home / "keys/SubscriptionKey_ABCDE12345.p8", mine.cwd / SETTINGS
        session = json.loads(yaml.safe_load(settings.read_text())["refund_tracking_session"])
        assert key.exists() and session[0]["value"] == "simulated"
        team = yaml.safe_load(shown.text)["teams"][0]
        apps = [{"bundle_id": app["bundle_id"], "app_apple_id": app["apple_id"]} for app in team["apps"]]
        declared = {"key": "mine", "issuer_id": team["issuer_id"], "private_key_path": str(key), "apps": apps}
        mine.write("refunds.yml", json.dumps({"refund_tracking_keys": [declared]}))
        assert mine.plays("site").returncode == 0 and mine.plays("refunds").returncode == 0
        mine.plays("export_refunds", "-e refund_export_folder=$PWD/exported")
        assert "com.mine.one" in (mine.cwd / "exported/refunds.csv").read_text()
        key.unlink()
        settings.unlink()
        refused = mine.knows_simulator()
        assert refused.returncode == 1 and f"{key} is missing, and the simulator can't give it" in refused.stderr
        assert settings.exists(), "those of this start, not of the last one"
        mine.control = sim.control.removesuffix("/_sim")
        lost = mine.knows_simulator()
        assert lost.returncode == 2 and "doesn't answer like the simulator" in lost.stderr
        assert mine.types("python3 examples/simulator/keys.py --help").returncode == 0
    finally:
        sim.stop()
