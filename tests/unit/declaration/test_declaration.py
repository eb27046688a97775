# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A declaration is read once: every fault at once, with its place and its value, and nothing raises."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_support import BUNDLE_ID, ISSUER, KEY_ID, OTHER_ISSUER

from ansible_collections.storeops.refunds.plugins.module_utils._declaration.apps import App
from ansible_collections.storeops.refunds.plugins.module_utils._declaration.declaration import (
    Declaration,
    declare,
    declare_one,
    has_lists,
    refuse,
)
from ansible_collections.storeops.refunds.plugins.module_utils._declared_spec import APP, KEY_ENTRY
from ansible_collections.storeops.refunds.plugins.module_utils._model.errors import InputError, RefundsError

Json = dict[str, t.Any]
ONE, TWO = "com.example.one", "com.example.two"
TASK: Json = {"tracker": "ledger", "environment": "production", "credential_check": "required"}
HAND = {"mode": "handoff", "project": "p1"}


def key(name: str = "a", **more: t.Any) -> Json:
    return {"key": name, "issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": f"/keys/{name}.p8", **more}


def declared(*keys: t.Any, apps: t.Any = None, **task: t.Any) -> Declaration:
    return declare({**TASK, "keys": list(keys), "apps": apps, **task})


def only(*keys: t.Any, apps: t.Any = None, **task: t.Any) -> App:
    """Give the one app of a declaration without faults."""
    (app,) = declared(*keys, apps=apps, **task).require().apps
    return app


def faults(*keys: t.Any, apps: t.Any = None, **task: t.Any) -> list[str]:
    return list(declared(*keys, apps=apps, **task).faults)


def test_apps_beside_keys_and_below_them_are_alike() -> None:
    fields = {"bundle_id": TWO, "app_apple_id": "7", "environment": "sandbox", "name": "Two", "state": "absent"}
    below = declared(key(apps=[ONE, fields])).require().apps
    beside = declared(key(), apps=[{"bundle_id": ONE, "key": "a"}, {**fields, "key": "a"}]).require().apps
    assert [app.place for app in below] == [f"keys[0] (a).apps[0] ({ONE})", f"keys[0] (a).apps[1] ({TWO})"]
    assert [app.place for app in beside] == [f"apps[0] ({ONE})", f"apps[1] ({TWO})"]
    for app, other in zip(below, beside, strict=True):
        assert {**vars(app), "place": ""} == {**vars(other), "place": ""}
    assert (below[1].app_apple_id, below[1].environment, below[1].is_absent, below[1].name) == (
        7,
        "sandbox",
        True,
        "Two",
    )
    assert below[0].key is not None and below[0].key.name == "a" and below[0].key.where == "keys[0] (a): "


def test_every_fault_is_told_at_once() -> None:
    found = declared(
        key("a", issuer_id="nonsense", keyid="x"),
        key("b", apps=[{"bundle_id": "com..b", "app_apple_id": 0, "stat": "absent"}, ONE]),
        key("b"),
        "hunter2",
        apps=[{"bundle_id": ONE, "key": "b"}, {"bundle_id": TWO, "key": "c", "environment": "prod"}, 7],
    )
    with pytest.raises(RefundsError) as caught:
        found.require()
    message = str(caught.value)
    assert message.startswith(f"{len(found.faults)} entries of keys and apps can't be used; nothing was done. ")
    for text in (
        "keys[0] (a): unknown field keyid; did you mean key_id?",
        "keys[0] (a): issuer_id: 'nonsense' isn't an Issuer ID",
        "keys[2] (b): key 'b' stands in an entry before. Give each key a name of its own.",
        "keys[3]: isn't a mapping.",
        "keys[1] (b).apps[0]: unknown field stat; did you mean state?",
        "keys[1] (b).apps[0]: bundle_id: 'com..b' isn't a bundle ID",
        "keys[1] (b).apps[0]: app_apple_id: 0 isn't an Apple ID",
        f"keys[1] (b).apps[1] ({ONE}): stands in apps[0] ({ONE}) already, for production as well.",
        f"apps[1] ({TWO}): environment is prod; write production or sandbox.",
        f"apps[1] ({TWO}): key: 'c' isn't an entry of keys (there are: a, b).",
        "apps[2]: isn't a mapping.",
    ):
        assert text in message, text
    assert "hunter2" not in message


