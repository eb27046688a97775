# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role iap_key_custody takes the vault's password from where Ansible itself takes it, unless it is told another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
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
def test_where_the_password_is_read(given: dict[str, str], environment: str | None, wanted: str) -> None:
    variables = {"iap_key_custody_ansible_vault": given}
    told = {"ANSIBLE_VAULT_PASSWORD_FILE": environment} if environment else {}
    ended = subprocess.run(
        [
            *(
                Path(sys.executable).with_name("ansible"),
                "localhost",
                "-m",
                "ansible.builtin.debug",
                "-a",
                f"var={NAME}",
            ),
            *("-e", f"@{ROOT / 'roles/iap_key_custody/vars/main.yml'}", "-e", json.dumps(variables)),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(ROOT / ".cache"), **told},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f'"{NAME}": "{wanted}"' in ended.stdout
