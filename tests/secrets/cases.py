# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that meet secrets in every way: from all sources, in all forms, in success and in every kind of failure."""

from __future__ import annotations

import typing as t

from playground import ISSUER_ID, STUDIO_A, STUDIO_B

Json = dict[str, t.Any]
WRONG_ISSUER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
# Nothing listens on port 1.
POSTGRESQL = "postgresql://tracker:{{ vault_db_password }}@127.0.0.1:1/ledger"
PEM = "{{ vault_a }}"
BULK = "refund_tracking_integrations"


def task(name: str, module: str, fails: bool = False, **options: t.Any) -> Json:
    """A task; one that has to fail is named so."""
    made: Json = {"name": f"{name} (fails)" if fails else name, f"storeops.refunds.{module}": options}
    return {**made, "ignore_errors": True} if fails else made


def keys() -> list[Json]:
    def key(name: str, content: t.Any, fails: bool = False, file: str = "one.p8", **options: t.Any) -> Json:
        own = {"private_key_path": "{{ work }}/" + file, "private_key_content": content, **options}
        return task(f"key, {name}", "appstore_iap_key", fails, **own)

    return [
        key("as PEM", PEM),
        key("escaped", "{{ vault_a_escaped }}", file="escaped.p8"),
        key("in base64", "{{ vault_a_base64 }}", file="base64.p8"),
        key("replaced, with a backup", "{{ vault_b }}", key_id=STUDIO_B),
        task("key, from a file", "appstore_iap_key", private_key_path="{{ key_file }}"),
        task("key, removed", "appstore_iap_key", private_key_path="{{ work }}/one.p8", state="absent"),
        key("cut off", "{{ vault_a[:160] }}", True),
        key("cut off, in base64", "{{ vault_a_base64[:200] }}", True),
        key("without its first line", "{{ vault_a.splitlines()[1:] | join('\n') }}", True),
        key("in one line", "{{ vault_a | replace('\n', ' ') }}", True),
        key("twice", "{{ vault_a }}{{ vault_b }}", True),
        key("with text around it", "hello {{ vault_a }}", True),
        key("with a wrong line", "{{ vault_a | replace('END PRIVATE', 'END OTHER') }}", True),
        key("in a list", ["{{ vault_a }}"], True),
        key("in a mapping", {"pem": "{{ vault_a }}"}, True),
        key("folder that is not there", PEM, True, file="none/one.p8"),
        key("wrong Key ID", PEM, True, key_id="lower case"),
        task("file, from a content", "appstore_iap_key_info", private_key_content=PEM),
        task("session", "appstore_iap_key_info", session="{{ vault_session }}"),
        task("session, damaged", "appstore_iap_key_info", True, session="{{ vault_session[:-4] }}"),
        task("session, no list", "appstore_iap_key_info", True, session="myacinfo={{ vault_cookie }}"),
    ]


def checks() -> list[Json]:
    module = "appstore_credential_check_info"
    named = {"studio": {"private_key_content": PEM, "key_id": STUDIO_A, "issuer_id": ISSUER_ID}}
    apps = [{"bundle_id": "com.example.one", "key": "studio"}]
    own = {"bundle_id": "com.example.two", "private_key_content": "{{ vault_b }}", "key_id": STUDIO_B}
    return [
        task("check, named and own keys", module, keys=named, apps=[*apps, {**own, "issuer_id": ISSUER_ID}]),
        task(
            "check, escaped",
            module,
            keys={"studio": {**named["studio"], "private_key_content": "{{ vault_a_escaped }}"}},
            apps=apps,
        ),
        task("check, a key that is no mapping", module, True, keys={"studio": PEM}, apps=apps),
        task("check, keys that are a text", module, True, keys=PEM, apps=apps),
        task("check, a key with an unknown field", module, True, keys={"studio": {"pem": PEM}}, apps=apps),
        task("check, a key in a list", module, True, keys={"studio": {"private_key_content": [PEM]}}, apps=apps),
        task(
            "check, refused",
            module,
            bundle_id="com.example.one",
            issuer_id=WRONG_ISSUER,
            key_id=STUDIO_A,
            private_key_content=PEM,
        ),
    ]


