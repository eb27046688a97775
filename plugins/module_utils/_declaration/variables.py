# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of the variables that roles and playbooks of the collection read: a misspelt one would be ignored."""

from __future__ import annotations

import difflib
import typing as t

from .._action_groups import GROUPS
from .._declared_spec import OF_HOSTS

# All of them; a test compares with the roles' argument specifications.
KNOWN = frozenset(
    (
        *("refund_tracking_keys", "refund_tracking_apps", "refund_tracking_session", "refund_tracking_session_path"),
        *("refund_tracking_app_store_connect_url", "refund_tracking_results", "refund_tracking_key_results"),
        "refund_tracking_removed",
        *("refund_tracking_defaults", "refund_tracking_hosts"),
        *("refund_audit_path", "refund_audit_keys", "refund_audit_apps", "refund_audit_title"),
        *("refund_audit_waivers", "refund_audit_fail_on", "refund_audit_refund_days", "refund_audit_refunds"),
        *("refund_audit_result", "refund_audit_results", "refund_audit_defaults", "refund_audit_hosts"),
        *(name for name in OF_HOSTS.values() if name.startswith("refund_audit_")),
        *("refund_history_keys", "refund_history_apps", "refund_history_retention_days", "refund_history_result"),
        *(
            "refund_history_export_folder",
            "refund_history_export_deadline",
            "refund_history_export",
            "refund_history_sums_by",
            "refund_history_sums",
        ),
        *("iap_key_rotation_keys", "iap_key_rotation_apps", "iap_key_rotation_name"),
        *("iap_key_rotation_new_key_id", "iap_key_rotation_private_key_path", "iap_key_rotation_old_key_id"),
        *("iap_key_rotation_issuer_id", "iap_key_rotation_team_id", "iap_key_rotation_session"),
        *("iap_key_rotation_session_path", "iap_key_rotation_app_store_connect_url", "iap_key_rotation_hook"),
        *("iap_key_rotation_wait", "iap_key_rotation_revoke_old", "iap_key_rotation_new_key"),
        *("iap_key_rotation_result", "iap_key_custody_private_key_path", "iap_key_custody_store"),
        *("iap_key_custody_place", "iap_key_custody_keep_file", "iap_key_custody_name", "iap_key_custody_key_id"),
        *("iap_key_custody_issuer_id", "iap_key_custody_team_id", "iap_key_custody_session"),
        *("iap_key_custody_session_path", "iap_key_custody_app_store_connect_url", "iap_key_custody_ansible_vault"),
        *("iap_key_custody_hashicorp_vault", "iap_key_custody_onepassword"),
        *("notification_urls_keys", "notification_urls_apps", "notification_urls_on_other_url"),
        *("notification_urls_on_version_1", "notification_urls_verify", "notification_urls_result"),
        *("refund_export_result", "refund_export_folder", "refund_export_options"),
        *("field_check_result", "field_check_folder", "field_check_options", "field_check_hosts"),
    )
)
_PREFIXES = (
    *("refund_tracking", "refund_audit", "refund_history", "refund_export"),
    *("iap_key_rotation", "iap_key_custody", "notification_urls", "field_check"),
)
_SLIP = 0.9
# Of the name of a role: refund_report is no slip of refund_export.
_SLIP_OF_ROLE = 0.925
_DEFAULTS = "refund_tracking_"
_SHARED = "refund_tracking"
# This role includes the other one, which reads its own.
_INCLUDED = {"refund_tracking": "notification_urls"}
# What a role leaves behind for others.
_REGISTERED = ("result", "results", "key_results", "removed", "export", "sums")
# Who misses a text or a path of a key here has to know at once: whatever they don't read is refused.
_STRICT = ("iap_key_rotation_", "iap_key_custody_")


def misspelt(names: t.Iterable[str]) -> list[str]:
    """Return a sentence about each name that resembles a known one, or begins like a strict role's, and is none."""
    return [told for name in sorted(names) if (told := _told(name))]


def meant_as_defaults(names: t.Iterable[str]) -> list[str]:
    """Return a sentence about each name that looks like an option of all tasks; it may be the user's own."""
    known = {f"{_DEFAULTS}{option}": option for options in GROUPS.values() for option in options}
    found = [(name, difflib.get_close_matches(name, known, 1, _SLIP)) for name in sorted(names) if name not in KNOWN]
    return [
        f"{name}: no role or playbook of storeops.refunds reads this variable. An option of all tasks belongs in "
        f"refund_tracking_defaults: {{{known[near[0]]}: ...}}."
        for name, near in found
        if near and name.startswith(_DEFAULTS) and not misspelt([name])
    ]


def of_others(names: t.Collection[str], reader: str) -> list[str]:
    """Return a sentence about each name of another role that has a namesake here, which isn't given.

    ``reader``: the prefix of the variables that are read, empty where nobody says. One variables file serves all
    playbooks, so that a name without a namesake is nothing to be told.
    """
    own = {name: name.removeprefix(f"{reader}_") for name in KNOWN if reader and name.startswith(f"{reader}_")}
    read_too = (_SHARED, _INCLUDED.get(reader))
    told = []
    for name in sorted(KNOWN.intersection(names) - own.keys()):
        prefix = next((one for one in _PREFIXES if name.startswith(f"{one}_")), _SHARED)
        rest = name.removeprefix(f"{prefix}_")
        meant = [mine for mine, ending in own.items() if _ends_alike(rest, ending)]
        if prefix not in read_too and rest not in _REGISTERED and meant and not set(meant).intersection(names):
            told.append(f"{name} belongs to {prefix} and isn't read here. Did you mean {min(meant, key=len)}?")
    return told


def _ends_alike(one: str, other: str) -> bool:
    return f"_{one}".endswith(f"_{other}") or f"_{other}".endswith(f"_{one}")


def _told(name: str) -> str:
    start = f"{name}: no such variable is read."
    meant = _meant(name)
    if meant:
        return f"{start} Did you mean {meant}?"
    # A name of the user's own that begins like ours.
    if name in KNOWN or not name.startswith(_STRICT) or any(name.startswith(f"{one}_") for one in KNOWN):
        return ""
    if name.endswith("_private_key_content"):
        return f"{start} A key's text belongs in its entry of refund_tracking_keys: key_id and private_key_content."
    return f"{start} Remove it, or give it a name that doesn't begin with {next(filter(name.startswith, _STRICT))}."


def _meant(name: str) -> str:
    if name in KNOWN or not _begins_like_ours(name):
        return ""
    meant = next(iter(difflib.get_close_matches(name, KNOWN, 1, _SLIP)), "")
    # A name of the user's own that begins like ours.
    return "" if meant and name.startswith(f"{meant}_") else meant


def _begins_like_ours(name: str) -> bool:
    """Tell a slip in the name of a role from a name of the user's own, which may end like one of ours."""
    if name.startswith(_PREFIXES):
        return True
    words = name.split("_")
    starts = (("_".join(words[: prefix.count("_") + 1]), prefix) for prefix in _PREFIXES)
    return any(difflib.get_close_matches(start, [prefix], 1, _SLIP_OF_ROLE) for start, prefix in starts)
