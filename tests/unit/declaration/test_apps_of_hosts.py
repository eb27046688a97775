# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that stand for apps, as entries of a list."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleError

from ansible_collections.storeops.refunds.plugins.filter.apps_of_hosts import apps_of_hosts

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
    },
    "two": {"app_bundle_id": "com.example.two", "app_name": "", "refund_audit_key": ""},
    "machine": {},
    "broken": Broken(),
}
STUDIO = {"key": "studio_a"}


def test_each_host_is_an_app() -> None:
    one, two = apps_of_hosts(["one", "machine", "two"], HOSTVARS, [STUDIO])
    assert one == {
        "bundle_id": "com.example.one",
        "app_apple_id": 1000000000,
        "name": "One",
        "environment": "sandbox",
        "key": "studio_b",
    }
    assert two == {"bundle_id": "com.example.two", "key": "studio_a"}


def test_of_several_keys_none_is_guessed() -> None:
    assert apps_of_hosts(["two"], HOSTVARS, [STUDIO, {"key": "studio_b"}]) == [{"bundle_id": "com.example.two"}]
    assert apps_of_hosts(["two"], HOSTVARS, ["studio_a"]) == [{"bundle_id": "com.example.two"}]


def test_a_host_whose_variables_can_not_be_read_is_an_entry_that_nobody_takes_for_an_app() -> None:
    (entry,) = apps_of_hosts(["broken"], HOSTVARS)
    assert entry == {"bundle_id": "broken ('nothing' is undefined)"}