def test_a_key_with_a_fault_is_one_finding_however_many_apps_it_has() -> None:
    found = declared(key("a", issuer_id="nonsense", apps=[ONE, TWO]), apps=[{"bundle_id": "com.c", "key": "a"}])
    assert found.faults == found.key_faults and len(found.faults) == 1
    assert all(app.key and app.key.unusable == found.faults[0] for app in found.apps)


def test_apps_below_a_key_without_a_name_have_no_other_key() -> None:
    found = declared({**key(), "key": None, "apps": [ONE]}, **key("task"))
    assert found.faults == ("keys[0]: key is missing.",)
    assert found.apps[0].key is not None and found.apps[0].key.unusable


def test_a_text_from_a_survey_is_no_list() -> None:
    """It would otherwise be read letter by letter."""
    assert faults(key(apps=ONE)) == ["keys[0] (a): apps isn't a list."]
    assert faults(key(apps={"bundle_id": ONE})) == ["keys[0] (a): apps isn't a list."]


@pytest.mark.parametrize("bundle_id", [None, "", " "])
def test_an_app_without_a_bundle_id(bundle_id: t.Any) -> None:
    (told,) = faults(key(apps=[{"bundle_id": bundle_id}]))
    assert told.startswith("keys[0] (a).apps[0]: bundle_id") and "state" not in told


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("key_id", 1234567890, "key_id is 1234567890, which YAML read as a number: put the Key ID in quotes."),
        ("key_id", 12.5, "key_id is 12.5, which YAML read as a number"),
        ("revoke", "maybe", "revoke is neither true nor false."),
        ("state", "gone", "state is gone; write present or absent."),
        ("private_key_path", ["x"], "private_key_path isn't text."),
    ],
)
def test_fields_of_a_key(field: str, value: t.Any, told: str) -> None:
    (fault,) = faults(key(**{field: value}))
    assert fault.startswith(f"keys[0] (a): {told}")


@pytest.mark.parametrize("key_id", ["2X9R4HXF3", "2x9r4hxf34", "2X9R4HXF345"])
def test_an_unusual_key_id_is_no_fault_and_is_told(key_id: str) -> None:
    (told,) = declared(key(key_id=key_id)).require().unusual()
    assert told.startswith(f"keys[0] (a): key_id {key_id} isn't 10 capital letters and digits, such as 2X9R4HXF34.")
    assert not list(declared(key(key_id=f" {KEY_ID}\n"), key("b", key_id=None)).unusual())


def test_what_yaml_reads_as_numbers_is_read_as_text_where_a_text_is_due() -> None:
    app = only({**key(), "key": 5}, apps=[{"bundle_id": ONE, "key": 5, "name": 2048}])
    assert app.key is not None and app.key.name == "5"


def test_the_tasks_own_key_serves_apps_that_name_none() -> None:
    flat = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/keys/flat.p8"}
    app = only(key("a"), apps=[ONE], **flat)
    assert app.key is not None and (app.key.path, app.key.name) == ("/keys/flat.p8", "")
    assert "has no key (declared keys: a, b)." in faults(key("a"), key("b"), apps=[ONE])[0]
    assert not faults(key("a"), apps=[{"bundle_id": ONE, "state": "absent"}]), "what is to go needs no key"
    told = faults(key("a"), key("b", apps=[{"bundle_id": ONE, "key": "a"}]))
    assert told == [
        f"keys[1] (b).apps[0] ({ONE}): names the key 'a' and stands below the key 'b'. Leave key out, or move the app."
    ]


def test_a_key_takes_over_issuer_and_policy_only() -> None:
    bare = {"key": "a", "private_key_content": "x", "apps": [ONE]}
    app = only(bare, issuer_id=OTHER_ISSUER, private_key_file_policy="mounted", key_id=KEY_ID, private_key_path="/x")
    assert app.key is not None
    assert (app.key.issuer_id, app.key.policy, app.key.key_id, app.key.path) == (OTHER_ISSUER, "mounted", None, None)


