#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_store_notification_url
short_description: Set and prove the URL to which Apple sends an app's server notifications
version_added: 0.1.0
description:
  - Sets the production and sandbox URLs of App Store Server Notifications in App Store Connect, always as version 2.
    Without a URL of version 2, Apple keeps no history of an app's refunds.
  - Apple knows one URL for each app and environment. A new URL replaces that of another service, so a URL of another
    host is left alone unless O(on_other_url=replace).
  - For an app with an integration in the ledger, the answer of App Store Connect is stored there. The coverage of the
    app's refunds then shows since when Apple keeps a history.
  - A URL may contain a secret of the service behind it. Results and diffs only show its host and its SHA-256.
options:
  bundle_id:
    description:
      - Bundle ID of the app. Give this or O(apps).
    type: str
  apps:
    description:
      - The apps. Every app is tried; the task fails once, at the end.
    type: list
    elements: dict
    suboptions:
      bundle_id:
        description: Bundle ID of the app, with its capitals.
        type: str
        required: true
      production_url:
        description: URL of this app in production. O(production_url) when left out.
        type: str
      sandbox_url:
        description: URL of this app in the sandbox. O(sandbox_url) when left out.
        type: str
  production_url:
    description:
      - The https URL that Apple is to call in production.
      - Production is left alone when this is left out.
    type: str
  sandbox_url:
    description:
      - The https URL that Apple is to call in the sandbox.
      - The sandbox is left alone when this is left out. Apple then uses the production URL for it.
    type: str
  on_other_url:
    description:
      - What to do where a URL of another host is set. For a sandbox without its own URL, that of production counts.
      - V(keep) leaves it alone and warns with the name of the host.
      - V(replace) takes it. The other service gets no more notifications.
      - V(fail) leaves it alone and fails.
    type: str
    choices: [keep, replace, fail]
    default: keep
  on_version_1:
    description:
      - What to do where a URL of the declared host is set as version 1.
      - V(keep) leaves it alone and warns, V(fail) leaves it alone and fails.
      - V(replace) sets version 2, whose notifications have another format. Apple's way back is
        PATCH /v1/apps/{id} with version V1 (TN3180); this collection doesn't do it.
    type: str
    choices: [keep, replace, fail]
    default: keep
  verify:
    description:
      - Asks Apple for a test notification to every URL that is as declared, and fails where Apple could not deliver it.
      - The In-App Purchase key is the one stored with the app's integration in the ledger, else O(private_key_path).
      - Each run posts to the server behind the URL. Nothing is posted in check mode, nor by the run that replaces
        a URL, because Apple may call the one of before for up to an hour. Run again after that. An earlier run isn't
        prevented, and its test proves nothing.
    type: bool
    default: false
  wait_timeout:
    description:
      - Seconds to wait for the result of a test notification.
    type: float
    default: 60.0
  issuer_id:
    description:
      - Issuer ID of the In-App Purchase key for O(verify), where the ledger has no integration of the app.
    type: str
  key_id:
    description:
      - Key ID of that key. Read from a file name C(SubscriptionKey_<Key ID>.p8) when left out.
    type: str
  private_key_path:
    description:
      - Path of that key's C(.p8) file.
    type: path
  private_key_content:
    description:
      - The text of that key's C(.p8) file.
    type: str
  private_key_file_policy:
    description:
      - V(strict) reads no symbolic link and no file that group or others can access.
      - V(mounted) accepts the links and modes of secrets that Kubernetes, Docker or GitLab mount.
    type: str
    choices: [strict, mounted]
    default: strict
  ledger:
    description:
      - Where the ledger lies.
    type: dict
    suboptions:
      url:
        description:
          - C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database).
          - The environment variable E(STOREOPS_LEDGER_URL) is used when the option is not set.
        type: str
  api_issuer_id:
    description:
      - Issuer ID of the App Store Connect API key. Left out for an individual key.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_ISSUER_ID) is used when the option is not set.
    type: str
  api_key_id:
    description:
      - Key ID of the App Store Connect API key. Read from a file name C(AuthKey_<Key ID>.p8) when left out.
      - Its role has to allow changes of apps.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_KEY_ID) is used when the option is not set.
    type: str
  api_private_key_path:
    description:
      - Path of the API key's C(.p8) file.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH) is used when the option is not set.
    type: path
  api_private_key_content:
    description:
      - The text of the API key's C(.p8) file.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_CONTENT) is used when the option is not
        set.
    type: str
  app_store_connect_api_url:
    description:
      - Base URL of the App Store Connect API, for a simulator. Apple's when left out.
    type: str
  app_store_server_url:
    description:
      - Base URL of the App Store Server API, for a simulator, with C({environment}) in it. Apple's when left out.
    type: str
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER) than Apple Root CA - G3, for a simulator.
    type: path
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
      - Seconds that all calls of the task may take together, retries and waiting included.
    type: float
    default: 120.0
  concurrency:
    description:
      - Most calls at the same time.
    type: int
    default: 64
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
  - storeops.refunds._attributes.changes
