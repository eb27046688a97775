#!/usr/bin/python
# Copyright: storeops.refunds contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: refund_audit_report
short_description: Write the report of an audit, and fail when it found something
version_added: 0.1.0
description:
  - Turns the registered results of audit tasks into a page (HTML), a summary for the page of a CI job (Markdown), a
    table (CSV), a document for programs (JSON) and test results for CI systems (JUnit XML). Then it fails when apps
    need attention. The files are written before that.
  - Audit tasks are M(storeops.refunds.refund_tracking_integrations) or M(storeops.refunds.refund_tracking_integration)
    in check mode. The role P(storeops.refunds.refund_audit#role) does all of it.
  - Every app counts once, as the worst that was found about it. O(fail_on) says what fails the task.
  - C(refused). Apple refuses the key for this app (C(unauthenticated), C(clock_skew)), the key itself can't be used
    (C(key_unreadable), C(key_wrong_kind), C(key_id_mismatch)), or the tracker says that the integration doesn't work
    (C(tracker_failed)).
  - C(unknown). It could not be checked or compared (C(rate_limited), C(service_unavailable), C(unreachable),
    C(unexpected_response), C(not_checked)). Also C(not_tried), C(host_unreachable), C(failed) for an app whose audit
    failed for another reason, C(plan_unknown) where the tracker doesn't show which key it holds, and
    C(tracker_unknown) where it shows no status, or one that this collection doesn't know.
  - C(drift). A run would create, update or delete the integration. The cause is C(drift). Another path of the same key
    isn't. Also C(still_held), for an app declared absent that a run can't or may not remove at the tracker, and
    C(wrong_apple_id), where verified payloads name another C(app_apple_id) than the declared one.
    For a key declared absent, C(key_still_there) and C(key_in_use).
  - C(pending). Not released yet (C(app_not_released)), not Active at the tracker yet (C(tracker_pending)), or the key
    is not created yet (C(key_not_yet_created)). It fails no audit.
  - C(ok). Accepted, and as declared.
  - C(waived). All its failures are waived.
  - Keys that can't be used and that no app names are C(refused), or C(unknown) where the entry itself is wrong. They
    stand in the report beside the apps. No waiver is about a key.
  - The report lists each app with its declared key, or with the tracker's if that isn't known. If they aren't the same,
    the app's details show both.
  - The page is one file without any request to the network. It works without JavaScript except for its table of all
    apps.
  - The schema of the JSON document is C(docs/audit-report.schema.json).
  - Where the JSON document of an earlier report lies at the same path or is kept aside (O(stage)), the report says
    which findings are new, gone and still there. In CI, keep that file between jobs.
  - In JUnit XML, one test suite stands for a tracker and environment. Of what O(fail_on) names, refused and drifted
    apps are failures, and unknown ones errors. Waived ones are skipped. All else stands in the output (C(system-out))
    of a test that passed.
author:
  - storeops.refunds contributors (@storeops)
extends_documentation_fragment:
  - storeops.refunds._attributes
  - storeops.refunds._attributes.in_process
options:
  results:
    description:
      - Registered results of audit tasks, those of loops too.
      - For an app that could not be audited, a mapping with C(bundle_id), C(failed) and C(msg), and with C(unreachable)
        when its host was not reached.
      - C(environment), C(tracker), C(app_name) and C(key), the short name of the key, may be added to a result of one
        app.
      - Results of M(storeops.refunds.refund_tracking_integration_info) work too; they say nothing about drift.
    type: list
    elements: dict
    required: true
  absent_keys:
    description:
      - C(iap_keys) of M(storeops.refunds.appstore_iap_key) in check mode, with C(only_state=absent).
      - A key that would be revoked, or whose file would be removed, is C(drift). One that could not be looked at, as at
        App Store Connect without a session, is C(unknown).
    type: list
    elements: dict
  refunds:
    description:
      - Registered results of M(storeops.refunds.refund_info), for the part about refunds. The report says
        why one of them failed, and the task fails when O(fail_on) has V(unknown).
      - Sums by C(bundle_id) and by C(day) are shown, for the whole period that was asked about. Results that would
        count refunds twice are refused. So are results that aren't grouped alike, unless they are of the same refunds.
      - Each environment, and each root certificate that refunds were verified against, has sums and charts of its own.
    type: list
    elements: dict
  declaration_faults:
    description:
      - Registered results of M(storeops.refunds.refund_info), as in O(refunds); their C(declaration_faults) are taken,
        and why one failed. Without these or O(refunds), C(wrong_apple_id) stays open.
    type: list
    elements: dict
  path:
    description:
      - Folder for C(refund-audit.html), C(refund-audit.md), C(refund-audit.csv), C(refund-audit.json) and
        C(refund-audit.junit.xml), absolute or from C(~). Missing folders are made.
      - This, or the path of one of the files, is required.
    type: path
  html_path:
    description: File for the page, instead of that in O(path).
    type: path
  json_path:
    description: File for the JSON document, instead of that in O(path).
    type: path
  junit_path:
    description: File for the JUnit XML, instead of that in O(path).
    type: path
  markdown_path:
    description: File for the Markdown summary, instead of that in O(path).
    type: path
  csv_path:
    description: File for the CSV table, instead of that in O(path).
    type: path
  stage:
    description:
      - V(finished) writes the report.
      - V(begun) is for the time before anything is asked. Each file then says that nothing is known, which is an
        error in JUnit XML. So nobody takes an earlier report for that of an audit that stopped. Until a report is
        written, the earlier files are kept as C(refund-audit.previous.html) and so on, numbered if that is taken.
        Mistakes in O(waivers) fail here.
      - V(stopped) adds why, in the files that still say that an audit began. O(results) are what its steps returned.
        The message of the first one that failed is taken.
    type: str
    choices: [begun, stopped, finished]
    default: finished
  title:
    description: Title of the report, V(Refund tracking audit) when left out.
    type: str
  waivers:
    description:
      - Failures that are accepted for a time. An expired waiver no longer counts, and the report says so.
      - Those that have expired, and those that matched no failure, are warned of.
      - A pending app needs none.
    type: list
    elements: dict
    suboptions:
      bundle_id:
        description: Bundle ID of the app; C(*) in it stands for any text. Required.
        type: str
      cause:
        description: The cause that is waived. V(*), the default, means any.
        type: str
      reason:
        description: Why it is accepted; the report shows it. Required.
        type: str
      until:
        description: The last day (UTC) on which it is, as C(YYYY-MM-DD). Required.
        type: str
  fail_on:
    description:
      - What fails the task. Any open problem of these kinds does, also one that isn't the worst of its app.
      - If nothing was audited, the task fails. With an empty list, it never fails.
    type: list
    elements: str
    choices: [refused, drift, unknown]
    default: [refused, drift, unknown]
attributes:
  check_mode:
    description: Writes nothing, and gives the same C(failed) and C(changed) as the run would.
  diff_mode:
    description: Shows which files change, each as the SHA-256 of its text without times.
    support: full
  idempotent:
    description:
      - The same results give the same report. C(changed) does not look at times and at Apple's request IDs; the files
        are written all the same, so that they show when the audit ran.
notes:
  - With C(run_once) in a play of several hosts, the task fails and writes nothing if the strategy ignores C(run_once)
    (C(free), C(host_pinned)). Otherwise each host would write the report before the others are audited. So it
    does if C(--limit) or a job slice leaves out hosts with C(app_bundle_id).
  - The report holds bundle IDs, Issuer IDs, Key IDs and fingerprints, and never a private key. A new file gets the
    mode of the umask, an existing one keeps its own.
seealso:
  - module: storeops.refunds.refund_tracking_integrations
  - module: storeops.refunds.refund_info
"""

EXAMPLES = r"""
- name: Audit the apps of a studio
  storeops.refunds.refund_tracking_integrations:
    issuer_id: 57246542-96fe-1a63-e053-0824d011072a
    private_key_path: "{{ keys_folder }}/SubscriptionKey_2X9R4HXF34.p8"
    apps: [com.example.one, com.example.two, com.example.Three]
  check_mode: true
  failed_when: false
  register: audit

- name: Write the report; fail only when Apple or a tracker refuses a key
  storeops.refunds.refund_audit_report:
    results: ["{{ audit }}"]
    path: "{{ keys_folder }}/reports"
    title: Studio A
    fail_on: [refused]
    waivers:
      - bundle_id: com.example.Three
        cause: unauthenticated
        reason: Being transferred to Studio B
        until: "2099-12-31"
      - bundle_id: com.example.old*
        reason: Removed from sale
        until: "2020-06-30"
      - bundle_id: com.example.two
        cause: rate_limited
        reason: Shares its limit with the billing system
        until: "2099-12-31"
  check_mode: false
  register: written

- name: Show the numbers
  ansible.builtin.debug:
    msg: "{{ written.report.counts }}"

- name: The page alone, never a failure
  storeops.refunds.refund_audit_report:
    results:
      - "{{ audit }}"
      - bundle_id: com.example.four
        failed: true
        unreachable: true
        msg: The host can't be reached.
    html_path: "{{ keys_folder }}/reports/only.html"
    fail_on: []
"""

RETURN = r"""
report:
  description: What the audit came to.
  returned: with O(stage=finished) on success, and on failure because of what was found
  type: dict
  contains:
    summary:
      description: In one line, how many apps were audited, what was waived, and where the report is.
      type: str
    total:
      description: Number of apps.
      type: int
    integrations:
      description: Number of their integrations.
      type: int
    counts:
      description:
        - How many integrations count as C(refused), C(unknown), C(drift), C(pending), C(ok) and C(waived).
      type: dict
    would_change:
      description: Integrations that a run would create, update or delete, whatever they count as.
      type: int
    failing:
      description: Number of integrations with an open problem that O(fail_on) names.
      type: int
    apps:
      description: The first 100 of these, the worst first. All are in the JSON document.
      type: list
      elements: dict
      contains:
        bundle_id:
          description: Bundle ID of the app.
          type: str
        environment:
          description: The App Store environment.
          type: str
        tracker:
          description: The tracker; empty when the audit stopped before.
          type: str
        result:
          description: The worst of its open problems that O(fail_on) names.
          type: str
        cause:
          description: Why.
          type: str
    keys_with_problems:
      description:
        - Keys with a problem that no app shows, with C(key), C(result), C(cause), C(hint).
      type: list
      elements: dict
    undeclared:
      description:
        - What nobody declares, as in M(storeops.refunds.refund_tracking_integrations).
      type: list
      elements: dict
    refunds_unread:
      description: Why refunds could not be read.
      type: list
      elements: str
    expired_waivers:
      description:
        - Waivers that no longer count, with C(state) and the number of C(apps) that each was used for.
      type: list
      elements: dict
    unused_waivers:
      description: Waivers that hold but had nothing to waive, in the same way.
      type: list
      elements: dict
    changes:
      description:
        - How many findings are C(new), C(gone), C(still) there or C(open) (not looked at) since the last report,
          of C(since). V(null) where there was none.
      type: dict
    paths:
      description:
        - The files C(html), C(json), C(junit), C(markdown) and C(csv), or V(null).
      type: dict
  sample:
    summary: '3 apps audited: 1 needs attention, 1 OK, 1 waived. The report: /srv/keys/reports/refund-audit.html'
    total: 3
    integrations: 3
    counts:
      refused: 0
      unknown: 0
      drift: 1
      pending: 0
      ok: 1
      waived: 1
    would_change: 1
    failing: 0
    apps: []
    keys_with_problems: []
    undeclared: []
    refunds_unread: []
    expired_waivers:
      - bundle_id: com.example.old*
        cause: '*'
        reason: Removed from sale
        until: '2020-06-30'
        state: expired
        apps: 0
    unused_waivers:
      - bundle_id: com.example.two
        cause: rate_limited
        reason: Shares its limit with the billing system
        until: '2099-12-31'
        state: unused
        apps: 0
    changes: null
    paths:
      html: /srv/keys/reports/refund-audit.html
      json: /srv/keys/reports/refund-audit.json
      junit: /srv/keys/reports/refund-audit.junit.xml
      markdown: /srv/keys/reports/refund-audit.md
      csv: /srv/keys/reports/refund-audit.csv
"""

from ansible_collections.storeops.refunds.plugins.module_utils._run import run_module
from ansible_collections.storeops.refunds.plugins.module_utils._tasks.audit.audit_report import TASK


def main() -> None:
    run_module(TASK)


if __name__ == "__main__":
    main()