def integrations() -> list[Json]:
    module = "refund_tracking_integration"
    one = {"bundle_id": "com.example.one", "issuer_id": ISSUER_ID, "key_id": STUDIO_A}

    def ledger(name: str, url: t.Any) -> Json:
        return task(
            f"ledger, {name}", module, True, **one, private_key_content=PEM, credential_check="skip", ledger=url
        )

    group = {"group/storeops.refunds.all": {**one, "private_key_content": "{{ vault_a_base64 }}"}}
    return [
        task("integration", module, **one, private_key_content=PEM),
        {"name": "Group defaults", "module_defaults": group, "block": [task("integration, unchanged", module)]},
        task("integration, other key", module, **{**one, "key_id": STUDIO_B}, private_key_content="{{ vault_b }}"),
        task("integration, refused", module, True, **{**one, "issuer_id": WRONG_ISSUER}, private_key_content=PEM),
        task("integration, unreadable", module, True, **one, private_key_content="{{ vault_a[:160] }}"),
        task("list", "refund_tracking_integration_info", private_key_content=PEM),
        ledger("refused port", {"url": POSTGRESQL}),
        ledger("unknown database", {"url": POSTGRESQL.replace("postgresql", "mysql")}),
        ledger("no port", {"url": POSTGRESQL.replace(":1/", ":port/")}),
        ledger("blank in it", {"url": POSTGRESQL.replace("tracker", "tra cker")}),
        ledger("in a list", {"url": [POSTGRESQL]}),
        task("ledger of the list", "refund_tracking_integration_info", True, ledger={"url": POSTGRESQL}),
    ]


def bulk() -> list[Json]:
    """Keys of several lines, nested in lists and mappings: by name, in an app, refused, damaged, misshapen."""
    named = {"studio": {"private_key_content": PEM, "key_id": STUDIO_A, "issuer_id": ISSUER_ID}}
    one = {"bundle_id": "com.example.one", "key": "studio"}
    own = {"bundle_id": "com.example.two", "private_key_content": "{{ vault_b }}", "key_id": STUDIO_B}
    escaped = {"studio": {**named["studio"], "private_key_content": "{{ vault_a_escaped }}"}}
    damaged = {"studio": {**named["studio"], "private_key_content": "{{ vault_a[:160] }}"}}
    refused = {**one, "issuer_id": WRONG_ISSUER}
    return [
        task("bulk, named and own keys", BULK, keys=named, apps=[one, {**own, "issuer_id": ISSUER_ID}], purge=True),
        task("bulk, escaped", BULK, keys=escaped, apps=[one]),
        task("bulk, refused", BULK, True, keys=named, apps=[refused]),
        task("bulk, unreadable", BULK, True, keys=damaged, apps=[one, {**one, "environment": "sandbox"}]),
        task("bulk, a key in a list", BULK, True, keys={"studio": {"private_key_content": [PEM]}}, apps=[one]),
        task("bulk, an unknown field", BULK, True, keys=named, apps=[{**one, "pem": PEM}]),
    ]


def role() -> list[Json]:
    wanted = {"issuer_id": ISSUER_ID, "key_id": STUDIO_A, "private_key_content": PEM}
    bad = {**wanted, "private_key_content": "{{ vault_b[:160] }}", "private_key_path": "{{ work }}/bad.p8"}
    apps = [{"bundle_id": "com.example.one", "key": "good"}, {"bundle_id": "com.example.two", "key": "bad"}]
    include = {"ansible.builtin.include_role": {"name": "storeops.refunds.refund_tracking"}}
    variables = {"refund_tracking_keys": {"good": wanted, "bad": bad}, "refund_tracking_apps": apps}
    rescue = [{"name": "The role failed as it should", "ansible.builtin.debug": {"msg": "rescued"}}]
    return [{"name": "Role", "block": [{"name": "Role", **include, "vars": variables}], "rescue": rescue}]


def misplaced() -> list[Json]:
    """A secret in a public option: Ansible prints that option at -vvv, whatever a module does."""
    module = "refund_tracking_integration"
    one = {
        "bundle_id": "com.example.one",
        "issuer_id": ISSUER_ID,
        "key_id": STUDIO_A,
        "private_key_path": "{{ key_file }}",
    }
    found = [
        task(f"misplaced in {option}", module, True, **{**one, option: PEM})
        for option in ("bundle_id", "issuer_id", "key_id", "private_key_path", "app_store_server_url")
    ]
    key = {"private_key_path": PEM}
    check = "appstore_credential_check_info"
    apps = [{"bundle_id": "com.example.one", "key": PEM}]
    return [
        *found,
        task("misplaced in the path of a key", "appstore_iap_key", True, **key),
        task("misplaced in the path of a key, with content", "appstore_iap_key", True, **key, private_key_content=PEM),
        task("misplaced in an app's bundle_id", check, True, apps=[{"bundle_id": PEM}]),
        task("misplaced in an app's key", check, True, apps=apps),
        task("misplaced as apps", check, True, apps=PEM),
        task("misplaced in an app of the bulk module", BULK, True, apps=[{"bundle_id": PEM}, *apps]),
        task("misplaced as apps of the bulk module", BULK, True, apps=PEM),
    ]