requirements:
  - cryptography
  - requests with urllib3 2.6 or newer, and PyJWT
  - SQLAlchemy and alembic, and psycopg for a ledger in PostgreSQL
notes:
  - The attributes are documented in the release notes of the App Store Connect API 1.6 and 1.7. Its answer to a wrong
    URL isn't documented. It is shown as it comes.
seealso:
  - module: storeops.refunds.refund_ledger
"""

EXAMPLES = r"""
- name: Let Apple send an app's notifications to our receiver, and prove that they arrive
  storeops.refunds.app_store_notification_url:
    bundle_id: com.example.one
    production_url: https://refunds.example.com/apple
    sandbox_url: https://refunds.example.com/apple
    api_issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    api_private_key_path: "{{ keys_folder }}/AuthKey_9XK2M4N6P8.p8"
    verify: true
  register: urls

- name: The same URL for several apps; which of them lie with another service?
  storeops.refunds.app_store_notification_url:
    apps:
      - bundle_id: com.example.one
      - bundle_id: com.example.two
    production_url: https://refunds.example.com/apple
    api_issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    api_private_key_path: "{{ keys_folder }}/AuthKey_9XK2M4N6P8.p8"
  check_mode: true
  diff: true

- name: Take the URL from the service that has it now
  storeops.refunds.app_store_notification_url:
    bundle_id: com.example.two
    production_url: https://refunds.example.com/apple
    on_other_url: replace
    api_issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    api_private_key_path: "{{ keys_folder }}/AuthKey_9XK2M4N6P8.p8"
"""

RETURN = r"""
notification_urls:
  description: Every declared URL, in the order of the apps.
  returned: success, and failure once App Store Connect was asked
  type: list
  elements: dict
  contains:
    bundle_id:
      description: The app.
      type: str
    apple_id:
      description: The app's Apple ID; V(null) for an app that App Store Connect doesn't show to this key.
      type: int
    environment:
      description: V(production) or V(sandbox).
      type: str
    state:
      description:
        - V(none), V(version_1) or V(other_host) if the URL stays so. V(as_declared), or V(proven) after Apple
          delivered a test notification to exactly this URL. V(null) for an app that App Store Connect doesn't show.
        - V(unknown) when the answer was lost, or App Store Connect shows another URL than the one that it accepted.
      type: str
    host:
      description:
        - Host of the URL after the task, in check mode after the run; V(null) without one or when unknown.
        - For a sandbox without its own URL, that of production.
      type: str
    version:
      description: Version of the URL after the task; V(null) without one.
      type: str
    other_host:
      description: The host that the URL had before, or still has, if it isn't the declared one; else V(null).
      type: str
    changed:
      description: Whether the URL was set, or may have been.
      type: bool
    test:
      description: What became of the test notification; V(null) when none was asked for.
      type: dict
      contains:
        result:
          description:
            - Apple's name for it, such as V(SUCCESS), V(TLS_ISSUE), V(TIMED_OUT) or
              V(UNSUCCESSFUL_HTTP_RESPONSE_CODE); V(null) when Apple didn't say within O(wait_timeout).
          type: str
        attempted_at:
          description: When Apple tried, UTC; V(null) when that isn't known.
          type: str
    proven_at:
      description: When Apple last delivered a test notification to exactly this URL, UTC; V(null) when never.
      type: str
    error:
      description: Why this URL failed; V(null) when it didn't.
      type: str
  sample:
    - bundle_id: com.example.one
      apple_id: 1000000000
      environment: production
      state: other_host
      host: example.com
      version: V2
      other_host: example.com
      changed: false
      test: null
      proven_at: null
      error: null
    - bundle_id: com.example.one
      apple_id: 1000000000
      environment: sandbox
      state: proven
      host: refunds.example.com
      version: V2
      other_host: null
      changed: true
      test:
        result: SUCCESS
        attempted_at: '2026-11-28T02:50:43Z'
      proven_at: '2026-11-28T02:50:44Z'
      error: null
http:
  description:
    - C(calls) are HTTP requests, C(retries) the repeated ones, C(waited_s) the seconds waited before these.
  returned: success, and failure once App Store Connect was asked
  type: dict
  sample:
    calls: 3
    retries: 0
    waited_s: 0.0
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.apps.notification_url import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