def test_what_the_task_that_puts_keys_in_place_tells_completes_them() -> None:
    made = [
        {"key": "a", "key_id": KEY_ID, "issuer_id": ISSUER, "private_key_path": "/made/a.p8", "predicted": True},
        {"key": "b", "failed": True, "msg": "The session is over.", "cause": None},
        {"key": "c", "failed": True, "msg": "It is damaged.", "cause": "key_unreadable"},
        {"key": "other", "key_id": "IGNORED001"},
    ]
    made[0]["key_fingerprint"] = "ab" * 32
    keys = declared({"key": "a"}, key("b"), key("c"), iap_keys=made).require().keys
    one = keys["a"]
    assert (one.issuer_id, one.key_id, one.path, one.is_predicted) == (ISSUER, KEY_ID, "/made/a.p8", True)
    assert one.fingerprint == "ab" * 32 and one.fault is None and one.trouble == ""
    # What isn't the key's own fault leaves it as it is.
    assert (keys["b"].fault, keys["b"].trouble, keys["b"].key_id) == (None, "The session is over.", KEY_ID)
    assert (str(keys["c"].fault), keys["c"].trouble) == ("It is damaged.", "")
    own = declared(key("a", key_id="OWN0000001"), iap_keys=made).keys["a"]
    assert (own.key_id, own.path) == ("OWN0000001", "/keys/a.p8"), "what is declared comes first"


def test_several_trackers_each_with_options_of_its_own() -> None:
    project = {"api_key": "sk_1", "project": "one"}
    entry = {"bundle_id": ONE, "trackers": ["ledger", "devtodev", "qonversion", "ledger"], "qonversion": project}
    app = only(key(apps=[entry]), devtodev=HAND)
    assert [(one.tracker, one.project) for one in app.settings] == [
        ("ledger", ""),
        ("devtodev", "p1"),
        ("qonversion", "one"),
    ]
    own = only(key(apps=[{**entry, "devtodev": {"project": "p2"}}]), devtodev=HAND)
    assert own.settings[1].project == "p2" and own.identity(own.settings[1]).project == "p2"
    assert vars(own.settings[1])["mode"] == "handoff", "its options stand over the task's, one by one"


def test_the_faults_of_all_trackers_of_an_app_are_told() -> None:
    entry = {"bundle_id": ONE, "trackers": ["qonversion", "revenuecat"], "revenuecat": {"apikey": "hunter2"}}
    found = declared(key(apps=[entry]))
    told = " ".join(found.faults)
    place = f"keys[0] (a).apps[0] ({ONE})"
    assert (
        "qonversion.api_key: " in told and f"{place}: revenuecat: unknown field apikey; did you mean api_key?" in told
    )
    assert "hunter2" not in told
    assert [one.tracker for one in found.apps[0].settings] == ["qonversion", "revenuecat"], "it is an item of each"


def test_a_fault_of_the_tasks_tracker_is_told_once() -> None:
    apps = [f"com.example.n{number}" for number in range(30)]
    assert len(faults(key(apps=apps), tracker="devtodev", devtodev={"mode": "lax"})) == 1


def test_other_trackers_have_one_environment() -> None:
    entry = {"bundle_id": ONE, "environment": "sandbox", "trackers": ["ledger", "devtodev"]}
    (told,) = faults(key(apps=[entry]), devtodev=HAND)
    assert told.startswith(f"keys[0] (a).apps[0] ({ONE}): environment: devtodev has one key for an app")


def test_twins_are_found_for_each_tracker() -> None:
    ledger, hand = {"bundle_id": ONE, "trackers": ["ledger"]}, {"bundle_id": ONE, "trackers": ["devtodev"]}
    other = {**hand, "devtodev": {"project": "p2"}}
    assert not faults(key(apps=[ledger, hand, other, {**ledger, "environment": "sandbox"}]), devtodev=HAND)
    (told,) = faults(key(apps=[ledger, hand]), key("b", apps=[other, hand]), devtodev=HAND)
    assert told == (
        f"keys[1] (b).apps[1] ({ONE}): stands in keys[0] (a).apps[1] ({ONE}) already, "
        "for production at devtodev as well."
    )


def test_a_project_of_qonversion_has_one_app() -> None:
    def at(bundle_id: str, **own: t.Any) -> Json:
        return {"bundle_id": bundle_id, "trackers": ["qonversion"], **({"qonversion": own} if own else {})}

    task = {"qonversion": {"api_key": "sk_shared"}}
    (told,) = faults(key(apps=[at(ONE), at(TWO)]), **task)
    assert told.startswith(f"keys[0] (a).apps[1] ({TWO}): shares its Qonversion project with {ONE}")
    assert not faults(key(apps=[at(ONE), at(TWO, api_key="sk_own", project="two")]), **task)
    assert not faults(key(apps=[at(ONE), at(TWO, url="https://qonversion.example")]), **task)
    # The API key alone says which project it is.
    for own in ({"project": "two"}, {"on_unknown": "fail"}, {"replace_bundle": True}):
        (told,) = faults(key(apps=[at(ONE), at(TWO, **own)]), **task)
        assert "shares its Qonversion project with" in told, own


