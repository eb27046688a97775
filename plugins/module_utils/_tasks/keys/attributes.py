# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mode and owner of a key file: what can't be used is refused before anything is written, in check mode too."""

from __future__ import annotations

import os
import stat
import typing as t

from ..._context import AttributeRefused, Context
from ..._model.errors import FileError
from ..._model.identifiers import shown

_OTHER_USER = (
    "Set mode and owner to what the file has, run this task as its owner (become), or set "
    "private_key_file_policy: mounted, which takes the file as it is."
)
# What would outlive a trial: a file that nobody may remove.
LASTING = ("attributes",)


class AttributesRefused(FileError):
    """``changed``: something was set before it was refused."""

    def __init__(self, message: str, next_step: str, changed: bool = False) -> None:
        super().__init__(message, next_step)
        self.changed = changed


def refuse_unusable(path: str, context: Context, is_new: bool) -> None:
    """Raise FileError when a file at ``path`` can't get what is given: a value is wrong, or only root may set it.

    ``is_new``: the file is to be written, and is this user's then.
    """
    attributes = context.file_attributes
    if attributes is None:
        return
    folder = os.path.dirname(os.path.abspath(path))
    fault = attributes.unusable(folder)
    if fault:
        told = f"{fault.option}: {shown(str(fault.value))} can't be set for {path}: {fault}."
        raise FileError(told, f"Correct {fault.option}. Nothing was changed.")
    if os.geteuid() == 0:
        return
    held = None if is_new else _status(path)
    uid, gid = attributes.ids()
    if uid is not None and uid != (held.st_uid if held else os.geteuid()):
        raise _refused(path, AttributeRefused("owner", uid, "only root can give a file to another user"), held)
    groups = {os.getegid(), *os.getgroups(), *({held.st_gid} if held else _inherited_group(folder))}
    if gid is not None and gid not in groups:
        raise _refused(path, AttributeRefused("group", gid, "this user isn't in that group"), held)


def apply_attributes(
    path: str, diff: dict[str, t.Any], context: Context, without: t.Container[str] = (), of: str = ""
) -> bool:
    """Set mode, owner and so on, note it in ``diff``, and tell whether anything differed. Raises AttributesRefused.

    ``of``: the path that a message names, where ``path`` is only a trial for it.
    """
    if context.file_attributes is None:
        return False
    try:
        differs = context.file_attributes.apply(path, diff, without)
    except AttributeRefused as refusal:
        raise _refused(of or path, refusal, None if of else _status(path)) from None
    # Check mode tries nothing, and has to say what the run will say.
    if differs and context.check_mode and not is_changeable(path):
        first = next((name for name in ("owner", "group", "mode") if name in diff.get("after", {})), "mode")
        raise _refused(
            path, AttributeRefused(first, diff.get("after", {}).get(first), "Operation not permitted"), _status(path)
        )
    if not of:
        _warn_if_open(path, diff, context)
    return differs


def _warn_if_open(path: str, diff: t.Mapping[str, t.Any], context: Context) -> None:
    """Say who else could reach a key file that is closed now: a mended mode calls nothing back that was read before."""
    before, after = (diff.get(side, {}).get("mode") for side in ("before", "after"))
    closed = int(before, 8) & ~int(after, 8) if before and after else 0
    told = [who for bits, who in ((0o070, "its group"), (0o007, "all other users of this machine")) if closed & bits]
    if told:
        sets = "would set" if context.check_mode else "has set"
        context.warn(
            f"The key file {path} was open to {' and to '.join(told)}: mode {before}, which this task {sets} to "
            f"{after}. If someone may have read the private key, replace it: storeops.refunds.rotate_key does so "
            "without a gap."
        )


def is_changeable(path: str) -> bool:
    """Tell whether this user may change the mode of a file; root and its owner may."""
    try:
        return os.geteuid() in (0, os.lstat(path).st_uid)
    except OSError:
        return True


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _inherited_group(folder: str) -> set[int]:
    status = _status(folder)
    return {status.st_gid} if status and status.st_mode & stat.S_ISGID else set()


def _refused(path: str, refusal: AttributeRefused, held: os.stat_result | None) -> AttributesRefused:
    was = f"it has mode {stat.S_IMODE(held.st_mode):04o} and belongs to the user {held.st_uid}, " if held else ""
    return AttributesRefused(
        f"{refusal.option}: {shown(str(refusal.value))} can't be set for {path}: {refusal} ({was}this is the user "
        f"{os.geteuid()}).",
        _OTHER_USER if held else f"Leave {refusal.option} out, or run this task as root (become).",
        refusal.changed,
    )
