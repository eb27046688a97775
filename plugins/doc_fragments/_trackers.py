# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of trackers that are services of others."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  revenuecat:
    description:
      - Options of the tracker V(revenuecat). A task's mapping replaces a group default as a whole.
      - The In-App Purchase key is put into the entry of the type App Store with exactly the bundle ID, in one project.
        Only the key, its Key ID and its Issuer ID are ever sent; all other settings of an existing entry stay.
      - RevenueCat shows no more of a key than whether there is one. Which one it is, is judged by what the ledger says
        was last applied, so the ledger has to be kept; a key that someone else replaced there can't be noticed.
      - An entry has one key for both environments, so C(environment=sandbox) is refused.
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
          - ID of the project, such as V(proj1ab2c3d4). Required with the tracker V(revenuecat).
          - The project's settings show it. The dashboard's address has it without C(proj) in front.
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
          - Whether C(state=absent) deletes the whole app entry, with its public API key, which shipped apps use.
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
      - Options of the tracker V(qonversion). A task's mapping replaces a group default as a whole.
      - The In-App Purchase key is put into the App Store configuration of one project, which has one bundle ID. Bundle
        ID, Key ID, Issuer ID and key are sent together; all other settings stay, and the task fails when they did not.
      - Qonversion shows everything but the private key. Whether that one is the declared one is judged by what the
        ledger says was last applied, as long as the Key ID and Issuer ID there are still the same.
      - A project has one key for both environments, so C(environment=sandbox) is refused.
      - With C(state=absent) the configuration is left as it is, with a warning, because the API has no documented way
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
          - Whether a project that is configured for another bundle ID is taken over for the bundle ID.
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
      - Options of the tracker V(devtodev). A task's mapping replaces a group default as a whole.
      - devtodev has no API for this. Either a headless browser fills in the project's form C(IA refunds tracking), or a
        person is told what to enter there.
      - The page shows no private key. Whether that one is the declared one is judged by what the ledger says was last
        applied, as long as the IDs there are still the same. The same goes for IDs that the page does not show.
      - The form has one key for an app and no environments, so C(environment=sandbox) is refused.
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
          - C({project}) and C({bundle_id}) in it are replaced, so that one address serves many projects.
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
            integration becomes C(Active), for an app that was never released once it is; with C(state=absent) it is
            forgotten.
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
          - The words by which the page says that the integration is complete. V(Active) when left out, the one word
            that devtodev documents.
        type: list
        elements: str
      waiting_texts:
        description:
          - The words by which the page says that the integration is being completed; its status is then C(Pending).
          - V(Pending), V(Activating), V(Checking), V(Connecting), V(In progress), V(In review), V(Processing),
            V(Verifying) and V(Waiting) when left out. None of them is documented.
        type: list
        elements: str
      failed_texts:
        description:
          - Words in the page's status that mean that the integration doesn't work; its status is then C(Failed), and a
            run submits the form again. They count anywhere in the text.
          - V(error), V(failed), V(invalid), V(expired), V(revoked), V(suspended), V(rejected), V(denied),
            V(unauthorized) and the like when left out. None of them is documented.
          - A text with none of the known words gives the status C(Unknown), which is a finding, too.
        type: list
        elements: str
      elements:
        description:
          - How the elements of the page are recognised, for the day on which they are called otherwise. A mapping from
            an element's name to one or more of C(label) (the text of its label), C(placeholder), C(role) (an ARIA role)
            with C(name) (the accessible name; alone it means a button), and C(css) (a selector, or XPath after
            C(xpath=)). The first that fits exactly one element counts; the element then has none of its default ways.
          - The elements are C(bundle_id), C(issuer_id), C(key_id), C(private_key) (the file input, which may be
            invisible), C(submit), C(status) (where the page shows it), C(edit) (clicked before the form appears),
            C(remove) and C(remove_confirm). The last three have no default; no way to remove is documented.
          - C(menu) beside them lists the entries to follow when O(devtodev.url) is not the form yet, by default
            C(Settings), C(Payments integration), C(IA refunds tracking).
        type: dict
"""
