# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role iap_key_custody takes the vault's password from where Ansible itself takes it, unless it is told another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import unit_forks
from unit_support import ROOT

pytestmark = pytest.mark.services
# Ansible wants it to be there.
FILE = ROOT / "galaxy.yml"
NAME = "__iap_key_custody_password_file"


@pytest.mark.parametrize(
    ("given", "environment", "wanted"),
    [
        ({}, None, ""),
        ({}, str(FILE), str(FILE)),
        ({"password_file": "/b/pw"}, str(FILE), "/b/pw"),
        ({"password_file": "/b/pw"}, None, "/b/pw"),
    ],
)
def test_where_the_password_is_read(
    given: dict[str, str], environment: str | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    if environment:
        monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", environment)
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles/iap_key_custody/vars/main.yml")],
        "vars": {"iap_key_custody_ansible_vault": given},
        "tasks": [{"ansible.builtin.debug": {"var": NAME}}],
    }
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([play]))
    ended = unit_forks.run_playbook(book, "localhost,", folder=tmp_path)
    assert ended.code == 0 and f'"{NAME}": "{wanted}"' in ended.output, ended
