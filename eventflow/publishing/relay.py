"""The relay: publishes what an outbox holds, in order per key, until it is told to stop.

Any number may run at once, and each may be killed between any two steps: a row is marked after its
event is in the ledger, and an event that is published again is known there.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eventflow.encoding import decode_event
from eventflow.errors import EventError, EventflowError, PublishError
from eventflow.events import Event
from eventflow.publishing.outbox import Claim, Outbox, OutboxRow, RelayPolicy
from eventflow.units import Clock, system_clock

__all__ = ["Relay", "Relayed"]

_log = logging.getLogger("eventflow.relay")
_FIRST_PAUSE = 0.1  # seconds
_LONGEST_PAUSE = 5.0
_LONGEST_POSTPONEMENT = 60.0
_MOST_DOUBLINGS = 10  # beyond these a pause has long been the longest
_PURGE_INTERVAL = 60.0
_MOST_PURGED = 1_000  # in one statement, so that it is short
_LONGEST_WAIT = 1.0  # how long a request to stop may go unseen while nothing is committed
_NAP = 0.1  # how long a request to stop may go unseen in a pause

Publish = Callable[[Sequence[Event[Any]]], object]


@dataclass(frozen=True, slots=True)
class Relayed:
    """What became of rows.

    Attributes:
        claimed: How many were claimed.
        published: How many were published.
        failed: How many were given up.
    """

    claimed: int = 0
    published: int = 0
    failed: int = 0

    def __add__(self, other: "Relayed") -> "Relayed":
        return Relayed(
            self.claimed + other.claimed,
            self.published + other.published,
            self.failed + other.failed,
        )

    def __sub__(self, other: "Relayed") -> "Relayed":
        return Relayed(
            self.claimed - other.claimed,
            self.published - other.published,
            self.failed - other.failed,
        )


class Relay:
    """Publishes the rows of one outbox.

    An event that cannot be published as it is (`EventError`) is tried again after a while, since
    what it is held to may just be changing; meanwhile the later rows of its key wait, and nobody
    else. After the last attempt its row is failed, and its key goes on without it. When the ledger
    or the database cannot be reached, everything waits, and no attempt is counted.

    Args:
        outbox: Where the rows are.
        publish: Publishes a list of events, as `EventFlow.publish_many` does.
        policy: How it works.
        clock: Tells when it is time to delete old rows.
    """

    def __init__(
        self,
        outbox: Outbox,
        publish: Publish,
        policy: RelayPolicy | None = None,
        *,
        clock: Clock = system_clock,
    ) -> None:
        self._outbox = outbox
        self._publish = publish
        self._policy = policy if policy is not None else RelayPolicy()
        self._clock = clock
        self._purge_at = 0.0
        self._total = Relayed()
        self._is_stopping = False

    def stop(self) -> None:
        """Have `run` or `drain` return once the rows in hand are done with; safe in a signal's handler."""
        self._is_stopping = True

    def run(self) -> Relayed:
        """Publish whatever is committed, until `stop`; what is away meanwhile is waited for.

        Returns:
            What became of all rows together.
        """
        failures = 0
        while not self._is_stopping:
            try:
                relayed = self.relay()
                if failures:
                    _log.info("the relay goes on", extra={"action": "relay_resumed"})
                failures = 0
                if not relayed.claimed:
                    self._purge_if_due()
                    self._wait()
            except EventflowError as error:
                if not failures:
                    _log.warning("the relay waits: %s", error, extra={"action": "relay_waits"})
                failures = self._pause_after(failures)
            except Exception:  # noqa: BLE001 - logged; see below
                # The relay must outlive what it meets once: nothing else publishes what is committed.
                _log.exception("the relay failed, and tries again", extra={"action": "relay_waits"})
                failures = self._pause_after(failures)
        self._outbox.close()
        return self._total

    def drain(self) -> Relayed:
        """Publish until nothing more can be claimed.

        Returns:
            What became of the rows.

        Raises:
            EventflowError: When the ledger or the database cannot be reached.
        """
        before = self._total
        while not self._is_stopping:
            if not self.relay().claimed:
                self._purge_if_due()
                break
        return self._total - before

    def relay(self) -> Relayed:
        """Claim and publish once.

        Returns:
            What became of the rows.

        Raises:
            EventflowError: When the ledger or the database cannot be reached. What was published
                by then is marked.
        """
        with self._outbox.claim(self._policy.batch) as claim:
            batch = _Batch(claim, self._publish, self._policy)
            batch.publish()
        relayed = Relayed(len(claim.rows), batch.published, batch.failed)
        self._total += relayed
        if batch.error is not None:
            # Raised outside of the block, which would undo the marks.
            raise batch.error
        return relayed

    def _wait(self) -> None:
        """Wait until something may be there, in parts: a request to stop ends none of them."""
        until = time.monotonic() + self._policy.poll
        while not self._is_stopping and (rest := until - time.monotonic()) > 0:
            part_until = time.monotonic() + min(rest, _LONGEST_WAIT)
            self._outbox.wait(min(rest, _LONGEST_WAIT))
            if time.monotonic() < part_until:
                return  # it was told of a commit

    def _pause_after(self, failures: int) -> int:
        self._outbox.close()  # a connection that has failed may stay so
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, _MOST_DOUBLINGS))
        until = time.monotonic() + longest * random.uniform(0.5, 1)  # noqa: S311 - spreads load
        while not self._is_stopping and (rest := until - time.monotonic()) > 0:
            time.sleep(min(rest, _NAP))
        return failures + 1

    def _purge_if_due(self) -> None:
        if self._clock() < self._purge_at:
            return
        if self._outbox.purge(self._policy.retention, _MOST_PURGED) < _MOST_PURGED:
            self._purge_at = self._clock() + _PURGE_INTERVAL


