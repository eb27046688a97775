# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks that meet secrets in every way: from all sources, in all forms, in success and in every kind of failure."""

from __future__ import annotations

import typing as t

from playground import API_KEY_ID, FIRST_APPLE_ID, ISSUER_ID, SECOND, STUDIO_A

from ansible_collections.storeops.refunds.plugins.module_utils._tasks.tracking import integrations as bulk_task

Json = dict[str, t.Any]
# ansible-core 2.22 hides a list that is no_log as a whole, and its words in the whole run.
HAS_OPEN_LISTS = not bulk_task.TASK.argument_spec["apps"].get("no_log")
WRONG_ISSUER = "69a6de7f-0000-47e3-e053-5b8c7c11a4d1"
# Nothing listens on port 1.
POSTGRESQL = "postgresql://tracker:{{ vault_db_password }}@127.0.0.1:1/ledger"
PEM = "{{ vault_a }}"
BULK = "refund_tracking_integrations"
STUDIO: Json = {"key": "studio", "private_key_content": PEM, "key_id": STUDIO_A, "issuer_id": ISSUER_ID}
REFUSED = {**STUDIO, "issuer_id": WRONG_ISSUER, "apps": ["com.example.one"]}


def task(name: str, module: str, fails: bool = False, **options: t.Any) -> Json:
    """A task; one that has to fail is named so."""
    made: Json = {"name": f"{name} (fails)" if fails else name, f"storeops.refunds.{module}": options}
    return {**made, "ignore_errors": True} if fails else made


def one_of_each(tasks: list[Json]) -> list[Json]:
    """For each module the first task that succeeds and the first that fails: how it is started and how it ends.

    What others need the result of stays, too.
    """
    chosen: dict[tuple[str, bool, bool], Json] = {}
    for made in tasks:
        module = next((name for name in made if name.startswith("storeops.refunds.")), None)
        if module is not None:
            chosen.setdefault((module, "ignore_errors" in made, "register" in made), made)
    return list(chosen.values())


# Ansible itself says what is wrong with a type or a field, with the value in its hand.
WRONG_TYPES = ("in a list", "in a mapping", "a text", "by name", "isn't a mapping", "unknown field")


def told_by_ansible(tasks: list[Json]) -> list[Json]:
    """Of each module a success and a failure, and all wrong types: where a version may differ from another one."""
    kept = one_of_each(tasks)
    return [made for made in tasks if made in kept or any(words in made["name"] for words in WRONG_TYPES)]


def keys() -> list[Json]:
    def key(name: str, content: t.Any, fails: bool = False, file: str = "one.p8", **options: t.Any) -> Json:
        own = {"private_key_path": "{{ work }}/" + file, "private_key_content": content, **options}
        return task(f"key, {name}", "appstore_iap_key", fails, **own)

    return [
        key("as PEM", PEM),
        key("escaped", "{{ vault_a_escaped }}", file="escaped.p8"),
        key("in base64", "{{ vault_a_base64 }}", file="base64.p8"),
        key("replaced, with a backup", "{{ vault_b }}", key_id=SECOND),
        task("key, from a file", "appstore_iap_key", private_key_path="{{ key_file }}"),
        task("key, removed", "appstore_iap_key", private_key_path="{{ work }}/one.p8", state="absent"),
        key("cut off", "{{ vault_a[:160] }}", True),
        key("cut off, in base64", "{{ vault_a_base64[:200] }}", True),
        key("without its first line", "{{ vault_a.splitlines()[1:] | join('\n') }}", True),
        key("in one line", "{{ vault_a | replace('\n', ' ') }}", file="line.p8"),
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
        task("session, as a header", "appstore_iap_key_info", session="myacinfo={{ vault_cookie }}"),
        task("session, no list", "appstore_iap_key_info", True, session="my {{ vault_cookie }}"),
    ]


def checks() -> list[Json]:
    module = "appstore_credential_check_info"
    apps = [{"bundle_id": "com.example.one", "key": "studio"}]
    other = {"key": "other", "private_key_content": "{{ vault_b }}", "key_id": SECOND, "issuer_id": ISSUER_ID}
    return [
        task("check, two keys", module, keys=[STUDIO, {**other, "apps": ["com.example.two"]}], apps=apps),
        task("check, escaped", module, keys=[{**STUDIO, "private_key_content": "{{ vault_a_escaped }}"}], apps=apps),
        task("check, a key that isn't a mapping", module, True, keys=[PEM], apps=apps),
        task("check, keys by name", module, True, keys={"studio": STUDIO}, apps=apps),
        task("check, keys that are a text", module, True, keys=PEM, apps=apps),
        task("check, a key with an unknown field", module, True, keys=[{"key": "studio", "pem": PEM}], apps=apps),
        task("check, a key in a list", module, True, keys=[{**STUDIO, "private_key_content": [PEM]}], apps=apps),
        *_declarations(),
        task(
            "check, refused",
            module,
            bundle_id="com.example.one",
            issuer_id=WRONG_ISSUER,
            key_id=STUDIO_A,
            private_key_content=PEM,
        ),
    ]


