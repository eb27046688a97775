# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: app_store_connect
short_description: The apps of an App Store Connect team as hosts
version_added: 0.1.0
author:
  - storeops.refunds contributors (@storeops)
description:
  - Asks the App Store Connect API for the apps of the API key's team. Every app becomes a host, so that plays over
    hundreds of apps can be limited, grouped, run with forks, and sliced.
  - The file's name must end in C(app_store_connect.yml), C(app_store_connect.yaml), C(storeops.yml) or
    C(storeops.yaml).
  - The key is an App Store Connect API key (C(AuthKey_...p8)), not the In-App Purchase key that the modules of this
    collection declare. The role Developer, or any other that can see apps, should be enough.
  - Names and SKUs come from the service and are never evaluated as templates.
  - An app whose host name would be that of a group or of this machine (V(all), V(localhost), any name without a
    period) is left out with a warning. With O(hostname_prefix) it is a host like all others.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Must be V(storeops.refunds.app_store_connect).
    type: str
    required: true
    choices: [storeops.refunds.app_store_connect]
  api_issuer_id:
    description:
      - Issuer ID of the team.
      - Leave it out for an individual key. Apple doesn't document its tokens. They are made as other tools make them.
      - May be a template.
    type: str
    env:
      - name: STOREOPS_APP_STORE_CONNECT_API_ISSUER_ID
  api_key_id:
    description:
      - Key ID of the API key. When left out, it is read from a file name of the form C(AuthKey_<Key ID>.p8).
      - May be a template.
    type: str
    env:
      - name: STOREOPS_APP_STORE_CONNECT_API_KEY_ID
  api_private_key_path:
    description:
      - Path of the API key's C(.p8) file. This or O(api_private_key_content) is required.
      - C(~) and variables of the environment are replaced. A relative path starts at the inventory file's folder.
      - May be a template.
    type: str
    env:
      - name: STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH
  api_private_key_content:
    description:
      - The text of the C(.p8) file. Better a template, a vaulted value or the environment than the text itself.
      - May be a template.
    type: raw
    env:
      - name: STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_CONTENT
  private_key_file_policy:
    description:
      - V(strict) reads no symbolic link and no file that group or others can access.
      - V(mounted) accepts the links and modes of secrets that Kubernetes, Docker or GitLab mount.
    type: str
    choices: [strict, mounted]
    default: strict
  app_store_connect_api_url:
    description:
      - Base URL of the App Store Connect API, for a simulator or a gateway. Apple's own when left out.
      - Must be https, or http to this machine. Links to further pages are followed on the same host and port only.
      - May be a template.
    type: str
  bundle_ids:
    description:
      - Only these apps; capitals count. The plugin warns of an app that it doesn't find. All apps of the team when
        left out.
    type: list
    elements: str
  environment:
    description:
      - The App Store environment that the hosts stand for, the variable C(app_environment).
    type: str
    choices: [production, sandbox]
    default: production
  query_released:
    description:
      - Asks with a second request which apps have a version that is ready for sale. Sets C(app_released), and puts
        each host into C(app_store_released) or C(app_store_not_released).
      - An app that was taken off sale counts as not released here, although production still answers for it.
    type: bool
    default: false
  hostname:
    description:
      - What a host is called.
    type: str
    choices: [bundle_id, apple_id]
    default: bundle_id
  hostname_prefix:
    description:
      - Stands before every host name, so that two inventories (production and sandbox) can be used together.
      - Letters, digits, periods, hyphens and underscores.
    type: str
    default: ''
  set_connection:
    description:
      - Sets C(ansible_connection) to V(local), because the work is done on the controller.
    type: bool
    default: true
  set_python_interpreter:
    description:
      - Sets C(ansible_python_interpreter) to the Python that runs Ansible, which is the one with this collection's
        libraries.
    type: bool
    default: true
  ca_path:
    description:
      - File with CA certificates in PEM to trust instead of the usual ones.
    type: path
  request_timeout:
    description:
      - Seconds that one HTTP request may take.
    type: float
    default: 15.0
  deadline:
    description:
      - Seconds that all calls may take together, retries included.
    type: float
    default: 120.0
