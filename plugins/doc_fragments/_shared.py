# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options that every module of the action group takes."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  bundle_id:
    description:
      - Bundle ID of the app, with its capitals, which Apple tells apart.
    type: str
  app_apple_id:
    description:
      - The app's Apple ID, the number in its App Store Connect page and App Store link.
      - Kept with the integration; neither the credential check nor the comparison needs it.
    type: int
  issuer_id:
    description:
      - Issuer ID of the team, shown above the list of In-App Purchase keys in App Store Connect.
      - White space around it is dropped and capitals are lowered.
    type: str
  key_id:
    description:
      - Key ID of the In-App Purchase key.
      - When left out, it is read from a file name of the form C(SubscriptionKey_<Key ID>.p8).
        When both are there and differ, the task fails.
    type: str
  private_key_path:
    description:
      - Path of the key's C(.p8) file on the machine that runs the task.
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
  environment:
    description:
      - The App Store environment of the integration and of the credential check.
    type: str
    choices: [production, sandbox]
    default: production
  state:
    description:
      - Whether the object of the task is to be there.
      - Ignored by modules whose name ends in C(_info).
    type: str
    choices: [present, absent]
    default: present
  tracker:
    description:
      - The service that holds the integration. V(ledger) is built in.
    type: str
    choices: [ledger, revenuecat, qonversion, devtodev]
    default: ledger
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
  revenuecat:
    description:
      - Options of O(tracker=revenuecat). A task's mapping replaces a group default as a whole.
      - The In-App Purchase key is put into the entry of the type App Store with exactly O(bundle_id), in one project.
        Only the key, its Key ID and its Issuer ID are ever sent; all other settings of an existing entry stay.
      - RevenueCat shows no more of a key than whether there is one. Which one it is, is judged by what the ledger says
        was last applied, so the ledger has to be kept; a key that someone else replaced there can't be noticed.
      - An entry has one key for both environments, so O(environment=sandbox) is refused.
      - Follows RevenueCat's OpenAPI of mid 2026, not run against the live service by this project.
    type: dict
    suboptions:
      api_key:
        description:
          - Secret API key, version 2, with the permission C(project_configuration:apps:read_write).
            For modules whose name ends in C(_info), C(project_configuration:apps:read) is enough.
          - The environment variable E(STOREOPS_REVENUECAT_API_KEY) is used when the option is not set.
        type: str
      project_id:
        description:
          - ID of the project, such as V(proj1ab2c3d4). Required with O(tracker=revenuecat).
        type: str
      url:
        description:
          - Base URL of the API, for a simulator. V(https://api.revenuecat.com) when left out.
          - Must be https, or http to this machine. The API key is sent to it.
        type: str
      create_app:
        description:
          - Whether an app entry is created when the project has none with this bundle ID.
          - V(false) fails instead, so that a mistyped bundle ID creates nothing.
        type: bool
        default: false
      app_name:
        description:
          - Name of an app entry that is created; its bundle ID when left out. An existing entry keeps its name.
        type: str
      delete_app:
        description:
          - Whether O(state=absent) deletes the whole app entry, with its public API key, which shipped apps use.
          - V(false) leaves the entry and its key as they are, and warns, because the API has no documented way to clear
            a key alone.
        type: bool
        default: false
      on_unknown:
        description:
          - What to do when there is a key and the ledger doesn't know which.
          - V(keep) leaves it and warns at every run. The status is then not C(Active).
          - V(replace) applies the declared key, once; from then on the ledger knows it.
          - V(fail) fails the task.
        type: str
        choices: [keep, replace, fail]
        default: keep
  qonversion:
    description:
      - Options of O(tracker=qonversion). A task's mapping replaces a group default as a whole.
      - The In-App Purchase key is put into the App Store configuration of one project, which has one bundle ID. Bundle
        ID, Key ID, Issuer ID and key are sent together; all other settings stay, and the task fails when they did not.
      - Qonversion shows everything but the private key. Whether that one is the declared one is judged by what the
        ledger says was last applied, as long as the Key ID and Issuer ID there are still the same.
      - A project has one key for both environments, so O(environment=sandbox) is refused.
      - With O(state=absent) the configuration is left as it is, with a warning, because the API has no documented way
        to clear a key.
      - Follows Qonversion's documentation of its REST API v4 of 2026, not run against the live service by this project.
    type: dict
    suboptions:
      api_key:
        description:
          - The project's secret key. It also says which project is meant.
          - The environment variable E(STOREOPS_QONVERSION_API_KEY) is used when the option is not set.
        type: str
      project:
        description:
          - A label of your own for the project, for the ledger and for messages. It is not sent.
          - Needed when several projects have the same bundle ID, so that the ledger keeps them apart. Empty when left
            out; another label later makes what was last applied unknown.
        type: str
      url:
        description:
          - Base URL of the API, for a simulator. V(https://api.qonversion.io) when left out.
          - Must be https, or http to this machine. The API key is sent to it.
        type: str
      replace_bundle:
        description:
          - Whether a project that is configured for another bundle ID is taken over for O(bundle_id).
          - V(false) fails instead, so that a wrong API key overwrites no other app.
        type: bool
        default: false
      on_unknown:
        description:
          - What to do when there is a private key under the declared Key ID and Issuer ID, and the ledger doesn't know
            which.
          - V(keep) leaves it and warns at every run. The status is then not C(Active).
          - V(replace) applies the declared key, once; from then on the ledger knows it.
          - V(fail) fails the task.
        type: str
        choices: [keep, replace, fail]
        default: keep
  devtodev:
    description:
      - Options of O(tracker=devtodev). A task's mapping replaces a group default as a whole.
      - devtodev has no API for this. Either a headless browser fills in the project's form C(IA refunds tracking), or a
        person is told what to enter there.
      - The page shows no private key. Whether that one is the declared one is judged by what the ledger says was last
        applied, as long as the IDs there are still the same. The same goes for IDs that the page does not show.
      - The form has one key for an app and no environments, so O(environment=sandbox) is refused.
      - Both ways follow devtodev's documentation, read 2026-11-23, and have not been run against the live site. What
        its page shows after saving, and what its button is called, is not documented.
    type: dict
    suboptions:
      mode:
        description:
          - V(browser) drives the page as a person would, with Playwright for Python and a Chromium or Chrome of the
            machine that runs the task. Nothing is submitted unless every field was found, filled in and reads back.
            Check mode opens the page and fills in nothing.
          - V(handoff) warns with the page, the values and the path of the C(.p8) for a person, and records the
            integration as C(Pending) in the ledger, which has to be kept. Another key or other IDs make it C(Pending)
            again.
          - V(browser) when there is a session, else V(handoff).
        type: str
        choices: [browser, handoff]
      url:
        description:
          - Address of the project's page Settings, or better of its page C(IA refunds tracking). devtodev does not
            document it, so it is required with O(devtodev.mode=browser); open the page once and copy it.
          - C({project}) and C({bundle_id}) in it are replaced.
          - Must be https, or http to this machine. The browser opens pages of this origin only.
        type: str
      project:
        description:
          - The project, for the ledger, for messages and for O(devtodev.url).
          - Needed when several projects have the same bundle ID, so that the ledger keeps them apart.
        type: str
      session:
        description:
          - A signed-in session as the JSON that Playwright's C(storage_state) writes, for example by
            C(playwright open --channel=chrome --save-storage=session.json https://www.devtodev.com).
            No password is ever asked for.
          - Whoever has it acts as you at devtodev.
          - The environment variable E(STOREOPS_DEVTODEV_SESSION) is used when the option is not set.
        type: str
      session_path:
        description:
          - Path of a file with such a session, which only its owner can access. It takes precedence over
            O(devtodev.session).
        type: path
      browser_path:
        description:
          - Path of the Chromium or Chrome to use. Searched in E(PATH) and at the usual places when left out.
          - It trusts the certificates that the system's browsers trust; O(ca_path) has no effect on it.
        type: path
      confirmed:
        description:
          - With O(devtodev.mode=handoff), that a person did what the last run asked for. If Apple accepts the key, the
            integration becomes C(Active); with O(state=absent) it is forgotten.
          - It confirms what was recorded before, never what the same run changes. Give it for one run, not for good.
        type: bool
        default: false
      on_unknown:
        description:
          - What to do when the page shows an integration, and neither page nor ledger tell which key it has.
          - V(keep) leaves it and warns at every run. The status is then not C(Active).
          - V(replace) applies the declared key, once; from then on the ledger knows it.
          - V(fail) fails the task.
        type: str
        choices: [keep, replace, fail]
        default: keep
      active_texts:
        description:
          - The words by which the page says that the integration is complete.
        type: list
        elements: str
        default: [Active]
      elements:
        description:
          - How the elements of the page are recognised, for the day on which they are called otherwise.
          - Each is found by the first of C(label), C(placeholder), C(role) with C(name), and C(css) that fits exactly
            one element. An element that is described here has none of its default ways.
        type: dict
        suboptions:
          bundle_id:
            description:
              - The field for the bundle ID, by default the one named C(App Bundle ID).
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          issuer_id:
            description:
              - The field for the Issuer ID, by default the one named C(Issuer ID).
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          key_id:
            description:
              - The field for the Key ID, by default the one named C(Key ID).
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          private_key:
            description:
              - The file input for the C(.p8), by default the one next to the Key ID. It may be invisible.
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          submit:
            description:
              - The button that submits. Its name is not documented; by default the form's only button that submits, or
                one named C(Save), C(Submit), C(Connect), C(Integrate) or C(Apply).
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          status:
            description:
              - Where the page shows the status, by default what stands beside the word C(Status).
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          edit:
            description:
              - A button that has to be clicked before the form appears; none by default.
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          remove:
            description:
              - The button that removes the integration; none by default, as none is documented.
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          remove_confirm:
            description:
              - The button that confirms the removal, where the page asks; none by default.
            type: dict
            suboptions:
              label:
                description:
                  - Text of its label.
                type: str
              placeholder:
                description:
                  - Text that an empty field shows.
                type: str
              role:
                description:
                  - ARIA role, such as V(button), V(textbox) or V(tab).
                type: str
              name:
                description:
                  - Accessible name that goes with the role, which is V(button) when left out.
                type: str
              css:
                description:
                  - CSS selector, or XPath after C(xpath=).
                type: str
          menu:
            description:
              - The entries to follow when O(devtodev.url) is not the form yet.
              - By default C(Settings), C(Payments integration), C(IA refunds tracking).
            type: list
            elements: str
  credential_check:
    description:
      - What the verdict of the credential check does. The check is one signed call of Get Transaction Info with a
        made-up transaction ID. It touches nothing, and Apple's answer tells whether the key was accepted.
      - V(required) fails the task on every verdict but C(accepted), and writes nothing.
        An app that was most likely never released (C(app_not_released)) is no failure; it is stored as C(Pending).
      - V(advisory) writes all the same, with status C(Failed) and a warning.
      - V(skip) makes no call and stores the status C(Pending).
      - A key that can't be read, is of another kind or contradicts its Key ID fails the task in every case.
      - Modules whose name ends in C(_info) report verdicts and never fail because of them; V(skip) makes no call.
    type: str
    choices: [required, advisory, skip]
    default: required
  wait_timeout:
    description:
      - Seconds to wait for a tracker to turn an integration C(Active). The ledger answers at once.
    type: float
    default: 60.0
  app_store_server_url:
    description:
      - Base URL of the App Store Server API, for a simulator or a gateway. Apple's own hosts when left out.
      - C({environment}) in it is replaced by V(production) or V(sandbox). Without it, only O(environment) can be asked,
        and an app that was never released can't be told from wrong credentials.
      - Must be https, or http to this machine.
    type: str
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
notes:
  - The module runs where the task runs, usually on the controller with C(connection=local).
  - Proxies are taken from E(https_proxy), E(http_proxy) and E(no_proxy); C(~/.netrc) is never read.
  - Options that a module has no use for are accepted and ignored, so that defaults of the action group
    C(storeops.refunds.all) never break a task.
requirements:
  - cryptography
  - requests and PyJWT, for modules that call Apple
  - playwright 1.51 or newer and Chromium or Chrome, only for O(devtodev.mode=browser)
  - SQLAlchemy and alembic, for modules that use the ledger, and psycopg for a ledger in PostgreSQL
"""
