# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that several modules have in common, by what they are about."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
"""

    KEY = r"""
options:
  issuer_id:
    description:
      - Issuer ID of the team, shown above the list of In-App Purchase keys in App Store Connect.
      - White space around it is dropped and capitals are lowered.
    type: str
  key_id:
    description:
      - Key ID of the In-App Purchase key.
      - When left out, it is read from a file name of the form C(SubscriptionKey_<Key ID>.p8).
        What browsers and file managers add to a second one (a number in parentheses, C(-2), C(copy)) does no harm.
        When both are there and differ, the task fails.
    type: str
  private_key_path:
    description:
      - Path of the key's C(.p8) file on the machine that runs the task.
      - Where a file is to be read and none is there, the message names the nearest folder and C(.p8) files in it.
    type: path
  private_key_content:
    description:
      - The text of the C(.p8) file, for example from a vault.
      - A PEM, a PEM whose line ends are CRLF or the two characters V(\\n), and the base64 of a PEM are accepted.
      - When O(private_key_path) is given as well, this content is what counts, and the path is where the file lies.
      - Ansible writes a module's arguments to a temporary folder (mode 0700) unless pipelining is on.
    type: str
  private_key_file_policy:
    description:
      - V(strict) reads no symbolic link and no file that group or others can access.
      - V(mounted) accepts the links and modes of secrets that Kubernetes, Docker or GitLab mount.
    type: str
    choices: [strict, mounted]
    default: strict
requirements:
  - cryptography
"""

    APP = r"""
options:
  bundle_id:
    description:
      - Bundle ID of the app, with its capitals, which Apple tells apart.
    type: str
  app_apple_id:
    description:
      - The app's Apple ID, the number in its App Store Connect page and App Store link.
      - Kept with the integration in the ledger. Production refunds can't be verified without it.
    type: int
"""

    STATE = r"""
options:
  state:
    description:
      - Whether the object of the task is to be there.
    type: str
    choices: [present, absent]
    default: present
"""

    HTTP = r"""
options:
  ca_path:
    description:
      - File with CA certificates in PEM to trust instead of the usual ones.
      - Without it, the file that E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) or E(SSL_CERT_FILE) names is used, if any.
    type: path
  request_timeout:
    description:
      - Seconds that one HTTP request may take.
    type: float
    default: 15.0
  deadline:
    description:
      - Seconds that all calls of the task may take together, retries and waiting for rate limits included.
    type: float
    default: 120.0
  concurrency:
    description:
      - How many calls may be on their way at a time. A task begins with 8 and takes more while answers come, and
        fewer after HTTP 429, refused connections and time-outs.
      - Apple's limits count calls of one app (50 a second), so apps don't slow each other down. How many connections
        from one address Apple accepts is not documented.
    type: int
    default: 64
notes:
  - Proxies are taken from E(https_proxy), E(http_proxy) and E(no_proxy). C(~/.netrc) is never read.
requirements:
  - requests with urllib3 2.6 or newer
"""

    ENVIRONMENT = r"""
options:
  environment:
    description:
      - The App Store environment of the integration and of the credential check.
    type: str
    choices: [production, sandbox]
    default: production
"""

    APPLE = r"""
options:
  app_store_server_url:
    description:
      - Base URL of the App Store Server API, for a simulator or a gateway. Apple's own hosts when left out.
      - C({environment}) in it is replaced by V(production) or V(sandbox). Without it, only O(environment) can be asked,
        and an app that was never released can't be told from wrong credentials.
      - Must be https, or http to this machine.
    type: str
requirements:
  - PyJWT
"""

    LEDGER = r"""
options:
  ledger:
    description:
      - Where the ledger lies. A task's mapping replaces a group default as a whole.
    type: dict
    suboptions:
      url:
        description:
          - C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database).
          - Without it, the ledger is the file C(storeops.refunds/ledger.db) below E(XDG_STATE_HOME), which is
            C(~/.local/state) unless set. In CI and in execution environments that file is gone after every run.
          - The environment variable E(STOREOPS_LEDGER_URL) is used when the option is not set.
        type: str
requirements:
  - SQLAlchemy and alembic, and psycopg for a ledger in PostgreSQL
"""

    TRACKER = r"""
options:
  tracker:
    description:
      - The service that holds the integration. V(ledger) is built in.
    type: str
    choices: [ledger, revenuecat, qonversion, devtodev]
    default: ledger
  credential_check:
    description:
      - What the verdict of the credential check does. The check is one signed call of Get Transaction Info with a
        made-up transaction ID. It touches nothing, and Apple's answer tells whether the key was accepted.
      - V(required) fails the app on every verdict but C(accepted), and writes nothing for it. An app that was most
        likely never released (C(app_not_released)) is no failure. It is stored as C(Pending).
      - V(advisory) writes all the same, with a warning. A refusal gives the status C(Failed).
      - V(skip) makes no call.
      - When Apple wasn't asked or gave no answer, a key that was accepted before keeps its status and its date. A new
        key is stored as C(Pending).
      - A key that can't be read, is of another kind or contradicts its Key ID fails the app in every case.
    type: str
    choices: [required, advisory, skip]
    default: required
  wait_timeout:
    description:
      - Seconds to wait for a tracker to turn an integration C(Active). The ledger answers at once.
    type: float
    default: 60.0
"""

    CONNECT_API = r"""
options:
  api_issuer_id:
    description:
      - Issuer ID of the App Store Connect API key. Left out for an individual key.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_ISSUER_ID) is used when the option is not set.
    type: str
  api_key_id:
    description:
      - Key ID of the App Store Connect API key, which is another kind than the In-App Purchase key.
      - When left out, it is read from a file name of the form C(AuthKey_<Key ID>.p8).
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_KEY_ID) is used when the option is not set.
    type: str
  api_private_key_path:
    description:
      - Path of the API key's C(.p8) file. App Store Connect is asked only when this or O(api_private_key_content) is
        set.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH) is used when the option is not set.
    type: path
  api_private_key_content:
    description:
      - The text of the API key's C(.p8) file, in any form that O(private_key_content) has.
      - The environment variable E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_CONTENT) is used when the option is not
        set.
    type: str
  app_store_connect_api_url:
    description:
      - Base URL of the App Store Connect API, for a simulator. Apple's when left out.
      - Must be https, or http to this machine.
    type: str
"""

    ROOT = r"""
options:
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER) than Apple Root CA - G3, for a simulator.
    type: path
"""
