# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refunds, reversals, declined requests and consumption requests of the declared apps, each once, as events."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
---
short_description: Refunds of App Store apps as events
description:
  - Gives an event for each refund, reversal, declined request and request for consumption information of the apps that
    have an integration in the ledger; with O(mode=poll), one that is Active. Each comes once, in the order in which
    the ledger recorded them.
  - What C(refund_ledger) records into the same ledger becomes an event as well.
  - If the rulebook runs with C(--persistence-id) and sets C(feedback), an event is done when the rule engine has
    stored it. Then nothing is lost and nothing comes twice. Only if the process is killed between the engine's answer
    and the ledger's note of it, that event comes again. Without C(feedback), an event is done when it is in the
    engine's queue, and what the engine has in memory is lost when it is killed.
  - There is no event for what was signed before the source ran for the first time (under its O(consumer) name).
  - docs/refund-event.schema.json describes the fields. Amounts can be C(unknown).
options:
  mode:
    description:
      - V(poll) reads Apple's Notification History every O(interval) seconds. It needs no endpoint. Any notification
        URL of version 2 will do, also another service's.
      - V(listen) receives the notifications themselves, behind your TLS proxy. Set the URL with
        C(app_store_notification_url).
    type: str
    choices: [poll, listen]
    default: poll
  interval:
    description: Seconds between two readings. How soon Apple's history shows a notification is not documented.
    type: float
    default: 300
  ledger:
    description: Where the ledger lies. E(STOREOPS_LEDGER_URL) is used when left out.
    type: dict
    suboptions:
      url:
        description: C(sqlite:////absolute/path/ledger.db) or C(postgresql://user:password@host/database).
        type: str
  consumer:
    description:
      - Name under which the ledger notes which events were given. Give each rulebook its own. If a rulebook is
        started twice under one name, only the first process gets events, and the log of the other says so.
    type: str
    default: rulebook
  host:
    description: Address to listen on.
    type: str
    default: 127.0.0.1
  port:
    description: Port to listen on; 0 is any free one, which the log names.
    type: int
    default: 8099
  path:
    description: The only path that is served. Any other gets 404, and the log names it once.
    type: str
    default: /
  forward_to:
    description:
      - URLs that get the untouched body of every notification that Apple signed for a declared app, before Apple gets
        its answer. If one of them doesn't take it, Apple gets 503 and sends it again, and it goes to all of them
        again. Each has to recognise repetitions by C(notificationUUID), as with Apple itself. Trouble with the ledger
        doesn't keep it from them. Without C(app_apple_id) in the app's integration, nothing that production sends can
        be verified, so they get none of it, and Apple gets 503.
      - What a URL hasn't taken when Apple stops trying, it never gets. Needs O(mode=listen).
    type: list
    elements: str
  send_timeout:
    description: Seconds that one of O(forward_to) may take. The look-up of its host's name isn't counted.
    type: float
    default: 5
  largest_body:
    description: Most bytes of a notification. Larger ones get 413.
    type: int
    default: 262144
  account_token:
    description:
      - V(sha256) gives events of V(listen) the field C(account_token_sha256), the SHA-256 of the transaction's
        C(appAccountToken) in lower case. It is kept with the event in the ledger. V(none) leaves it out.
      - V(sha256) needs O(mode=listen).
    type: str
    choices: [none, sha256]
    default: none
  root_certificate_path:
    description: File with another root certificate than Apple Root CA - G3, for a simulator.
    type: path
  app_store_server_url:
    description: Base URL of the App Store Server API, for a simulator; V({environment}) in it is replaced.
    type: str
  ca_path:
    description:
      - File with CA certificates in PEM to trust instead of the usual ones, also by O(forward_to). Also read from
        E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) or E(SSL_CERT_FILE).
    type: path
  private_key_file_policy:
    description: How strictly the stored keys' files are read, as in the modules.
    type: str
    choices: [strict, mounted]
    default: strict
  feedback:
    description:
      - An event is done only when the rule engine has stored it. Needs C(--persistence-id) and ansible-rulebook 1.3.
    type: bool
    default: false
requirements:
  - ansible-rulebook 1.2 or newer, with Java 17; 1.3 or newer for O(feedback). It is tested with 1.3.2.
  - The libraries of C(refund_ledger), in the Python that runs ansible-rulebook.
  - The collection at a place that ends in C(ansible_collections/storeops/refunds).
notes:
  - In V(listen), a notification is answered with 200 only after its signature was verified in full and it was stored.
    A forgery gets 400, and an app without an integration in the ledger 404. If the receiver has a problem or can't
    use what Apple signed, it answers 503. In production, Apple then tries again after 1, 12, 24, 48 and 72 hours. The
    sandbox sends once.
  - In V(listen), if the ledger has the app only for the other environment, a notification goes to O(forward_to)
    alone. Without that option it gets 404, Apple's test notification too.
  - In V(poll), there are no events for consumption requests that are older than 13 hours, or than O(interval) and one
    hour if that is longer.
"""

EXAMPLES = r"""
- storeops.refunds.refund_events:
    mode: poll
    interval: 300

- storeops.refunds.refund_events:
    mode: listen
    port: 8099
    path: /apple
    forward_to:
      - https://api.revenuecat.com/v1/incoming-webhooks/apple-server-to-server-notification/EXAMPLE
"""

# …/ansible_collections/storeops/refunds/extensions/eda/plugins/event_source/refund_events.py
_PARENTS = 7
_LOGGER = logging.getLogger("storeops.refunds.refund_events")


def _make_importable() -> None:
    try:
        # Only whether it can be imported is asked.
        import ansible_collections.storeops.refunds  # noqa: F401
    except ImportError:
        place = Path(os.path.abspath(__file__)).parents[_PARENTS]
        if not (place / "ansible_collections/storeops/refunds").is_dir():
            raise RuntimeError(
                f"refund_events: {__file__} isn't below ansible_collections/storeops/refunds. "
                "Install the collection, and name the source storeops.refunds.refund_events."
            ) from None
        sys.path.insert(0, str(place))


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Put events into the queue until cancelled."""
    _make_importable()
    try:
        from ansible_collections.storeops.refunds.plugins.module_utils._tasks.events.source import World, run
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "ansible":
            raise
        raise RuntimeError(
            f"refund_events needs ansible-core, which {sys.executable} doesn't have. Install it there, and what the "
            "collection's meta/ee-requirements.txt names."
        ) from None

    world = World(
        environ=os.environ,
        now=time.time,
        monotonic=time.monotonic,
        warn=_LOGGER.warning,
        say=_LOGGER.warning,
        holder=str(uuid.uuid4()),
    )
    await run(queue, args, world)


if __name__ == "__main__":

    class _Printed:
        """A queue for trying the source by hand."""

        async def put(self, event: object) -> None:
            """Print an event."""
            print(event, flush=True)

    # ansible-rulebook's queue has many methods; a source calls put alone.
    asyncio.run(main(_Printed(), {"mode": "poll", "interval": 60}))  # type: ignore[arg-type]