notes:
  - Variables of a host are C(app_bundle_id), C(app_apple_id), C(app_name), C(app_sku), C(app_environment), and
    C(app_released) with O(query_released=true).
  - Two hundred apps take one request of the key's hourly quota (3500 or so). Set O(cache=true) to ask less often; the
    cache holds what the service answered and no secret.
  - Proxies are taken from E(https_proxy), E(http_proxy) and E(no_proxy); a SOCKS proxy is refused. C(~/.netrc) is never
    read.
  - When this plugin fails, ansible-core tries the file with its other inventory plugins and shows each one's message.
    Read the message about the plugin V(auto) or about this one. If all your inventories are of this plugin,
    C(ANSIBLE_INVENTORY_ENABLED=storeops.refunds.app_store_connect), or C(enable_plugins) in the section C(inventory)
    of C(ansible.cfg), makes it the only one.
  - Then ansible-core goes on without the hosts, and the play succeeds.
    C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true), or C(any_unparsed_is_failed) in the same section, makes it fail.
requirements:
  - cryptography
  - requests
  - PyJWT
seealso:
  - module: storeops.refunds.refund_tracking_integration
  - module: storeops.refunds.refund_tracking_integration_info
"""

EXAMPLES = r"""
# apps.app_store_connect.yml: the file name gives the Key ID
plugin: storeops.refunds.app_store_connect
api_issuer_id: 57246542-96fe-1a63-e053-0824d011072a
api_private_key_path: /etc/storeops/AuthKey_D383SF7391.p8
---
# The key from the environment (STOREOPS_APP_STORE_CONNECT_API_...); groups by state and by studio
plugin: storeops.refunds.app_store_connect
query_released: true
keyed_groups:
  - key: app_bundle_id.split('.')[1]
    prefix: studio
groups:
  games: "'.game' in app_bundle_id"
compose:
  storeops_key: "'studio_a' if app_bundle_id.startswith('com.example.') else 'studio_b'"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: /var/cache/storeops