def _declarations() -> list[Json]:
    """The same keys and apps, with mistakes below a key and below an app's tracker."""
    module, token = "refund_tracking_declaration_info", "sk_{{ vault_db_password }}"

    def below(name: str, **fields: t.Any) -> Json:
        app = {"bundle_id": "com.example.one", **fields}
        return task(f"declaration, {name}", module, True, keys=[{**STUDIO, "apps": [app]}])

    return [
        task("declaration", module, keys=[{**STUDIO, "apps": ["com.example.one"]}]),
        task("declaration, a key as an app", module, True, keys=[{**STUDIO, "apps": [PEM]}]),
        below("a misspelt field", private_key=PEM),
        below("a misspelt option of devtodev", devtodev={"sesion": "{{ vault_cookie }}", "mode": "handoff"}),
        below("a misspelt option of RevenueCat", trackers=["revenuecat"], revenuecat={"apikey": token}),
        below("a text for devtodev", devtodev="{{ vault_cookie }}"),
        task("declaration, a name that is a secret", module, True, keys=[], variables=["refund_tracking_" + PEM]),
        task("declaration, a path that is a secret", module, True, keys=[STUDIO], paths={"refund_audit_path": PEM}),
    ]


def integrations() -> list[Json]:
    module = "refund_tracking_integration"
    one = {"bundle_id": "com.example.one", "issuer_id": ISSUER_ID, "key_id": STUDIO_A}

    def ledger(name: str, url: t.Any) -> Json:
        return task(
            f"ledger, {name}", module, True, **one, private_key_content=PEM, credential_check="skip", ledger=url
        )

    group = {"group/storeops.refunds.keys": {"issuer_id": ISSUER_ID}}
    own = {"bundle_id": "com.example.one", "key_id": STUDIO_A, "private_key_content": "{{ vault_a_base64 }}"}
    return [
        task("integration", module, **one, private_key_content=PEM),
        {"name": "Group defaults", "module_defaults": group, "block": [task("integration, unchanged", module, **own)]},
        task("integration, other key", module, **{**one, "key_id": SECOND}, private_key_content="{{ vault_b }}"),
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
    one = {"bundle_id": "com.example.one", "key": "studio"}
    other = {"key": "other", "private_key_content": "{{ vault_b }}", "key_id": SECOND, "issuer_id": ISSUER_ID}
    both = [STUDIO, {**other, "apps": ["com.example.two"]}]
    escaped = {**STUDIO, "private_key_content": "{{ vault_a_escaped }}"}
    damaged = {**STUDIO, "private_key_content": "{{ vault_a[:160] }}"}
    return [
        task("bulk, two keys", BULK, keys=both, apps=[one], purge=True),
        task("bulk, escaped", BULK, keys=[escaped], apps=[one]),
        task("bulk, refused", BULK, True, keys=[REFUSED]),
        task("bulk, unreadable", BULK, True, keys=[damaged], apps=[one, {**one, "environment": "sandbox"}]),
        task("bulk, a key in a list", BULK, True, keys=[{**STUDIO, "private_key_content": [PEM]}], apps=[one]),
        task("bulk, an unknown field", BULK, True, keys=[STUDIO], apps=[{**one, "pem": PEM}]),
    ]


def refunds() -> list[Json]:
    """Both kinds of keys in one task, for an app whose integration was just made; and the report of what failed."""
    key = {"issuer_id": ISSUER_ID, "key_id": STUDIO_A, "private_key_content": PEM}
    one = {**key, "bundle_id": "com.example.one", "app_apple_id": FIRST_APPLE_ID}
    api = {"api_issuer_id": ISSUER_ID, "api_key_id": API_KEY_ID}
    asked = {**key, "bundle_id": "com.example.one", "transaction_id": "2000000000000001"}

    def ledger(name: str, content: t.Any, fails: bool = False, **options: t.Any) -> Json:
        own = {**one, **api, "api_private_key_content": content, **options}
        return task(f"refunds, {name}", "refund_ledger", fails, **own)

    audited = task("audited", BULK, True, keys=[REFUSED])
    return [
        task("integration for refunds", "refund_tracking_integration", **one),
        ledger("as PEM", "{{ vault_api }}"),
        ledger("in base64", "{{ vault_api | b64encode }}"),
        # The key of another kind: App Store Connect refuses it, which is a warning.
        ledger("with the wrong key", "{{ vault_b }}"),
        ledger("cut off", "{{ vault_api[:160] }}", True),
        ledger("in a list", ["{{ vault_api }}"], True),
        ledger("in a mapping", {"pem": "{{ vault_api }}"}, True),
        ledger("refused port", "{{ vault_api }}", True, ledger={"url": POSTGRESQL}),
        task("refund info", "refund_info", **key),
        task("refund info, Apple is asked", "refund_info", **asked),
        task("refund info, not signed by Apple", "refund_info", True, **asked, root_certificate_path="~/apple.pem"),
        task("refund info, refused port", "refund_info", True, ledger={"url": POSTGRESQL}),
        task("refund export", "refund_export", path="{{ work }}/../export"),
        task(
            "refund export, refused port",
            "refund_export",
            True,
            ledger={"url": POSTGRESQL},
            path="{{ work }}/../export",
        ),
        {**audited, "register": "audited"},
        task("report", "refund_audit_report", results=["{{ audited }}"], path="{{ work }}/../report", fail_on=[]),
    ]


def copies(url: str) -> list[Json]:
    """The ledger that the other tasks filled, copied, and to a server that isn't there."""
    module, own = "refund_ledger_copy", {"url": url}
    return [
        task("copy", module, from_ledger=own, to_ledger={"url": "sqlite:///{{ work }}/copy.db"}),
        task("copy, no server", module, True, from_ledger=own, to_ledger={"url": POSTGRESQL}),
    ]


def notification_urls() -> list[Json]:
    """An API key in every form, and a URL whose path is a secret of the service that has it now."""
    api = {"api_issuer_id": ISSUER_ID, "api_key_id": API_KEY_ID}
    one = {**api, "bundle_id": "com.example.one", "production_url": "https://refunds.example.com/apple"}
    key = {"issuer_id": ISSUER_ID, "key_id": STUDIO_A, "private_key_content": PEM, "verify": True}

    def url(name: str, content: t.Any, fails: bool = False, **options: t.Any) -> Json:
        own = {**one, "api_private_key_content": content, "on_other_url": "replace", **options}
        return task(f"notification URL, {name}", "app_store_notification_url", fails, **own)

    return [
        url("as PEM", "{{ vault_api }}", **key),
        url("in base64", "{{ vault_api | b64encode }}"),
        url("with the wrong key", "{{ vault_b }}", True),
        url("cut off", "{{ vault_api[:160] }}", True),
        url("in a list", ["{{ vault_api }}"], True),
        url("with a key that can't be used", "{{ vault_api }}", True, **{**key, "private_key_content": PEM + "x"}),
        url("refused port", "{{ vault_api }}", True, ledger={"url": POSTGRESQL}),
    ]


def role() -> list[Json]:
    cut = {"key": "bad", "private_key_content": "{{ vault_b[:160] }}", "private_key_path": "{{ work }}/bad.p8"}
    bad = {**STUDIO, **cut, "apps": ["com.example.two"]}
    apps = [{"bundle_id": "com.example.one", "key": "studio"}]
    include = {"ansible.builtin.include_role": {"name": "storeops.refunds.refund_tracking"}}
    variables = {"refund_tracking_keys": [STUDIO, bad], "refund_tracking_apps": apps}
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
        *_misplaced_around_refunds(),
    ]