def test_a_task_without_trackers_leaves_those_of_the_declaration_alone() -> None:
    entry = {"bundle_id": ONE, "trackers": ["devtodev", "revenuecat"], "environment": "sandbox"}
    (app,) = declare({"keys": [key(apps=[entry])]}).require().apps
    assert [one.tracker for one in app.settings] == ["ledger"]


def test_one_app_of_a_task() -> None:
    flat = {"issuer_id": ISSUER, "key_id": KEY_ID, "private_key_path": "/keys/flat.p8"}
    app = declare_one({**TASK, **flat, "bundle_id": ONE, "tracker": "devtodev", "devtodev": HAND})
    assert (app.bundle_id, app.settings[0].project, app.is_absent) == (ONE, "p1", False)
    with pytest.raises(InputError, match="bundle_id: is required"):
        declare_one({**TASK, **flat})
    with pytest.raises(RefundsError, match=r"bundle_id: 'com\.\.a' isn't a bundle ID"):
        declare_one({**TASK, **flat, "bundle_id": "com..a"})


SECRET = "s3cr3t-text"
VALUES = st.one_of(
    st.sampled_from([ONE, TWO, "a", "7", "1e3", "ledger", "devtodev", "sandbox", "absent", SECRET, "", " "]),
    st.none(),
    st.booleans(),
    st.integers(-3, 10**19),
    st.sampled_from([2.5, float("inf"), float("nan")]),
    st.just([SECRET]),
    st.just({SECRET: SECRET}),
    st.just(["ledger", "devtodev"]),
    st.just([{"bundle_id": ONE, SECRET: SECRET}, TWO]),
)
FIELDS = st.dictionaries(st.sampled_from([*KEY_ENTRY, *APP, "keyid", SECRET]), VALUES, max_size=5)
HIDDEN = ("name", "issuer_id", "key_id", "private_key_path", "bundle_id", "key")


@given(st.lists(st.one_of(FIELDS, VALUES), max_size=3), st.lists(st.one_of(FIELDS, VALUES), max_size=3), st.booleans())
def test_whatever_is_written_is_read_or_told(keys: list[t.Any], apps: list[t.Any], has_trackers: bool) -> None:
    """An identifier's value is shown, for the person to find it; nothing else of what is in the wrong place is."""
    found = declare({**(TASK if has_trackers else {}), "keys": keys, "apps": apps})
    assert len(found.apps) == len(apps) + sum(
        len(one["apps"]) for one in keys if isinstance(one, dict) and isinstance(one.get("apps"), list)
    )
    for app in found.apps:
        assert app.settings and (app.fault or app.key), app
    shown = [one for one in (*keys, *apps) if isinstance(one, dict) and SECRET in [one.get(name) for name in HIDDEN]]
    if not shown and SECRET not in (
        *apps,
        *(item for one in keys if isinstance(one, dict) for item in one.get("apps") or ()),
    ):
        assert SECRET not in " ".join(found.faults)


def test_keys_without_an_app_beside_a_bundle_id_are_no_list() -> None:
    keys = [{"key": "a"}]
    assert not has_lists({"keys": keys, "bundle_id": BUNDLE_ID, "apps": None})
    assert has_lists({"keys": [{"key": "a", "apps": [BUNDLE_ID]}], "bundle_id": BUNDLE_ID, "apps": None})
    assert has_lists({"keys": keys, "apps": None}) and has_lists({"apps": [], "bundle_id": BUNDLE_ID})
    assert not has_lists({"bundle_id": BUNDLE_ID})


def test_a_fault_of_a_variable_is_no_entry_of_keys_and_apps() -> None:
    with pytest.raises(RefundsError) as told:
        refuse([], ["refund_trackin_keys: no such variable is read.", "No keys and no apps are declared."])
    assert str(told.value) == "refund_trackin_keys: no such variable is read. No keys and no apps are declared."
    with pytest.raises(RefundsError) as both:
        refuse(["apps[0]: a.", "apps[1]: b."], ["x: no such variable is read."])
    assert str(both.value).startswith("x: no such variable is read. 2 entries of keys and apps can't be used")
