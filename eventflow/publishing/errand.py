"""One call of publish(): events go to the ledger, and routers are told; apart from who waits for it."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from eventflow.delivery import Acceptance, Accepted, Ledgers, is_unanswered
from eventflow.errors import LedgerError, PublishError
from eventflow.events import Event
from eventflow.publishing.parts import Part, Wording, refusal
from eventflow.publishing.waker import Waker
from eventflow.transport import route_message

__all__ = ["Errand"]


class Errand:
    """Has events accepted, part by part, and routers told.

    One thread runs it and another one may wait for `done`, until it gives up. Then nothing more is
    begun; what is under way may still succeed, which is why the error calls it unknown.

    Args:
        parts: The events.
        ledgers: Where to.
        waker: Who tells the routers.
        seconds: How long a part may take, from its beginning to the last that is done for it.
        most_named: Events that a message names; it has all routed that wait.
        wording: What is said where events are not accepted.
        answers: The ledger's, of the only part, where it was asked already: then the routers are left.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        ledgers: Ledgers,
        waker: Waker,
        *,
        seconds: float,
        most_named: int,
        wording: Wording,
        answers: Accepted | None = None,
    ) -> None:
        self.done: Future[None] = Future()
        self._parts = parts
        self._ledgers = ledgers
        self._waker = waker
        self._seconds = seconds
        self._most_named = most_named
        self._wording = wording
        self._lock = threading.Lock()
        self._until = time.monotonic() + seconds
        self._wanted = [one.event.id for part in parts for one in part.events]
        self._accepted: list[str] = []
        self._under_way: Part | None = None
        self._is_begun = False
        self._is_over = False
        # Noted at once: what the ledger has is accepted, even if no carrier ever has time for the rest.
        self._noted = self._note(parts[0], answers) if answers is not None else None

    @property
    def seconds_left(self) -> float:
        """Seconds until the part that is under way is late."""
        return max(0.0, self._until - time.monotonic())

    def run(self, start: Callable[[Callable[[], None]], object]) -> None:
        """Do it; the outcome is in `done`.

        Args:
            start: Has something done that nobody waits for.
        """
        last = len(self._parts) - 1
        for number, part in enumerate(self._parts):
            if not self._begin(part):
                return
            try:
                taken, waiting = self._accept(part)
            except LedgerError as error:
                part.count_failed()
                self._end(self._refusal(error.message, is_known=not is_unanswered(error)), error)
                return
            except Exception as error:  # noqa: BLE001 - raised where it is waited for
                self._end(error)
                return
            if taken < len(part.events):
                self._end(self._refusal(self._wording.full(part.bus)))
                self._wake(part.bus, waiting)
                return
            if number < last and waiting:
                start(partial(self._wake, part.bus, waiting))
            elif number == last:
                if self._waker.is_away:
                    self._end(None)
                self._wake(part.bus, waiting)
        self._end(None)

    def be_ready(self) -> None:
        """Have the next one find what `Ledgers.accept_at_once` needs; this may take long, and nobody waits."""
        for bus in {part.bus for part in self._parts}:
            self._ledgers.be_ready(bus)

    @property
    def is_accepted(self) -> bool:
        """Whether the ledger has taken all events."""
        with self._lock:
            return len(self._accepted) == len(self._wanted)

    def give_up(self) -> None:
        """End the waiting: `done` is set now, as things stand."""
        if self.is_accepted:
            self._waker.give_up(len(self._wanted))
            self._end(None)
        elif not self._is_begun:
            self._end(self._refusal(self._wording.crowded))
            self._parts = ()  # its turn may come late: what it carried need not wait for it
        else:
            self._end(self._refusal(self._wording.late, is_known=False))

    def abandon(self) -> None:
        """Begin nothing more; nobody waits."""
        with self._lock:
            self._is_over = True

    def _begin(self, part: Part) -> bool:
        with self._lock:
            if self._is_over:
                return False
            self._is_begun = True
            self._under_way = part
            self._until = time.monotonic() + self._seconds
            return True

    def _accept(self, part: Part) -> tuple[int, list[Event[Any]]]:
        """Have a part accepted; return how many were taken, and those that a router is to be told of."""
        if self._noted is not None:
            return self._noted
        bus, events = part.call
        return self._note(part, self._ledgers.of(bus).accept(events))

    def _note(self, part: Part, answers: Accepted) -> tuple[int, list[Event[Any]]]:
        taken = [
            (one.event, answer)
            for one, answer in zip(part.events, answers, strict=True)
            if answer is not Acceptance.FULL
        ]
        with self._lock:
            self._accepted += [event.id for event, _ in taken]
            self._under_way = None
        part.count(answers)
        if not answers.is_call_due:
            return len(taken), []
        return len(taken), [event for event, answer in taken if answer is not Acceptance.DUPLICATE]

    def _wake(self, bus: str, events: Sequence[Event[Any]]) -> None:
        named = [(event.id, event.type) for event in events[: self._most_named]]
        self._waker.wake([route_message(bus, named)] if named else [], len(events))

    def _end(self, error: Exception | None, cause: Exception | None = None) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
        if error is None:
            self.done.set_result(None)
        else:
            error.__cause__ = cause
            self.done.set_exception(error)

    def _refusal(self, reason: str, *, is_known: bool = True) -> PublishError:
        with self._lock:
            accepted = list(self._accepted)
            part = None if is_known else self._under_way
        unknown = [one.event.id for one in part.events] if part is not None else []
        return refusal(reason, self._wanted, accepted, unknown)