def malformed() -> list[Json]:
    """Options of a tracker that are no mapping, or have a field that there is none of. Nothing tells what is meant."""
    one = {"bundle_id": "com.example.one", "issuer_id": ISSUER_ID, "key_id": STUDIO_A, "private_key_content": PEM}
    token = "sk_{{ vault_db_password }}"
    shapes: list[tuple[str, t.Any]] = [
        ("ledger", POSTGRESQL),
        ("ledger", [POSTGRESQL]),
        ("ledger", {POSTGRESQL: None}),
        ("ledger", {"uri": POSTGRESQL}),
        ("ledger", f"uri={POSTGRESQL}"),
        ("ledger", {"url": {"password": "{{ vault_db_password }}"}}),
        ("revenuecat", token),
        ("revenuecat", {"apikey": token}),
        ("revenuecat", {"project_id": "proj1ab2c3d4", "api_keys": [token]}),
        ("qonversion", {"apikey": token, "project": "4k7Jtwm3"}),
        ("devtodev", "{{ vault_db_password }}"),
        ("devtodev", "{{ vault_cookie }}\n{{ vault_db_password }}"),
        ("devtodev", {"sesion": "{{ vault_cookie }}", "mode": "handoff"}),
    ]
    tasks = [
        task(f"malformed {option} {number}", module, True, **{**more, option: value})
        for number, (option, value) in enumerate(shapes)
        for module, more in (("refund_tracking_integration", one), (BULK, {"apps": [{"bundle_id": "com.example.one"}]}))
    ]
    apps = [{"bundle_id": "com.example.one", "private_key": token}]
    return [
        *tasks,
        *_misnamed(),
        task("malformed app", BULK, True, apps=apps),
        task("malformed apps", BULK, True, apps=token),
    ]


