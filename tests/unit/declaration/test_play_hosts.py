# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a play would have: as Ansible counts them, with a limit, too."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.storeops.refunds.plugins.filter.play_hosts import play_hosts

pytestmark = pytest.mark.ansible
GROUPS: t.Final = {"all": ["web1", "web2", "db1"], "ungrouped": ["db1"], "web": ["web1", "web2"]}


@pytest.mark.parametrize(
    ("pattern", "limit"),
    [
        ("localhost", ""),
        ("127.0.0.1", ""),
        ("localhost", "localhost"),
        ("localhost", "web1,localhost"),
        ("web", ""),
        ("web", "web2"),
        ("web:!web1", "all:!db1"),
        (["web1", "db1"], "db1"),
        ("all", "!web"),
    ],
)
def test_hosts_that_are_there_are_those_of_the_play(pattern: t.Any, limit: str) -> None:
    assert play_hosts(pattern, "refund_tracking_hosts", GROUPS, limit) == pattern


@pytest.mark.parametrize(
    ("pattern", "limit", "expected"),
    [
        ("wbe1", "", "refund_tracking_hosts: no host of the inventory matches wbe1, so nothing would be done."),
        ("wbe1", "web1", "refund_tracking_hosts: no host of the inventory matches wbe1, so nothing would be done."),
        ("web:!web", "", "refund_tracking_hosts: no host"),
        (
            "localhost",
            "web1",
            "--limit web1 leaves none of the hosts that the playbook runs on (refund_",
        ),
        ("localhost", "all", "--limit all leaves none"),
        ("web", "db1", "--limit db1 leaves none"),
        ("web", "!web", "--limit !web leaves none"),
        ("web", "@/nowhere/site.retry", "--limit @/nowhere/site.retry: Unable to find limit file"),
    ],
)
def test_hosts_that_are_not_there_are_an_error(pattern: str, limit: str, expected: str) -> None:
    with pytest.raises(AnsibleFilterError) as failed:
        play_hosts(pattern, "refund_tracking_hosts", GROUPS, limit)
    assert str(failed.value).startswith(expected)


def test_a_limit_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "site.retry").write_text("web2\n")
    assert play_hosts("web", "refund_tracking_hosts", GROUPS, f"@{tmp_path}/site.retry") == "web"
