# SPDX-FileCopyrightText: storeops.refunds contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source as a whole: settings in; a receiver or a poller, and a dispatcher, until it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import threading
import typing as t
from dataclasses import dataclass, field, replace
from urllib.request import getproxies_environment

from ..._context import Context
from ..._http import HttpSettings, Transport
from ..._ledger.events import Consumer
from ..._ledger.ledger import Ledger
from ..._ledger.place import find_place
from ..._model.errors import InputError, RefundsError
from ..._model.masking import Masker
from ..._model.refund import iso_time
from ..refunds.refund_ledger import REFUND_LIBRARIES
from ..shared.root import root_certificate
from ..shared.services import CALL_LIBRARIES
from ..shared.trackers import LEDGER_LIBRARIES
from .declared import Declared
from .dispatcher import Dispatcher, Queue
from .forwarding import Forwarder
from .http_server import Limits, Server
from .intake import Intake
from .polling import Poller
from .receiver import Receiver
from .settings import Settings, parse_settings

# A server that goes silent in the middle would be waited for without end, and nobody would be told.
_SILENT_S = 60.0


@dataclass(frozen=True)
class World:
    """What the process around it gives: environment, clocks (UNIX seconds; seconds that never go back), and a voice."""

    environ: t.Mapping[str, str]
    now: t.Callable[[], float]
    monotonic: t.Callable[[], float]
    warn: t.Callable[[str], None]
    say: t.Callable[[str], None]
    holder: str


async def run(queue: Queue, args: t.Mapping[str, t.Any], world: World) -> None:
    """Work until cancelled. Raises RefundsError for arguments that can't be used. No secret of theirs is told."""
    mask = Masker(_secrets(args, world.environ)).mask
    masked = replace(world, warn=lambda text: world.warn(mask(text)), say=lambda text: world.say(mask(text)))
    try:
        await _run(queue, args, masked)
    except RefundsError as error:
        error.args = (mask(str(error)),)
        raise


def _secrets(args: t.Mapping[str, t.Any], environ: t.Mapping[str, str]) -> t.Iterator[str]:
    """Yield the ledger's URL; the URLs to forward to, and of each what follows the host."""
    ledger, urls = args.get("ledger"), args.get("forward_to")
    further = [url for url in (urls if isinstance(urls, list) else [urls]) if isinstance(url, str)]
    rests = [re.split(r"[/?#]", url.partition("://")[2], maxsplit=1)[-1] for url in further]
    of_ledger = [environ.get("STOREOPS_LEDGER_URL"), *(ledger.values() if isinstance(ledger, dict) else [ledger])]
    yield from (text for text in (*of_ledger, *further, *rests) if isinstance(text, str))


def _require_libraries() -> None:
    """Raise RefundsError for a library that is missing: a receiver without it would listen, and take nothing."""
    for library in dict.fromkeys(CALL_LIBRARIES + LEDGER_LIBRARIES + REFUND_LIBRARIES):
        if library.error is not None:
            raise RefundsError(
                f"refund_events needs {library.name}, which {sys.executable} doesn't have.",
                "Install there what the collection's meta/ee-requirements.txt names.",
            )


async def _run(queue: Queue, args: t.Mapping[str, t.Any], world: World) -> None:
    _require_libraries()
    settings = parse_settings(args, world.environ)
    feedback = args.get("eda_feedback_queue")
    if settings.with_feedback and feedback is None:
        raise InputError(
            "feedback",
            "is on, and ansible-rulebook gives no way to say what it has stored.",
            "Use ansible-rulebook 1.3 or newer with --persistence-id, or leave feedback out.",
        )
    parts = Parts(settings, world)
    consumer = Consumer(parts.ledger(), settings.consumer, world.holder)
    # Before anything is recorded: what comes from now on is an event.
    await asyncio.to_thread(consumer.claim, int(world.now() * 1000))
    await _tell_beginning(consumer, world)
    dispatcher = Dispatcher(consumer, queue, feedback, lambda: int(world.now() * 1000), world.warn)
    work = _listen if settings.mode == "listen" else _poll
    tasks = [asyncio.create_task(dispatcher.run()), asyncio.create_task(work(parts, dispatcher))]
    try:
        done, _waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_beginning(consumer: Consumer, world: World) -> None:
    """Warn when a clock that was fast at the consumer's first start made it begin in the future."""
    begins_at, _held_until = await asyncio.to_thread(consumer.times)
    if begins_at > world.now() * 1000:
        world.warn(
            f"Consumer {consumer.name} gets no event for what is signed before {iso_time(begins_at)} (UTC): the clock "
            f"said so when it first started, and says {iso_time(int(world.now() * 1000))} now. If it is right now, "
            "give another consumer."
        )


