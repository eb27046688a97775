# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a task sees but a part of the play's apps: purge would remove the others, a report would leave them out.

And a key that no app of the part needs may be one that another app needs.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.parsing.dataloader import DataLoader

from ansible_collections.storeops.refunds.plugins.module_utils._decisions.key_removal import left

if t.TYPE_CHECKING:
    from ansible.playbook.task import Task

Json = dict[str, t.Any]

_ALL = "on one host with all apps, without --limit"
# Strategies under which run_once holds, and those that ignore it with a warning. Nobody knows of others: what purges
# errs on the safe side, and a report is written.
_IN_STEP = ("linear", "debug")
_OUT_OF_STEP = ("free", "host_pinned", "mitogen_free", "mitogen_host_pinned")

# The hosts of the audit, in the play before it, which keeps the last report aside.
_AUDITED = "storeops_refunds_audited_hosts"
# In a playbook that does everything on one host, for its first task: the name of the variable that has the hosts.
_WORKING = "storeops_refunds_working_hosts"


class Matching:
    """The hosts of an inventory by pattern. ``groups``: Ansible's variable of that name, which no limit narrows."""

    def __init__(self, groups: t.Mapping[str, t.Iterable[str]]) -> None:
        self._inventory = InventoryManager(DataLoader(), parse=False)
        for group, hosts in groups.items():
            self._inventory.add_group(group)
            for host in hosts:
                self._inventory.add_host(host, group=group)

    def hosts(self, pattern: t.Any, limit: str = "") -> list[str]:
        """Return the names of the hosts. Raises AnsibleError for a limit that can't be read."""
        self._inventory.subset(limit or None)
        try:
            return [str(host.name) for host in self._inventory.get_hosts(pattern=pattern)]
        except AnsibleError:
            # As Ansible may be configured for a pattern without a host.
            return []


class Missing(t.NamedTuple):
    """Why a task may see but a part of the play's apps, and where it would see them all; empty when it does."""

    why: str = ""
    where: str = "in a whole play"


def missing_of(task_vars: t.Mapping[str, t.Any], task: Task) -> Missing:
    return missing_apps(task_vars, bool(task.run_once), str(task.get_play().strategy))


def missing_apps(task_vars: t.Mapping[str, t.Any], runs_once: bool, strategy: str) -> Missing:
    """Return what the magic variables tell. ``strategy``: that of the play."""
    if task_vars.get("ansible_limit"):
        return Missing(f"the play is limited ({str(task_vars['ansible_limit'])!a}), so apps may be missing")
    if _is_slice(task_vars):
        return Missing("this is a job slice, which sees but a part of the inventory")
    hosts = set(task_vars.get("ansible_play_hosts_all") or ())
    missing = sorted(hosts ^ set(task_vars.get("ansible_play_batch") or ()))
    if missing:
        return Missing(
            f"{len(missing)} of {len(hosts)} hosts of the play are not here ({missing[0]!a}): they failed, or are in "
            "another batch of serial, so their apps may be missing"
        )
    if len(hosts) > 1 and not runs_once:
        why = f"the task runs for each of {len(hosts)} hosts, and each may have apps that the others don't list"
        return Missing(why, "in one task that has all apps, with run_once: true")
    if len(hosts) > 1 and strategy.rpartition(".")[2] not in _IN_STEP:
        why = f"the play has {len(hosts)} hosts and the strategy {strategy!a}, which may run the task for each"
        return Missing(why, "in a play with strategy: linear")
    return Missing()


def refusal_to_repeat(task_vars: t.Mapping[str, t.Any]) -> str:
    """Return why a playbook must not do all its work on a host that stands for an app, empty where it is none."""
    variable, host = task_vars.get(_WORKING), task_vars.get("inventory_hostname")
    # What is said of all hosts, for another purpose, is said of this machine, too.
    if not variable or host == "localhost" or "app_bundle_id" not in task_vars:
        return ""
    return (
        f"{variable}: the host {host} stands for an app (app_bundle_id), and this playbook would do its whole work on "
        f"each such host. Leave {variable} out for localhost, or name a machine. To declare the apps, let the filter "
        "storeops.refunds.apps_of_hosts make refund_tracking_apps of their hosts."
    )


def refusal_to_purge(missing: Missing, purge: object) -> str:
    """Return why a task must not purge, empty when it may. ``purge``: the option."""
    # What is no boolean is refused with the other options.
    is_refused = missing.why and boolean(purge, strict=False)
    return f"purge: {missing.why}. Purge {missing.where}, or run without it." if is_refused else ""


