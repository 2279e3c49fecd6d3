"""The mover: puts what is due back on its queue, and sends again what was lost on the way.

Every worker runs one beside its tasks; any number may run at once, and each may be killed between
any two steps: the ledger changes first, in one step, and what then has no message is found again.
"""

import logging
import threading
import time
from collections.abc import Callable

from eventflow.delivery import CALL_AGAIN, Ledger
from eventflow.errors import EventflowError, LedgerError, TransportError
from eventflow.events import split_ledger_id
from eventflow.journal import JournalCall
from eventflow.rules import ARCHIVE, Target
from eventflow.transport import (
    Message,
    deliver_message,
    journal_message,
    record_message,
    route_message,
)
from eventflow.transport.messages import DEAD_LETTERS, JOURNAL, ROUTE
from eventflow.worker.context import WorkerContext
from eventflow.worker.hand_back import due_messages
from eventflow.worker.route import groups
from eventflow.worker.singles import MOST_SINGLE, Singles
from eventflow.worker.stopping import StopRequest
from eventflow.worker.tell import tell_dropped

__all__ = ["Mover"]

_log = logging.getLogger("eventflow.mover")
_PATIENCE = 2.0  # seconds
_CALL_LOST = 3 * CALL_AGAIN  # seconds: a call costs nearly nothing, so it is soon made again
_REST = 0.02  # seconds between two rounds: what is due meanwhile is moved together
_MOST_MOVED = 500  # of one target in one round: other targets are not kept waiting


