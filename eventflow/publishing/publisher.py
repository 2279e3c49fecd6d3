"""The publisher: checks events, has the ledger accept them, and wakes a router, within a deadline."""

import asyncio
import copy
import time
from collections.abc import Sequence
from functools import cached_property, partial
from typing import Any

from eventflow.delivery import Accepted, Ledgers
from eventflow.errors import LedgerError, PublishError
from eventflow.events import Event
from eventflow.publishing.carriers import MOST, Carriers
from eventflow.publishing.errand import Errand
from eventflow.publishing.parts import Part, Wording, in_parts, only_part, refusal
from eventflow.publishing.preparation import Preparation, Publishable, Ready
from eventflow.publishing.waker import Waker
from eventflow.schemas.source import SchemaSource
from eventflow.settings import Settings, mask_url
from eventflow.telemetry import Publication, Tracing
from eventflow.tls import tls_advice
from eventflow.transport import MessageSender
from eventflow.transport.calls import MOST_NAMED
from eventflow.units import format_duration

__all__ = ["Publisher"]


class Publisher:
    """Publishes to the ledger first and the broker second. Safe in threads and after a fork.

    What may hang is done by a carrier, and nobody waits for it longer than the deadline, however
    ledger or broker fail.
    """

    def __init__(
        self,
        settings: Settings,
        ledgers: Ledgers,
        sender: MessageSender,
        schemas: SchemaSource,
        *,
        tracing: Tracing,
    ) -> None:
        self._settings = settings
        self._preparation = Preparation(settings, schemas)
        self._tracing = tracing
        # A server that is spoken to in TLS and does not know it waits for the end of a line.
        self._hint = tls_advice(settings.ledger_url, "timed out")
        self._ledgers = ledgers
        self._waker = Waker(sender, pause=settings.publish_deadline)
        self._carriers: Carriers | None = Carriers()

    def on(self, ledgers: Ledgers, sender: MessageSender) -> "Publisher":
        """Return a publisher that does the same on parts that cannot hang, at once and here."""
        other = copy.copy(self)
        other._ledgers = ledgers  # noqa: SLF001 - its own kind
        other._waker = Waker(sender, pause=self._settings.publish_deadline)  # noqa: SLF001
        other._carriers = None  # noqa: SLF001
        return other

    def publish(self, items: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events: when this returns, all of them are in the ledger.

        An event whose id is known already counts as published; nothing happens twice. Of a list of
        more than 500, the deadline is that of each 500.

        Args:
            items: Events, or models that become events. All are checked before the first goes.

        Returns:
            The events, in order.

        Raises:
            EventError: When one cannot be published as it is, or does not fit its schema; then
                none is.
            SchemaError: When the schema files are faulty, and never were without fault.
            PublishError: When the ledger cannot be reached, does not answer within the deadline, or
                as many events wait to be routed as may (`EVENTFLOW_MAX_BACKLOG`); it names what was
                accepted, what was not, and what may have been.
        """
        with self._tracing.publication() as publication:
            ready = self._preparation.of(items, publication)
            self._run(ready)
        return [one.event for one in ready]

    def _run(self, ready: Sequence[Ready]) -> None:
        if self._carriers is None:
            errand = self._errand(ready, self._settings.publish_deadline)
            errand.run(lambda work: work())
            errand.done.result()
            return
        until = time.monotonic() + self._settings.publish_deadline
        answers = None
        part = only_part(ready)
        if part is not None:
            try:
                answers = self._ledgers.accept_at_once(*part.call, self._settings.publish_deadline)
            except LedgerError as error:
                raise self._refuse_late(part) from error
            if answers is not None and part.is_settled(answers):
                return
        self._send(self._errand(ready, max(0.0, until - time.monotonic()), answers))

    def _send(self, errand: Errand) -> None:
        """Have a carrier run an errand, and wait for its end until the deadline."""
        assert self._carriers is not None
        load = self._carriers.start(partial(self._carry, errand))
        while not errand.done.done():
            try:
                errand.done.result(errand.seconds_left)
            except TimeoutError:
                if errand.seconds_left > 0:
                    continue  # the next part has begun
                load.cancel()
                errand.give_up()
        errand.done.result()

    def _carry(self, errand: Errand) -> None:
        assert self._carriers is not None
        errand.run(self._carriers.start)
        if errand.is_accepted:
            errand.be_ready()

    async def apublish(self, items: Sequence[Publishable]) -> list[Event[Any]]:
        """Publish events as `publish` does, without a moment in which the loop is blocked.

        May be cancelled: then nothing more is begun, and what is under way may still be accepted.
        """
        with self._tracing.publication() as publication:
            ready = self._preparation.of(items, publication)
            await self._arun(ready)
        return [one.event for one in ready]

    async def _arun(self, ready: Sequence[Ready]) -> None:
        if self._carriers is None:
            self._run(ready)
            return
        until = time.monotonic() + self._settings.publish_deadline
        answers = None
        part = only_part(ready)
        if part is not None:
            try:
                answers = await self._ledgers.accept_in_loop(
                    *part.call, self._settings.publish_deadline
                )
            except LedgerError as error:
                raise self._refuse_late(part) from error
            if answers is not None and part.is_settled(answers):
                return
        await self._asend(self._errand(ready, max(0.0, until - time.monotonic()), answers))

    async def _asend(self, errand: Errand) -> None:
        """Have a carrier run an errand as `_send` does, from a coroutine."""
        assert self._carriers is not None
        load = self._carriers.start(partial(self._carry, errand))
        done = asyncio.wrap_future(errand.done)
        try:
            while not done.done():
                await asyncio.wait([done], timeout=errand.seconds_left)
                if not done.done() and errand.seconds_left <= 0:
                    load.cancel()
                    errand.give_up()
        except asyncio.CancelledError:
            load.cancel()
            errand.abandon()
            raise
        done.result()

    def prepare(self, items: Sequence[Publishable]) -> list[tuple[Event[Any], bytes]]:
        """Check events as `publish` does, and publish none: what an outbox is to store.

        Returns:
            Each event, and the JSON that `eventflow.encoding.decode_event` reads back.

        Raises:
            EventError: When one cannot be published as it is.
        """
        return [(one.event, one.body) for one in self._preparation.of(items, Publication())]

    def _errand(
        self, ready: Sequence[Ready], seconds: float, answers: Accepted | None = None
    ) -> Errand:
        return Errand(
            in_parts(ready),
            self._ledgers,
            self._waker,
            seconds=seconds,
            most_named=MOST_NAMED,
            wording=self._wording,
            answers=answers,
        )

    def _refuse_late(self, part: Part) -> PublishError:
        part.count_failed()
        ids = [one.event.id for one in part.events]
        return refusal(self._wording.late, ids, unknown=ids)

    @cached_property
    def _wording(self) -> Wording:
        return Wording(full=self._say_full, late=self._say_late(), crowded=self._say_crowded())

    def _say_full(self, bus: str) -> str:
        return (
            f"{self._settings.max_backlog:,} events of the bus {bus!r} wait to be routed, and "
            "no more may: see whether a router runs (`eventflow doctor`) and publish again "
            "later, or raise EVENTFLOW_MAX_BACKLOG where Redis has the memory for it"
        )

    def _say_late(self) -> str:
        return (
            f"the ledger at {mask_url(self._settings.ledger_url)} has not answered within "
            f"{format_duration(self._settings.publish_deadline)} (EVENTFLOW_PUBLISH_DEADLINE)"
            f"{self._hint}"
        )

    def _say_crowded(self) -> str:
        return f"{self._say_late()}, and {MOST} earlier calls of this process wait for it"
