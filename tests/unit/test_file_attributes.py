# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mode and owner are set by AnsibleModule also in Ansible's own process, with what the task and each entry say."""

from __future__ import annotations

import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from ansible_collections.storeops.refunds.plugins.module_utils._context import AttributeRefused
from ansible_collections.storeops.refunds.plugins.module_utils._file_attributes import in_process

pytestmark = pytest.mark.ansible
Json = dict[str, t.Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "key.p8"
    path.touch(mode=0o644)
    path.chmod(0o644)
    return path


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


@pytest.mark.parametrize("wanted", ["0600", "u=rw,g=,o="])
@pytest.mark.parametrize("check_mode", [True, False])
def test_that_a_mode_is_set_and_told_but_not_set_in_check_mode(file: Path, wanted: str, check_mode: bool) -> None:
    attributes = in_process({"mode": wanted, "owner": None, "state": "present"}, check_mode, [])
    diff: Json = {}
    assert attributes.apply(str(file), diff)
    assert (diff["before"]["mode"], diff["after"]["mode"]) == ("0644", "0600")
    assert mode(file) == ("0644" if check_mode else "0600")
    assert attributes.apply(str(file), {}) is check_mode


def test_that_an_entry_has_its_own(file: Path) -> None:
    attributes = in_process({"mode": "0600"}, False, [])
    assert attributes.of_entry("0400", None, None).apply(str(file), {}) and mode(file) == "0400"
    assert attributes.apply(str(file), {}) and mode(file) == "0600"


def test_that_a_refusal_is_an_error_and_no_end_of_the_process(file: Path) -> None:
    attributes = in_process({"owner": "nobody-has-this-name"}, False, [])
    with pytest.raises(AttributeRefused, match="nobody-has-this-name") as caught:
        attributes.apply(str(file), {})
    assert (caught.value.option, caught.value.value) == ("owner", "nobody-has-this-name")


def test_that_nothing_is_read_or_logged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible's input and the system's log belong to Ansible."""

    def refuse(*given: object, **more: object) -> None:
        raise AssertionError(given)

    monkeypatch.setattr("ansible.module_utils.basic._load_params", refuse)
    monkeypatch.setattr(AnsibleModule, "log", refuse)
    folder = os.getcwd()
    assert in_process({"mode": "0600"}, False, ["nfs"]).apply(str(file), {})
    assert os.getcwd() == folder