class Mover:
    """A thread that moves until it is stopped.

    Args:
        context: The process's parts.
        watches_rules: Whether this process routes: then changed rule files are read, and their
            targets announced, even while no event comes.
        queues: The queues that this process reads. An integration's worker moves what is on its own
            alone, so that it needs no access to anything else; a router moves everything, but looks
            only now and then, since it has work for all targets, and those who read a target's queue
            move what is due in its moment. None moves everything, in its moment too.
        beat: Called before each round; it never raises.
        most_single: Up to how many deliveries of a target that are due within a second have a message
            each; more of them are called for together.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        watches_rules: bool,
        queues: frozenset[str] | None = None,
        beat: Callable[[], None] = lambda: None,
        most_single: float = MOST_SINGLE,
    ) -> None:
        self._context = context
        self._beat = beat
        self._singles = Singles(most_single)
        self._watches_rules = watches_rules
        self._queues = None if queues is not None and ROUTE in queues else queues
        self._is_punctual = queues != frozenset({ROUTE})
        self._stopping = StopRequest()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="eventflow-mover", daemon=True)
        self._thread.start()

    def stop_soon(self) -> None:
        """Stop it after its current round; safe in a signal's handler, and in one within another."""
        self._stopping.set()

    def round(self, *, only_due: bool = False) -> float:
        """Move once, on every bus.

        Args:
            only_due: Whether to leave what was lost on the way to another round.

        Returns:
            Seconds until the next round is worth its while.

        Raises:
            LedgerError, TransportError: When either cannot be reached.
        """
        if self._watches_rules and not only_due:
            self._context.announce()
        wait = self._context.settings.mover_interval
        for bus in self._context.ledgers.buses():
            ledger = self._context.ledgers.of(bus)
            targets = {
                name: target
                for name, target in self._context.book.of(bus).items()
                if self._is_ours(target.queue)
            }
            nearest = self._move_due(ledger, targets)
            if not only_due:
                self._send_lost(ledger, targets)
            if nearest is not None and self._is_punctual:
                wait = min(wait, nearest)
        if not only_due:
            self._call_recorder()
        return wait

    def _run(self) -> None:
        is_failing = is_away = False
        interval = self._context.settings.mover_interval
        wait = whole_at = 0.0
        while not self._stopping.wait(wait):
            self._beat()
            try:
                if is_away:
                    self._context.ledgers.buses()  # raises while the ledger is still away
                    is_away = False
                    # Leases may have ended meanwhile. Those who kept an outcome until the ledger
                    # was back say it first; then what has none is moved.
                    wait = _PATIENCE
                    continue
                only_due = time.monotonic() < whole_at
                if not only_due:
                    whole_at = time.monotonic() + interval
                wait = max(self.round(only_due=only_due), _REST)
                is_failing = False
            except EventflowError as error:
                if not is_failing:
                    _log.warning("%s", error, extra={"action": "mover_failed"})
                is_failing = True
                is_away = isinstance(error, LedgerError)
                wait = 1.0
            except Exception:  # noqa: BLE001 - logged; see below
                # The mover must outlive whatever one round meets: nothing else finds what was lost.
                _log.exception("a round of the mover failed", extra={"action": "mover_failed"})
                wait = 1.0

    def _move_due(self, ledger: Ledger, targets: dict[str, Target]) -> float | None:
        moved = ledger.move([targets[name] for name in sorted(targets)], _MOST_MOVED)
        for identity in moved.lost:
            _log.warning(
                "the lease of delivery %s ended without an outcome: its worker is gone, or stuck",
                identity,
                extra={"action": "delivery_lost", "delivery_id": identity},
            )
        for name, ids in moved.by_target.items():
            if name != ARCHIVE and not self._singles.add(ledger.bus, name, len(ids)):
                self._call(ledger, name, targets, patience=CALL_AGAIN)
                continue
            messages = due_messages(self._context, ledger, targets[name], ids)
            self._context.sender.send(messages)
        return moved.nearest

    def _send_lost(self, ledger: Ledger, targets: dict[str, Target]) -> None:
        """Send again what has been queued for too long and cannot be on its queue any more."""
        patience = self._context.settings.requeue_after
        if self._is_ours(ROUTE):
            self._recover_routes(ledger)
        own = [name for name in (ROUTE, DEAD_LETTERS) if self._is_ours(name)]
        names = [*own, *sorted(targets)]
        for name, (age, lag) in ledger.stale(names).items():
            is_called = name not in {DEAD_LETTERS, ARCHIVE}
            if age < (min(patience, _CALL_LOST) if is_called else patience):
                continue
            queue = targets[name].queue if name in targets else name
            is_empty = self._context.sender.depth(queue) == 0
            if is_called:
                # Whoever takes a message takes what is queued: one is enough.
                if is_empty and self._call(
                    ledger, name, targets, patience=min(patience, _CALL_LOST)
                ):
                    self._tell_again(queue, 1, age)
                continue
            if not is_empty and lag < patience:
                continue
            ids = ledger.requeue(name, patience, empty=is_empty, limit=_MOST_MOVED)
            if not ids:
                continue
            self._tell_again(queue, len(ids), age)
            self._context.sender.send(self._again(ledger, targets, name, ids))

    def _recover_routes(self, ledger: Ledger) -> None:
        ids = ledger.recover_routes(_MOST_MOVED)
        for event_id in ids:
            _log.warning(
                "event %s was not routed in time: its router is gone, or stuck",
                event_id,
                extra={"action": "event_lost", "event_id": split_ledger_id(event_id)[0]},
            )
        if ids:
            self._call(ledger, ROUTE, {}, patience=CALL_AGAIN)

    def _call(
        self, ledger: Ledger, name: str, targets: dict[str, Target], *, patience: float
    ) -> bool:
        """Send a queue one message, unless one is on its way; return whether it was sent."""
        if not ledger.call(name, patience=patience):
            return False
        if name == ROUTE:
            message = route_message(ledger.bus, [])
        else:
            target = targets[name]
            message = deliver_message(ledger.bus, name, target.queue, target.task, [])
        self._context.sender.send([message])
        return True

    def _tell_again(self, queue: str, number: int, age: float) -> None:
        _log.info(
            "sending %d again on %s: queued for %.1f s",
            number,
            queue,
            age,
            extra={"action": "sent_again", "queue": queue, "count": number},
        )

    def _again(
        self, ledger: Ledger, targets: dict[str, Target], name: str, ids: list[str]
    ) -> list[Message]:
        if name == DEAD_LETTERS:
            size = self._context.settings.group_size
            return [record_message(ledger.bus, group) for group in groups(ids, size)]
        return due_messages(self._context, ledger, targets[name], ids)

    def _call_recorder(self) -> None:
        """Send the recorder a message for each bus whose journal has entries; one at a time."""
        if not self._is_ours(JOURNAL):
            return
        patience = 2 * self._context.settings.requeue_after
        for bus in self._context.ledgers.buses():
            answer = self._context.ledgers.of(bus).call_recorder(patience=patience)
            if answer.dropped:
                tell_dropped(bus, answer.dropped)
            if answer.call is JournalCall.NO:
                continue
            try:
                # Not answered yet: the message is lost, or lies there until a recorder runs.
                if answer.call is JournalCall.AGAIN and self._context.sender.depth(JOURNAL) > 0:
                    continue
                self._context.sender.send([journal_message(bus)])
            except TransportError as error:
                # The entries wait, and it is tried again after a while; what else moves goes on.
                _log.warning("%s", error, extra={"action": "send_failed", "messages": 1})

    def _is_ours(self, queue: str) -> bool:
        return self._queues is None or queue in self._queues