class _Batch:
    """The publishing of one claim's rows."""

    def __init__(self, claim: Claim, publish: Publish, policy: RelayPolicy) -> None:
        self.published = 0
        self.failed = 0
        self.error: EventflowError | None = None
        self._claim = claim
        self._publish = publish
        self._policy = policy
        self._held: set[str] = set()  # keys of which a row waits for its next attempt

    def publish(self) -> None:
        """Publish the rows in one call, or, where one of them cannot be, each in its own."""
        ready = [one for row in self._claim.rows if (one := self._read(row)) is not None]
        try:
            self._publish_together(ready)
        except EventError:
            for one in ready:
                self._publish_alone(*one)
                if self.error is not None:
                    return

    def _read(self, row: OutboxRow) -> tuple[OutboxRow, Event[Any]] | None:
        if row.key in self._held:
            return None
        try:
            return row, decode_event(row.body)
        except EventError as error:
            self._refuse(row, error)
            return None

    def _publish_together(self, ready: Sequence[tuple[OutboxRow, Event[Any]]]) -> None:
        if not ready:
            return
        accepted: list[OutboxRow] = [row for row, _ in ready]
        try:
            self._publish([event for _, event in ready])
        except PublishError as error:
            known = set(error.accepted)
            accepted = [row for row, event in ready if event.id in known]
            self.error = error
        except EventError:
            raise
        except EventflowError as error:
            self.error = error
            return
        if accepted:
            self._claim.published(accepted)
            self.published += len(accepted)

    def _publish_alone(self, row: OutboxRow, event: Event[Any]) -> None:
        if row.key in self._held:
            return
        try:
            self._publish_together([(row, event)])
        except EventError as error:
            self._refuse(row, error)

    def _refuse(self, row: OutboxRow, error: EventError) -> None:
        attempts = row.attempts + 1
        if attempts >= self._policy.max_attempts:
            self._claim.failed(row, str(error))
            self.failed += 1
            _log.error(
                "row %d of the outbox is given up after %d attempts: %s",
                row.number,
                attempts,
                error,
                extra={"action": "outbox_row_failed", "row": row.number},
            )
            return
        seconds = min(_LONGEST_POSTPONEMENT, 2.0 ** min(row.attempts, _MOST_DOUBLINGS))
        self._claim.postponed(row, str(error), seconds)
        if row.key:
            self._held.add(row.key)
        _log.warning(
            "row %d of the outbox cannot be published now, and is tried again in %g s: %s",
            row.number,
            seconds,
            error,
            extra={"action": "outbox_row_postponed", "row": row.number},
        )
