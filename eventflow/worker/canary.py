"""Canaries: a message through each queue now and then, which shows that its workers take something.

A worker can be alive, report itself, and consume nothing: it is frozen, its pool hangs, or it has lost
its subscription when its broker came back, which is the best-known failure of a Celery worker. No
count of its own shows that; a message that is not taken does.

A queue's workers count as stuck when a canary is on its way for longer than `canary_patience` and in
this time nothing was claimed or done there, while no reader of the queue has a lease, or a task that
is not eventflow's, which keeps it busy. A long backlog is none of this: its head moves.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from eventflow.delivery import CanaryBook, CanaryStatus, ProcessReport, Roster
from eventflow.errors import LedgerError
from eventflow.transport.messages import CANARY, ROUTE, canary_message
from eventflow.units import format_duration
from eventflow.worker.context import WorkerContext

__all__ = ["Canaries", "answer_canary", "quiet_canaries"]

_log = logging.getLogger("eventflow.canary")
_CELERY_LOGGERS = ("celery.worker.strategy", "celery.app.trace")
_OWN = "eventflow."
_MOST_LEASES = 200  # of a target, that are looked at for who has them


def answer_canary(context: WorkerContext, queue: str, sent_at: float) -> None:
    """Take a canary from its queue: say so in the ledger, and nothing else.

    Args:
        context: The process's parts.
        queue: The queue.
        sent_at: When it was sent, by the ledger's clock.
    """
    try:
        context.ledgers.canaries().answer(queue)
    except LedgerError as error:
        # The next one tells; whoever looks for answers cannot reach the ledger either.
        _log.debug("%s", error, extra={"action": "canary_failed", "sent_at": sent_at})


def quiet_canaries() -> None:
    """Have Celery not say of each canary that it was received and succeeded; failures it says."""
    for name in _CELERY_LOGGERS:
        logging.getLogger(name).addFilter(_is_told)


def _is_told(record: logging.LogRecord) -> bool:
    facts = getattr(record, "data", None)  # as Celery calls what it hands to custom handlers
    is_canary = isinstance(facts, dict) and facts.get("name") == CANARY
    return not is_canary or record.levelno > logging.INFO


class Canaries:
    """Sends canaries, and judges what has become of them. For one router at a time.

    Args:
        context: The process's parts.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context

    def look(self) -> None:
        """Send those that are due, and say which queues' workers are stuck, and which no more.

        Raises:
            LedgerError, TransportError: When either cannot be reached.
        """
        processes = self._context.ledgers.processes()
        roster, (now, _) = processes.roster(), processes.clock()
        readers: defaultdict[str, list[ProcessReport]] = defaultdict(list)
        for one in roster.alive:
            for queue in one.queues:
                readers[queue].append(one)
        book = self._context.ledgers.canaries()
        known = book.read()
        for queue, status in known.items():
            self._judge(book, status, readers.get(queue, []), roster, now)
        own = self._names_by_queue()
        for queue in sorted(readers):
            if queue not in own and not queue.startswith(_OWN):
                continue  # a joined app's own, which is no affair of ours
            if all(one.answers_canaries for one in readers[queue]):
                self._send(book, known.get(queue, CanaryStatus(queue)), readers[queue], now)

    def _send(
        self, book: CanaryBook, status: CanaryStatus, readers: Sequence[ProcessReport], now: float
    ) -> None:
        if now - status.sent < self._context.settings.canary_interval:
            return
        # One that is on its way is enough; where it is not on the queue, it may be lost.
        if status.since and self._context.sender.depth(status.queue) > 0:
            return
        book.sent(status.queue, now, [one.identity for one in readers])
        self._context.sender.send([canary_message(status.queue, now)])

    def _judge(
        self,
        book: CanaryBook,
        status: CanaryStatus,
        readers: Sequence[ProcessReport],
        roster: Roster,
        now: float,
    ) -> None:
        if not status.since:
            if status.stuck:
                self._tell_recovered(book, status, now)
            return
        progress = self._progress(status.queue, readers)
        if progress != status.progress:
            book.moved(status.queue, now, progress)
            return
        frozen = [name for name in status.readers if name in roster.vanished]
        if not readers and not frozen:
            if now - status.since > self._context.settings.canary_patience:
                book.forget(status.queue)  # all have stopped in order
            return
        # A worker that has just begun has not had the time.
        begun = min((one.started_at - one.clock_offset for one in readers), default=0.0)
        since = max(status.waiting_since, begun)
        is_late = now - since > self._context.settings.canary_patience
        if is_late and not status.stuck and not self._is_busy(readers):
            self._tell_stuck(book, status, readers, frozen, now)

    def _tell_stuck(
        self,
        book: CanaryBook,
        status: CanaryStatus,
        readers: Sequence[ProcessReport],
        frozen: Sequence[str],
        now: float,
    ) -> None:
        book.stuck(status.queue, now)
        alive = [one.name for one in readers]
        names = sorted({*alive, *(identity.rpartition(":")[0] for identity in frozen)})
        _log.warning(
            "nothing is taken from the queue %s: a canary has been on its way for %s, and %s, which "
            "reads it, %s; restart it",
            status.queue,
            format_duration(round(now - status.since)),
            ", ".join(names),
            "reports itself all the same" if alive else "says nothing any more: frozen, or killed",
            extra={"action": "worker_stuck", "queue": status.queue, "workers": names},
        )

    def _tell_recovered(self, book: CanaryBook, status: CanaryStatus, now: float) -> None:
        book.stuck(status.queue, None)
        _log.warning(
            "the queue %s is read again, after %s",
            status.queue,
            format_duration(round(now - status.stuck)),
            extra={"action": "worker_recovered", "queue": status.queue},
        )

    def _names_by_queue(self) -> Mapping[str, set[str]]:
        """Return the targets on each queue."""
        names: defaultdict[str, set[str]] = defaultdict(set)
        for bus in self._context.ledgers.buses():
            for name, target in self._context.book.of(bus).items():
                names[target.queue].add(name)
        return names

    def _progress(self, queue: str, readers: Sequence[ProcessReport]) -> str:
        """Return what changes whenever a reader of the queue does something for it."""
        names = sorted({queue, *self._names_by_queue().get(queue, set())})
        buses = self._context.ledgers.buses()
        parts = [self._context.ledgers.reconciliation(bus).progress(names) for bus in buses]
        return ";".join([*parts, str(sum(one.other_tasks for one in readers))])

    def _is_busy(self, readers: Sequence[ProcessReport]) -> bool:
        """Whether a reader runs something that may take as long as it takes."""
        if any(one.other_tasks_running for one in readers):
            return True
        by_queue = self._names_by_queue()
        queues = {queue for one in readers for queue in one.queues}
        names = queues.union(*(by_queue.get(queue, set()) for queue in queues))
        begins = tuple(f"{one.name}:" for one in readers)
        for bus in self._context.ledgers.buses():
            repairs = self._context.ledgers.reconciliation(bus)
            for name in sorted(names):
                owners = repairs.owners(name, _MOST_LEASES)
                # A router's leases bear no name.
                if any(name == ROUTE or owner.startswith(begins) for owner in owners):
                    return True
        return False