def _misnamed() -> list[Json]:
    """A secret in the place of a name, and a mapping with one where the name of a key is due."""
    name, nothing = "{{ {vault_db_password: 'x'} }}", "{{ {vault_db_password: none} }}"
    app, apps = "{'bundle_id': 'com.example.one'}", [{"bundle_id": "com.example.one", "key": "a"}]
    audit = {"refund_audit_keys": nothing, "refund_audit_apps": apps, "refund_audit_path": "{{ work }}/../report"}
    tracking = {"refund_tracking_keys": nothing, "refund_tracking_apps": apps}
    options: list[Json] = [
        {"apps": [f"{{{{ {app} | combine({{vault_db_password: 'x'}}) }}}}"]},
        {"apps": [f"{{{{ {app} | combine({{vault_db_password: none}}) }}}}"]},
        {"apps": [{**apps[0], "key": {"private_key_content": "{{ vault_db_password }}"}}]},
        {"apps": apps, "keys": nothing},
        {"apps": apps, "keys": [nothing]},
        {"apps": apps, "keys": [name]},
        {"apps": apps, "keys": [f"{{{{ {{'key': 'a'}} | combine({name[3:-3]}) }}}}"]},
        {"apps": apps, "revenuecat": name},
        {"apps": apps, "devtodev": {"page": nothing}},
    ]
    return [
        *(task(f"malformed name {number}", BULK, True, **given) for number, given in enumerate(options)),
        *_role("refund_audit", audit),
        *_role("refund_audit", {**audit, "refund_audit_keys": [nothing]}),
        *_role("refund_tracking", tracking),
        *_role("refund_tracking", {**tracking, "refund_tracking_keys": [nothing]}),
    ]


def _role(name: str, variables: Json) -> list[Json]:
    """A role that has to fail."""
    include = {"ansible.builtin.include_role": {"name": f"storeops.refunds.{name}"}}
    never = {"name": "The role did not fail", "ansible.builtin.assert": {"that": False}}
    rescue = [
        {
            "name": "The role failed as it should",
            "ansible.builtin.assert": {"that": "ansible_failed_task.name != 'The role did not fail'"},
        }
    ]
    return [{"name": "Role", "block": [{"name": "Role", **include, "vars": variables}, never], "rescue": rescue}]


def _misplaced_around_refunds() -> list[Json]:
    one = {"bundle_id": "com.example.one", "private_key_path": "{{ key_file }}", "app_apple_id": FIRST_APPLE_ID}
    api = {"api_issuer_id": ISSUER_ID, "api_key_id": API_KEY_ID, "api_private_key_path": "{{ api_key_file }}"}
    integration = {**one, "issuer_id": ISSUER_ID, "key_id": STUDIO_A}
    urls = {**api, "bundle_id": "com.example.one", "production_url": "https://refunds.example.com/apple"}
    in_ledger = ("bundle_id", *api, "app_store_connect_api_url", "root_certificate_path")
    in_info = ("bundle_id", "since", "until", "after", "source", "transaction_id", "root_certificate_path")
    in_lists = ("bundle_ids", "currencies")
    return [
        task("integration for refunds", "refund_tracking_integration", **integration),
        *(
            task(f"misplaced in {option} of refund_ledger", "refund_ledger", True, **{**one, **api, option: PEM})
            for option in in_ledger
        ),
        *(task(f"misplaced in {option} of refund_info", "refund_info", True, **{option: PEM}) for option in in_info),
        *(task(f"misplaced in {option} of refund_info", "refund_info", True, **{option: [PEM]}) for option in in_lists),
        *(
            task(f"misplaced in {next(iter(option))}", "app_store_notification_url", True, **{**urls, **option})
            for option in ({"production_url": PEM}, {"sandbox_url": PEM}, {"apps": [{"bundle_id": PEM}]})
        ),
        task("misplaced in a result", "refund_audit_report", True, results=[{"bundle_id": PEM}], path="{{ work }}"),
        task("misplaced as results", "refund_audit_report", True, results=PEM, path="{{ work }}"),
    ]