def refusal_to_revoke(missing: Missing, revoke: object) -> str:
    """Return why a rotation must not revoke the old key, empty when it may: apps that aren't here may use it."""
    is_refused = missing.why and boolean(revoke, strict=False)
    return f"revoke: {missing.why}. Apps that aren't here may use the old key. Run it {_ALL}." if is_refused else ""


def refusal_of_rotation(task_vars: t.Mapping[str, t.Any], task: Task) -> str:
    """Return why a task must not rotate a key in this play, empty when it may."""
    missing = missing_of(task_vars, task)
    return refusal_to_repeat(task_vars) or refusal_to_revoke(missing, task.args.get("revoke", False))


def keep_keys(result: Json, missing: Missing, check_mode: bool) -> Json:
    """Return a task's result, without the keys that may go where apps may be missing, and with a note then."""
    keys = result.get("removable_keys")
    if not missing.why or not keys:
        return result
    note = left(keys, missing.why, (), (), check_mode)
    told = f"{result['summary']} {note} To remove keys, run storeops.refunds.site {_ALL}."
    return {**result, "removable_keys": [], "summary": told}


def refusal_of_report(task_vars: t.Mapping[str, t.Any], task: Task, template: t.Callable[[t.Any], t.Any]) -> str:
    """Return why a task must not write its report, empty when it may. ``template``: fills in variables."""
    # It touches only what says that an audit began, and then tells why it stopped.
    if task.args.get("stage") == "stopped":
        return ""
    play = task.get_play()
    audited = template(task_vars.get(_AUDITED))
    return refusal_to_report(task_vars, bool(task.run_once or audited), str(play.strategy), audited or play.hosts)


def refusal_to_report(task_vars: t.Mapping[str, t.Any], runs_once: bool, strategy: str, pattern: t.Any) -> str:
    """Return why a task must not write a report about all hosts of the play, empty when it may.

    Without run_once each host is meant to write what is its own. ``pattern``: the hosts that are audited.
    """
    hosts = task_vars.get("ansible_play_hosts_all") or ()
    if not runs_once:
        return ""
    # Hosts that failed aren't among them: what they stand for is audited all the same.
    others = set(task_vars.get("ansible_play_hosts") or ()).difference(task_vars.get("ansible_play_batch") or ())
    if others:
        return (
            f"serial: {len(others)} of {len(hosts)} hosts of the play are in other batches, and run_once holds for one "
            "batch: each would audit all apps, and compare with the report of the batch before. Report in a play "
            "without serial."
        )
    why = _leaving_out(task_vars, pattern)
    if why:
        return (
            f"The play is {why}, and take the place of the one that has them. Audit all hosts in one job. For a "
            "report about some of them, name them in refund_audit_hosts, and another folder in refund_audit_path."
        )
    if len(hosts) < 2 or strategy.removeprefix("ansible.builtin.") not in _OUT_OF_STEP:
        return ""
    return (
        f"run_once: the play has {len(hosts)} hosts and the strategy {strategy!a}, which ignores it: each host would "
        "write the report, and before the others are audited. Report in a play with strategy: linear."
    )


def _leaving_out(task_vars: t.Mapping[str, t.Any], pattern: t.Any) -> str:
    """Return in what a play sees but a part of the hosts that stand for apps, empty where it sees them all."""
    limit, is_slice = str(task_vars.get("ansible_limit") or ""), _is_slice(task_vars)
    if not limit and not is_slice:
        return ""
    matching = Matching(task_vars["groups"])
    # Other hosts are but where the work is done.
    apps = [host for host in matching.hosts(pattern) if "app_bundle_id" in task_vars["hostvars"][host]]
    if is_slice and apps:
        return "a job slice, so a report would leave out the other slices' apps"
    here = matching.hosts(pattern, limit)
    missing = [host for host in apps if host not in here]
    if not missing and here:
        return ""
    told = f"{len(missing)} of {len(apps)} apps" if apps else "every app"
    return f"limited ({limit!a}), so a report would leave out {told}"


def _is_slice(task_vars: t.Mapping[str, t.Any]) -> bool:
    """Tell whether AWX runs a slice of a job.

    No variable of its own says so (not verified against a running AWX): AWX starts slices as a workflow that has the
    name of the job template.
    """
    for name in ("awx", "tower"):
        workflow = task_vars.get(f"{name}_workflow_job_name")
        if workflow and workflow == task_vars.get(f"{name}_job_template_name"):
            return True
        if str(task_vars.get(f"{name}_job_slice_count") or 1) not in ("0", "1"):
            return True
    return False
