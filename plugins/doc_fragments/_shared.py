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
      - Issuer ID of the team, shown in App Store Connect.
    type: str
  key_id:
    description:
      - Key ID of the In-App Purchase key. By default it is read from a file name such as
        C(SubscriptionKey_2X9R4HXF34.p8). If the file's name has a Key ID, both must agree.
    type: str
  private_key_path:
    description:
      - Path of the key's C(.p8) file.
    type: path
  private_key_content:
    description:
      - The text of the C(.p8) file, also with V(\\n) for line ends or in base64. If O(private_key_path) is given as
        well, this text is used.
    type: str
  private_key_file_policy:
    description:
      - V(mounted) also reads links and files that others can access, as Kubernetes, Docker and GitLab mount secrets.
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
      - Bundle ID of the app. Apple tells capitals apart.
    type: str
  app_apple_id:
    description:
      - The app's Apple ID, the number in its App Store link. Production refunds can't be verified without it.
    type: int
"""

    STATE = r"""
options:
  state:
    description:
      - Whether it should exist.
    type: str
    choices: [present, absent]
    default: present
"""

    HTTP = r"""
options:
  ca_path:
    description:
      - File with CA certificates (PEM). Also read from E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) or E(SSL_CERT_FILE).
    type: path
  request_timeout:
    description:
      - Seconds that one HTTP request may take.
    type: float
    default: 15.0
  deadline:
    description:
      - Seconds for all calls of a task, with retries and waits.
    type: float
    default: 120.0
  concurrency:
    description:
      - Most calls at the same time. A task begins with 8 and adapts to the answers.
    type: int
    default: 64
requirements:
  - requests with urllib3 2.6 or newer
"""

    ENVIRONMENT = r"""
options:
  environment:
    description:
      - The App Store environment.
    type: str
    choices: [production, sandbox]
    default: production
"""

    APPLE = r"""
options:
  app_store_server_url:
    description:
      - Base URL of the App Store Server API, for a simulator. C({environment}) in it becomes V(production) or
        V(sandbox). Without it, only one can be asked, and an unreleased app looks like wrong credentials.
    type: str
requirements:
  - PyJWT
"""

    LEDGER = r"""
options:
  ledger:
    description:
      - Where the ledger is. This mapping replaces a whole group default.
    type: dict
    suboptions:
      url:
        description:
          - C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database). Also read from
            E(STOREOPS_LEDGER_URL). By default a file below E(XDG_STATE_HOME), else C(~/.local/state); CI loses it.
        type: str
requirements:
  - SQLAlchemy and alembic, and psycopg for a ledger in PostgreSQL
"""

    TRACKER = r"""
options:
  tracker:
    description:
      - The service that holds it. V(ledger) is built in.
    type: str
    choices: [ledger, revenuecat, qonversion, devtodev]
    default: ledger
  credential_check:
    description:
      - What the verdict of the credential check does.
      - V(required) fails an app that isn't accepted; one that was never released becomes C(Pending). V(advisory) warns
        and writes. V(skip) asks no one.
      - Without an answer, V(required) fails and writes nothing; V(advisory) and V(skip) keep the status found before,
        else write C(Pending). A key that can't be used always fails.
    type: str
    choices: [required, advisory, skip]
    default: required
  wait_timeout:
    description:
      - Seconds to wait for C(Active), within the deadline.
    type: float
    default: 60.0
"""

    CONNECT_API = r"""
options:
  api_issuer_id:
    description:
      - Issuer ID of the App Store Connect API key. Left out for an individual key.
        Also read from E(STOREOPS_APP_STORE_CONNECT_API_ISSUER_ID).
    type: str
  api_key_id:
    description:
      - Key ID of the App Store Connect API key. This isn't the In-App Purchase key.
      - When left out, it is read from a file name of the form C(AuthKey_<Key ID>.p8).
        Also read from E(STOREOPS_APP_STORE_CONNECT_API_KEY_ID).
    type: str
  api_private_key_path:
    description:
      - Path of the API key's C(.p8) file. App Store Connect is asked only when this or O(api_private_key_content) is
        set.
        Also read from E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_PATH).
    type: path
  api_private_key_content:
    description:
      - The text of the API key's C(.p8) file, in the same forms as O(private_key_content). Also read from
        E(STOREOPS_APP_STORE_CONNECT_API_PRIVATE_KEY_CONTENT).
    type: str
  app_store_connect_api_url:
    description:
      - Base URL of the App Store Connect API, for a simulator, https or http to this machine.
    type: str
"""

    ROOT = r"""
options:
  root_certificate_path:
    description:
      - File with another root certificate (PEM or DER) than Apple Root CA - G3, for a simulator.
    type: path
"""
