"""One call of publish(): events go to the ledger, and routers are told; apart from who waits for it."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from eventflow.delivery import Acceptance, Accepted, Ledgers, is_unanswered
from eventflow.errors import LedgerError, PublishError
from eventflow.events import Event
from eventflow.metrics import meter
from eventflow.publishing.preparation import Ready
from eventflow.publishing.waker import Waker
from eventflow.transport import route_message

__all__ = ["Errand", "Part", "Wording"]


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to the ledger in one call.

    Attributes:
        bus: The bus.
        events: Its events.
    """

    bus: str
    events: Sequence[Ready]


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said where events are not accepted.

    Attributes:
        full: Of a bus that takes no more events.
        late: Where the ledger has not answered in time.
        crowded: Where it was not even asked, since too many calls wait for it.
    """

    full: Callable[[str], str]
    late: str
    crowded: str


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
                meter().published(part.bus, {"failed": len(part.events)})
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

    def run_at_once(self) -> bool:
        """Do it here, where that takes no longer than one waits for it whatever happens.

        Returns:
            Whether it is done, and the outcome in `done`; else `run` is to be called.
        """
        if len(self._parts) != 1:
            return False
        [part] = self._parts
        try:
            answers = self._ledgers.accept_at_once(part.bus, _words(part), self.seconds_left)
        except LedgerError as error:
            meter().published(part.bus, {"failed": len(part.events)})
            self._under_way = part
            self._end(self._refusal(self._wording.late, is_known=False), error)
            return True
        if answers is None:
            self._seconds = self.seconds_left  # what is left of the caller's patience
            return False
        taken, _ = self._note(part, answers)
        is_full = taken < len(part.events)
        self._end(self._refusal(self._wording.full(part.bus)) if is_full else None)
        return True

    def be_ready(self) -> None:
        """Have the next one find what `run_at_once` needs; this may take long, and nobody waits."""
        for bus in {part.bus for part in self._parts}:
            self._ledgers.be_ready(bus)

    def give_up(self) -> None:
        """End the waiting: `done` is set now, as things stand."""
        with self._lock:
            is_accepted = len(self._accepted) == len(self._wanted)
        if is_accepted:
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
        return self._note(part, self._ledgers.of(part.bus).accept(_words(part)))

    def _note(self, part: Part, answers: Accepted) -> tuple[int, list[Event[Any]]]:
        taken = [
            (one.event, answer)
            for one, answer in zip(part.events, answers, strict=True)
            if answer is not Acceptance.FULL
        ]
        with self._lock:
            self._accepted += [event.id for event, _ in taken]
            self._under_way = None
        new = answers.count(Acceptance.NEW)
        refused = answers.count(Acceptance.FULL)
        known = len(answers) - new - refused
        outcomes = {"accepted": new, "duplicate": known, "refused": refused}
        meter().published(part.bus, outcomes)
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
        known = set(accepted)
        rejected = [event_id for event_id in self._wanted if event_id not in known]
        unknown = [one.event.id for one in part.events] if part is not None else []
        message = f"{len(rejected)} of {len(self._wanted)} events could not be published: {reason}"
        if unknown:
            message += (
                f". Whether the ledger took {len(unknown)} of them is not known: publish the same "
                "events again, an id counts once"
            )
        return PublishError(message, accepted, rejected, unknown)


def _words(part: Part) -> list[tuple[str, bytes, str]]:
    return [(one.event.id, one.body, _lane(one.event)) for one in part.events]


def _lane(event: Event[Any]) -> str:
    """Return what is routed in turn with others: events of one source and type."""
    return f"{event.source}|{event.type}"
