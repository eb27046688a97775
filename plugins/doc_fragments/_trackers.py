# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the options of trackers that are services of others."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  revenuecat:
    description:
      - For the tracker V(revenuecat), see C(docs/guides/trackers.md).
    type: dict
    suboptions:
      api_key:
        description:
          - Secret API key (version 2) that may C(project_configuration:apps:read_write). Also read from
            E(STOREOPS_REVENUECAT_API_KEY).
        type: str
      project_id:
        description: Required. The project's ID, such as V(proj1ab2c3d4).
        type: str
      url:
        description: Base URL of the API, for a simulator.
        type: str
      create_app:
        description: Creates a missing entry. By default the task fails then.
        type: bool
        default: false
      app_name:
        description: Name of a created entry, or the bundle ID.
        type: str
      delete_app:
        description: With C(state=absent), deletes the entry and its public API key. By default both stay.
        type: bool
        default: false
      on_unknown:
        description: What to do when it isn't known which key is there.
        type: str
        choices: [keep, replace, fail]
        default: keep
  qonversion:
    description:
      - For the tracker V(qonversion), see C(docs/guides/trackers.md).
    type: dict
    suboptions:
      api_key:
        description: The project's secret key. Also read from E(STOREOPS_QONVERSION_API_KEY).
        type: str
      project:
        description: Your label, if several projects have this app.
        type: str
      url:
        description: Base URL of the API, for a simulator.
        type: str
      replace_bundle:
        description: Takes over a project of another bundle ID.
        type: bool
        default: false
      on_unknown:
        description: As O(revenuecat.on_unknown).
        type: str
        choices: [keep, replace, fail]
        default: keep
  devtodev:
    description:
      - For the tracker V(devtodev), see C(docs/guides/trackers.md).
    type: dict
    suboptions:
      mode:
        description:
          - V(browser) fills in devtodev's form, V(handoff) tells a person what to enter. V(browser) by default when
            there is a session.
        type: str
        choices: [browser, handoff]
      url:
        description:
          - Address of the page C(IA refunds tracking), required with V(browser). C({project}) and C({bundle_id}) in it
            are replaced.
        type: str
      project:
        description: The project, if several have the bundle ID.
        type: str
      session:
        description:
          - A signed-in session, the JSON of Playwright's C(storage_state). Also read from
            E(STOREOPS_DEVTODEV_SESSION). Not empty.
        type: str
      session_path:
        description: File with such a session, for its owner only.
        type: path
      browser_path:
        description: Chromium or Chrome to use, if not at a usual place.
        type: path
      confirmed:
        description: With V(handoff), says that a person did what the last run asked for.
        type: bool
        default: false
      on_unknown:
        description: As O(revenuecat.on_unknown).
        type: str
        choices: [keep, replace, fail]
        default: keep
      page:
        description: What the page calls its elements, menu and statuses.
        type: dict
"""