---
# A second inventory of the same apps, for the sandbox
plugin: storeops.refunds.app_store_connect
environment: sandbox
hostname_prefix: sandbox.
api_private_key_content: "{{ lookup('ansible.builtin.file', '/run/secrets/api_key') }}"
"""

import difflib
import os
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable

from ansible_collections.storeops.refunds.plugins.module_utils._run import plain
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps.connect_apps import TASK
from ansible_collections.storeops.refunds.plugins.plugin_utils import _app_hosts as app_hosts
from ansible_collections.storeops.refunds.plugins.plugin_utils._option_task import run_with_options

_FILE_NAMES = tuple(f"{name}.{suffix}" for name in ("app_store_connect", "storeops") for suffix in ("yml", "yaml"))


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "storeops.refunds.app_store_connect"

    def verify_file(self, path: str) -> bool:
        """Tell whether this is a file for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(_FILE_NAMES)

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        """Fill the inventory with one host per app."""
        super().parse(inventory, loader, path, cache)
        self._refuse_unknown(self._read_config_data(path) or {})
        self.templar.available_variables = self._vars or {}
        hosts = app_hosts.AppHosts(
            environment=self.get_option("environment"),
            hostname=self.get_option("hostname"),
            prefix=self.get_option("hostname_prefix"),
            is_local=self.get_option("set_connection"),
            has_interpreter=self.get_option("set_python_interpreter"),
        )
        if not hosts.has_sound_prefix:
            raise AnsibleParserError("hostname_prefix: use letters, digits, periods, hyphens and underscores.")
        apps = self._apps(path, cache)
        # Before any is added: Ansible takes nothing back of a file that fails.
        for app in apps:
            self._refuse_other_app(inventory, hosts.name(app), hosts.variables(app))
        for app in apps:
            name = hosts.name(app)
            if hosts.is_safe(name) and name not in inventory.groups:
                self._add(inventory, hosts, app)
            else:
                self._warn(f"{self.NAME}: {app_hosts.left_out(app)}")

    def _refuse_other_app(self, inventory: t.Any, name: str, variables: t.Mapping[str, t.Any]) -> None:
        """Raise AnsibleParserError where another inventory has the host for another app, which would be lost."""
        held = inventory.hosts[name].vars if name in inventory.hosts else {}
        for variable in ("app_bundle_id", "app_environment"):
            if held.get(variable, variables[variable]) != variables[variable]:
                raise AnsibleParserError(
                    f"{self.NAME}: the host {name!a} has {variable}: {held[variable]} from another inventory already, "
                    f"and is to have {variables[variable]} now. Set hostname_prefix, such as sandbox., in one of them."
                )

    def _warn(self, text: str) -> None:
        self.display.warning(app_hosts.as_ascii(text))

    def _refuse_unknown(self, given: t.Mapping[str, t.Any]) -> None:
        """Ansible ignores options of an inventory file that the plugin doesn't have."""
        known = set(self.option_definitions) | {
            alias for option in self.option_definitions.values() for alias in option.get("aliases") or ()
        }
        for name in sorted(map(str, set(given) - known)):
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(known))}."
            raise AnsibleParserError(f"{self.NAME}: unknown option {name!a}. {hint}")

    def _apps(self, path: str, may_read_cache: bool) -> list[app_hosts.App]:
        if not self.get_option("cache"):
            return self._asked(path)
        key = f"{self.get_cache_key(path)}_{app_hosts.digest(self._asked_for())}"
        held = self._held(key) if may_read_cache else None
        if app_hosts.is_sound(held):
            return t.cast("list[app_hosts.App]", held)
        apps = self._asked(path)
        self._cache[key] = apps
        return apps

    def _held(self, key: str) -> t.Any:
        try:
            return self._cache[key]
        except (KeyError, TypeError, ValueError, AnsibleError):
            # Not there, or damaged, which the service's answer mends.
            return None

    def _asked_for(self) -> list[t.Any]:
        """Return what an answer depends on, without anything secret."""
        public = ("api_issuer_id", "api_key_id", "api_private_key_path", "app_store_connect_api_url")
        return [self._option(name) for name in (*public, "bundle_ids", "query_released")]

    def _asked(self, path: str) -> list[app_hosts.App]:
        options = {name: self._option(name) for name in TASK.argument_spec if name != "wait_timeout"}
        options["api_private_key_path"] = app_hosts.absolute(options["api_private_key_path"], path)
        if isinstance(options["api_private_key_content"], (dict, list)):
            # Ansible's own check of the type would show the value.
            raise AnsibleParserError("api_private_key_content: isn't text. Give the text of the AuthKey_<Key ID>.p8.")
        results = run_with_options(TASK, options, self._warn, os.environ)
        if results.get("failed"):
            raise AnsibleParserError(app_hosts.as_ascii(f"{self.NAME}: {results['msg']}"))
        return t.cast("list[app_hosts.App]", results["apps"])

    def _option(self, name: str) -> t.Any:
        value, origin = self.get_option_and_origin(name)
        # Only what the inventory file says is a template; ansible-core trusts values of the environment, too.
        return self.templar.template(value) if origin == "Direct" else plain(value)

    def _add(self, inventory: t.Any, hosts: app_hosts.AppHosts, app: app_hosts.App) -> None:
        name = inventory.add_host(hosts.name(app))
        variables = hosts.variables(app)
        for variable, value in variables.items():
            inventory.set_variable(name, variable, value)
        for group in hosts.groups(app):
            inventory.add_child(inventory.add_group(group), name)
        is_strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=is_strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=is_strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=is_strict)
