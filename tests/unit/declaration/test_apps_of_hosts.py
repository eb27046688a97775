# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that stand for apps, as entries of a list."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml
from ansible.errors import AnsibleError
from unit_support import ISSUER, KEY_ID, ROOT

from ansible_collections.storeops.refunds.plugins.filter.apps_of_hosts import DOCUMENTATION, apps_of_hosts
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import declare
from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import APP, OF_HOSTS
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import RefundsError

pytestmark = pytest.mark.ansible


class Broken(dict[str, t.Any]):
    """Variables of a host that can't be templated."""

    def __contains__(self, name: object) -> bool:
        raise AnsibleError("'nothing' is undefined")


HOSTVARS: dict[str, t.Any] = {
    "one": {
        "app_bundle_id": "com.example.one",
        "app_apple_id": 1000000000,
        "app_name": "One",
        "app_environment": "sandbox",
        "refund_audit_key": "studio_b",
        "refund_audit_trackers": ["ledger", "revenuecat"],
        "refund_audit_revenuecat": {"project_id": "proj_one"},
    },
    "two": {"app_bundle_id": "com.example.two", "app_name": "", "refund_audit_key": ""},
    "machine": {},
    "broken": Broken(),
}
STUDIO = {"key": "studio_a"}


def test_each_host_is_an_app() -> None:
    one, two = apps_of_hosts(["one", "machine", "two"], HOSTVARS, [STUDIO])
    assert one == {
        "host": "one",
        "bundle_id": "com.example.one",
        "app_apple_id": 1000000000,
        "name": "One",
        "environment": "sandbox",
        "key": "studio_b",
        "trackers": ["ledger", "revenuecat"],
        "revenuecat": {"project_id": "proj_one"},
    }
    assert two == {"host": "two", "bundle_id": "com.example.two", "key": "studio_a"}


@pytest.mark.parametrize(
    "keys", [[STUDIO, {"key": "studio_b"}], ["studio_a"], [], [{**STUDIO, "state": "absent"}]], ids=str
)
def test_of_several_keys_or_none_no_key_is_guessed(keys: list[t.Any]) -> None:
    assert apps_of_hosts(["two"], HOSTVARS, keys) == [{"host": "two", "bundle_id": "com.example.two"}]


def test_after_a_rotation_the_new_key_is_the_only_one() -> None:
    old, new = {"key": "studio_old", "state": "absent"}, {"key": "studio_new", "state": "present"}
    assert [one["key"] for one in apps_of_hosts(["two"], HOSTVARS, [old, new])] == ["studio_new"]


def test_a_task_without_keys_can_use_the_entries_whatever_key_a_host_names() -> None:
    one, two = apps_of_hosts(["one", "two"], HOSTVARS)
    assert "key" not in one and "key" not in two
    assert declare({"apps": [one, two]}).faults == ()
    (named,) = declare({"apps": apps_of_hosts(["one"], HOSTVARS, [])}).faults
    assert "key: 'studio_b' isn't an entry of keys (there are: none)." in named


def test_every_field_of_an_app_has_a_variable_or_is_said_to_have_none() -> None:
    without = {"state", "credential_check", "notification_url"}
    assert {*OF_HOSTS, "host", *without} == set(APP) and not without.intersection(OF_HOSTS)
    (told,) = (line for line in yaml.safe_load(DOCUMENTATION)["description"] if "no such variable" in line)
    assert without == set(re.findall(r"C\((\w+)\)", told))
    documented = "".join(yaml.safe_load(DOCUMENTATION)["description"])
    arguments = yaml.safe_load((ROOT / "roles/refund_audit/meta/argument_specs.yml").read_text())
    for name in OF_HOSTS.values():
        assert f"C({name})" in documented
        assert name.startswith("app_") or name in arguments["argument_specs"]["main"]["options"]
    guide = (ROOT / "docs/guides/fleet.md").read_text()
    assert all(f"`{name}`" in guide for name in (*without, *(one for one in OF_HOSTS.values() if "audit" in one)))


HOST = {"host": "one", "bundle_id": "com.example.one", "environment": "production", "app_apple_id": 1000000000}
KEY = {"key": "studio_a", "issuer_id": ISSUER, "private_key_path": f"/k/SubscriptionKey_{KEY_ID}.p8"}


def read(apps: list[t.Any], below: list[t.Any], **params: t.Any) -> list[tuple[str, str, list[str]]]:
    """Read a list, and apps below a key, as a task with trackers does."""
    read_as = {"tracker": "ledger", "devtodev": {"project": "one"}, **params}
    declared = declare({**read_as, "apps": apps, "keys": [{**KEY, "apps": below}]}).require()
    return [(app.bundle_id, app.environment, [one.tracker for one in app.settings]) for app in declared.apps]


@pytest.mark.parametrize("is_below", [True, False])
@pytest.mark.parametrize(
    "entry",
    ["com.example.one", {"bundle_id": " com.example.one "}, {"bundle_id": "com.example.one", "trackers": ["devtodev"]}],
    ids=str,
)
def test_a_host_gives_way_to_what_a_list_says_of_its_app(entry: t.Any, is_below: bool) -> None:
    mapping = entry if isinstance(entry, dict) else {"bundle_id": entry}
    trackers = mapping.get("trackers", ["ledger"])
    listed = [] if is_below else [{**mapping, "key": "studio_a"}]
    found = read([{**HOST, "key": "studio_a"}, *listed], [entry] if is_below else [])
    assert found == [("com.example.one", "production", trackers)]


def test_a_host_of_another_environment_or_app_is_one_of_its_own() -> None:
    other = {"host": "two", "bundle_id": "com.example.two"}
    entries = [{**one, "key": "studio_a"} for one in (HOST, other, HOST)]
    sandbox, one = ("com.example.one", "sandbox", ["ledger"]), ("com.example.one", "production", ["ledger"])
    # What the entry doesn't say, the task does.
    two = ("com.example.two", "sandbox", ["ledger"])
    assert read(entries, ["com.example.one"], environment="sandbox") == [sandbox, one, two]
    # The same host twice is one; two hosts for one app are a mistake, since nobody knows which is meant.
    with pytest.raises(RefundsError, match=r"com\.example\.one.* stands in apps\[0\] .*already, for production"):
        read([entries[0], {**entries[0], "host": "three"}], [])


def test_where_a_host_has_no_key_its_variable_is_named() -> None:
    apps = apps_of_hosts(["two"], HOSTVARS, [STUDIO, {"key": "studio_b"}])
    faults = declare({"apps": apps, "keys": [KEY, {**KEY, "key": "studio_b"}]}).faults
    assert faults == (
        "apps[0] (com.example.two): has no key (declared keys: studio_a, studio_b). "
        "Set refund_audit_key to the name of its key, for the host two or its group.",
    )


def test_a_host_whose_variables_can_not_be_read_is_an_entry_that_nobody_takes_for_an_app() -> None:
    (entry,) = apps_of_hosts(["broken"], HOSTVARS)
    assert entry == {"host": "broken", "bundle_id": "broken ('nothing' is undefined)"}