@dataclass(frozen=True)
class Parts:
    """What a receiver or a poller is made of."""

    settings: Settings
    world: World

    def ledger(self) -> Ledger:
        """Return a ledger of its own for each thread that works."""
        place = find_place(self.settings.ledger_url, self.world.environ)
        return Ledger(place, False, self.world.warn, patience=_SILENT_S)

    def declared(self) -> Declared:
        root = root_certificate(self.settings.root_certificate_path)
        return Declared(self.ledger(), root, self.world.monotonic)

    def http(self) -> HttpSettings:
        seconds = self.settings.send_timeout
        proxies = getproxies_environment()
        return HttpSettings(self.settings.ca_path, proxies, request_timeout=seconds, deadline=seconds, attempts=1)

    def context(self, warn: t.Callable[[str], None]) -> Context:
        http = replace(self.http(), request_timeout=15.0, attempts=4)
        return Context(False, self.world.environ, self.world.now, warn, Transport(http))


@dataclass
class Voice:
    """Says what is new: the same app may be in the same trouble at each poll. What has passed and comes back is new."""

    warn: t.Callable[[str], None]
    _before: set[str] = field(default_factory=set, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    def __call__(self, text: str) -> None:
        if text not in self._before and text not in self._said:
            self.warn(text)
        self._said.add(text)

    def begin(self) -> None:
        """Begin another round."""
        self._before, self._said = self._said, set()


def receiver_of(parts: Parts, stored: t.Callable[[], None]) -> Receiver:
    """Return what takes notifications. ``stored``: called after something was stored."""
    settings, warn = parts.settings, parts.world.warn
    with_account = settings.account_token == "sha256"
    intake = Intake(parts.declared(), parts.context(warn).timestamp, warn, with_account, parts.ledger())
    forwarder = Forwarder(settings.forward_to, parts.http(), warn)
    return Receiver(intake, stored, forwarder.forward if settings.forward_to else None)


async def _listen(parts: Parts, dispatcher: Dispatcher) -> None:
    settings = parts.settings
    receiver = receiver_of(parts, dispatcher.wake)
    limits = Limits(largest_body=settings.largest_body)
    server = Server(receiver.receive, settings.path, limits, parts.world.warn)
    try:
        port = await server.start(settings.host, settings.port)
    except OSError as error:
        raise RefundsError(
            f"Can't listen on {settings.host} port {settings.port}: {error.strerror}.", "Give another host or port."
        ) from None
    parts.world.say(f"refund_events listens on http://{settings.host}:{port}{settings.path}")
    try:
        await asyncio.Event().wait()
    finally:
        await server.stop()
        await receiver.close()


async def _poll(parts: Parts, dispatcher: Dispatcher) -> None:
    voice = Voice(parts.world.warn)
    poller = Poller(parts.settings, parts.declared(), parts.context(voice))
    while True:
        voice.begin()
        try:
            await _in_background(poller.poll)
        except RefundsError as error:
            parts.world.warn(f"{error} The next try is in {parts.settings.interval:g} s.")
        dispatcher.wake()
        await asyncio.sleep(parts.settings.interval)


async def _in_background(work: t.Callable[[], None]) -> None:
    """Wait for ``work``, in a thread of which nobody waits for the end once the source is cancelled.

    asyncio.run joins the threads of asyncio.to_thread, and Apple may let a poll wait for minutes.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:
            error = raised
        # The loop may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(end, error)

    threading.Thread(target=run, daemon=True).start()
    await ended
