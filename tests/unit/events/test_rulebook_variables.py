# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide names every variable of the rulebooks, and each goes to the option of its name, in all of them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import yaml
from unit_support import ROOT

pytestmark = pytest.mark.once
GUIDE = (ROOT / "docs/guides/events.md").read_text()
# Of one of them alone.
OWN = {"account_token"}
# Where the ledger lies is a secret of the environment; feedback takes no template; a proxy stands in front of host.
NO_VARIABLES = {"ledger", "feedback", "host", "largest_body"}
SOURCE = ROOT / "extensions/eda/plugins/event_source/refund_events.py"


def test_every_variable_is_in_the_guide_and_in_every_rulebook() -> None:
    named = set(re.findall(r"`refund_events_(\w+)`", GUIDE))
    rulebooks = sorted((ROOT / "extensions/eda/rulebooks").glob("*.yml"))
    assert len(rulebooks) == 3
    for rulebook in rulebooks:
        source = yaml.safe_load(rulebook.read_text())[0]["sources"][0]["storeops.refunds.refund_events"]
        taken = {name: re.findall(r"{{ refund_events_(\w+)", value) for name, value in source.items()}
        assert taken == {name: [name] for name in source}, rulebook.name
        assert source.keys() - OWN == named - OWN, rulebook.name
    documentation = re.search(r'DOCUMENTATION = r"""(.*?)"""', SOURCE.read_text(), re.DOTALL)
    assert documentation and set(yaml.safe_load(documentation[1])["options"]) - NO_VARIABLES == named


def test_the_guide_s_url_is_one_that_its_variables_serve() -> None:
    """Another path than the one that is served gets 404, and every notification is lost."""
    found = [yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)]
    (url,) = [
        one[0]["storeops.refunds.app_store_notification_url"]["production_url"] for one in found if "apps" in f"{one}"
    ]
    (given,) = [one for one in found if "refund_chat_url" in one]
    assert given["refund_events_mode"] == "listen" and given["refund_events_path"] == urlsplit(url).path


def test_what_the_log_says_when_events_stop_is_what_the_guide_looks_for() -> None:
    code = "".join(path.read_text() for path in (ROOT / "plugins/module_utils/_tasks/events").glob("*.py"))
    table = (ROOT / "docs/guides/trouble.md").read_text().partition("## Events stopped")[2].partition("\n## ")[0]
    told = [text for row in re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE) for text in re.findall("`([^`]+)`", row)]
    parts = [part for text in told if " " in text for part in re.split("'?…'?", text) if part.strip()]
    assert len(parts) >= 6 and [part for part in parts if part.strip() not in code] == []
