# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template that another process has compiled says what it would say by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit_forks import run_playbook

# The first line says how the others are read.
TEXT = "{{ 'a' }}[['b']]{{ 'c\\\\1' }}"
OTHERS = ("#jinja2: variable_start_string:'[[', variable_end_string:']]'\n", "#jinja2: trim_blocks: False\n", "")
BOTH = "'{# a #}' == '{# a #}'"
PLAY = {
    "hosts": "localhost",
    "gather_facts": False,
    "vars": {"texts": [other + TEXT for other in OTHERS], "x": "{{ 1 + 1 }}", "broken": "{{ 1 + }}"},
    "tasks": [
        {"ansible.builtin.debug": {"msg": "{{ texts }}"}},
        # As a condition, the same text is an expression.
        {"ansible.builtin.debug": {"msg": BOTH}, "when": BOTH},
        {"ansible.builtin.debug": {"msg": "{{ nothing_there.at_all }}"}, "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "{{ broken }}"}, "ignore_errors": True},
        {"ansible.builtin.debug": {"msg": "{{ x | no_such_filter }}"}, "ignore_errors": True},
    ],
}


@pytest.mark.services
def test_what_was_compiled_before_says_the_same(tmp_path: Path) -> None:
    book = tmp_path / "play.yml"
    book.write_text(json.dumps([PLAY]))
    first, second = (run_playbook(book, "localhost,", "-c", "local", folder=tmp_path) for _run in range(2))
    assert first == second and first.code == 0, first
    shown = json.loads(first.output.partition("=> ")[2].partition("\n\n")[0])["msg"]
    assert shown == ["{{ 'a' }}b{{ 'c\\\\1' }}", *["a[['b']]c\\\\1"] * 2] and "\"'' == ''\"" in first.output
    assert "'nothing_there' is undefined" in first.output and "Syntax error in template" in first.output
    assert "No filter named 'no_such_filter'" in first.output
