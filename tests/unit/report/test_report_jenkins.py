# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The JUnit XML holds to what Jenkins accepts: its xUnit plugin refuses a file with anything else in it.

The rules are those of junit-10.xsd of jenkinsci/xunit-plugin (read 2026-11-28), in our words.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_support import Json, a_bit_of_all, audit, bulk, item


class Rule(t.NamedTuple):
    """What an element may have: attributes that it needs, others that it may have, elements in it, and text."""

    needed: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    has_text: bool = False


def words(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


OUTCOME = Rule(allowed=words("type message"), has_text=True)
RULES = {
    "testsuites": Rule(allowed=words("name time tests failures errors"), children=words("testsuite")),
    "testsuite": Rule(
        needed=words("name tests failures errors"),
        allowed=words("group time skipped timestamp hostname id package file log url"),
        children=words("testsuite properties testcase system-out system-err"),
    ),
    "testcase": Rule(
        needed=words("name"),
        allowed=words("time classname group"),
        children=words("skipped error failure rerunFailure rerunError flakyFailure flakyError system-out system-err"),
    ),
    "properties": Rule(children=words("property")),
    "property": Rule(needed=words("name value")),
    "failure": OUTCOME,
    "error": OUTCOME,
    "skipped": OUTCOME,
    "system-out": Rule(has_text=True),
    "system-err": Rule(has_text=True),
}
TIME = re.compile(r"[0-9,]*(\.[0-9]*)?")


def faults(element: ElementTree.Element) -> t.Iterator[str]:
    """Say what Jenkins would not accept."""
    rule, names = RULES[element.tag], set(element.attrib)
    yield from (f"{element.tag} lacks {name}" for name in sorted(rule.needed - names))
    yield from (f"{element.tag} has {name}" for name in sorted(names - rule.needed - rule.allowed))
    if element.tag.startswith("testsuite") and not TIME.fullmatch(element.get("time", "")):
        yield f"{element.tag} has the time {element.get('time')}"
    if not rule.has_text and (element.text or "").strip():
        yield f"{element.tag} has text"
    for child in element:
        if (child.tail or "").strip():
            yield f"{element.tag} has text after {child.tag}"
        if child.tag not in rule.children:
            yield f"{element.tag} has {child.tag} in it"
        else:
            yield from faults(child)


WAIVER = {"bundle_id": "com.example.drifted", "cause": "drift", "reason": "Known.", "until": "2999-12-31"}


@pytest.mark.parametrize(
    ("result", "options"),
    [
        (a_bit_of_all(), {}),
        (a_bit_of_all(), {"waivers": [WAIVER]}),
        (a_bit_of_all(), {"fail_on": ["refused"]}),
        (bulk(), {}),
        (bulk(keys_with_problems=[{"key": "old", "cause": "failed", "msg": "Not there."}]), {"fail_on": ["drift"]}),
        (bulk(), {"refunds": [{"failed": True, "msg": "The ledger can't be read."}]}),
        ({**bulk(item("com.example.one")), "undeclared": [{"bundle_id": "com.example.left"}]}, {}),
        (bulk(item("com.example.\x00<&>\ud800", "unauthenticated", hint="]]>\x1b[31m")), {}),
    ],
    ids=["all classes", "waived", "fewer fail", "nothing", "only keys", "only unread", "undeclared", "hostile"],
)
def test_jenkins_takes_it(result: Json, options: Json, tmp_path: Path) -> None:
    audit(tmp_path, result, **options)
    root = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot()
    assert root.tag == "testsuites" and list(root)
    assert list(faults(root)) == []
    for count, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        found = len(list(root.iter(tag)))
        assert int(root.get(count, "")) == sum(int(suite.get(count, "")) for suite in root) == found, count


def test_the_rules_find_a_fault() -> None:
    root = ElementTree.fromstring(
        '<testsuites skipped="1"><testsuite name="a"><testcase>x</testcase></testsuite></testsuites>'
    )
    assert list(faults(root)) == [
        "testsuites has skipped",
        "testsuite lacks errors",
        "testsuite lacks failures",
        "testsuite lacks tests",
        "testcase lacks name",
        "testcase has text",
    ]


def test_no_two_test_cases_have_one_name(tmp_path: Path) -> None:
    """A key with two troubles is one case with both; an app in two projects of a tracker is two."""
    troubles = [*(("old", cause) for cause in ("failed", "key_in_use", "key_unreadable"))]
    troubles += [("", "failed"), ("new", "failed")]
    keys = [{"key": key, "cause": cause, "msg": f"Text of {key} {cause}."} for key, cause in troubles]
    left = [{"bundle_id": "com.example.left", "label": "com.example.left at devtodev"}] * 2
    twice = [item("com.example.one", cause, tracker="devtodev") for cause in ("accepted", "unauthenticated")]
    for fail_on in (["refused", "drift", "unknown"], ["drift"], []):
        result = {**bulk(*twice, item("com.example.one")), "keys_with_problems": keys, "undeclared": left}
        audit(tmp_path, result, fail_on=fail_on)
        root = ElementTree.parse(tmp_path / "refund-audit.junit.xml").getroot()
        names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
        assert len(set(names)) == len(names) and list(faults(root)) == []
        assert ("devtodev.production", "com.example.one (2)") in names
        (suite,) = (one for one in root if one.get("name") == "keys")
        assert [case.get("name") for case in suite] == ["old", "a key without a name", "new"]
        text = "".join(suite[0].itertext())
        assert all(f"{cause}: Text of old {cause}." in text for key, cause in troubles if key == "old")
        for tag, count in (("failure", "failures"), ("error", "errors")):
            assert int(root.get(count, "")) == len(list(root.iter(tag)))
            assert int(suite.get(count, "")) == len(list(suite.iter(tag)))
        assert int(suite.get("tests", "")) == len(suite)
        told = [(one.tag, one.get("type")) for one in suite[0]]
        wanted = {3: ("failure", "key_unreadable"), 1: ("failure", "key_in_use"), 0: ("system-out", None)}
        assert told == [wanted[len(fail_on)]]
