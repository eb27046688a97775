# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts a pattern means: as Ansible counts them, with ``--limit`` and without."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader


class Matching:
    """The hosts of an inventory by pattern. ``groups``: Ansible's variable of that name, which no limit narrows."""

    def __init__(self, groups: t.Mapping[str, t.Iterable[str]]) -> None:
        self._inventory = InventoryManager(DataLoader(), parse=False)
        for group, hosts in groups.items():
            self._inventory.add_group(group)
            for host in hosts:
                self._inventory.add_host(host, group=group)

    def hosts(self, pattern: t.Any, limit: str = "") -> list[str]:
        """Return the names of the hosts. Raises AnsibleError for a limit that can't be read."""
        self._inventory.subset(limit or None)
        try:
            return [str(host.name) for host in self._inventory.get_hosts(pattern=pattern)]
        except AnsibleError:
            # As Ansible may be configured for a pattern without a host.
            return []
