"""A worker's start and end: its queues, its checks, its mover.

Hooked to Celery's own signals, so that a plain `celery -A workers worker -Q device-vendor` is as
good as `eventflow worker`.
"""

import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, worker_init, worker_ready, worker_shutting_down

from eventflow.errors import (
    EventflowError,
    LedgerError,
    QueueError,
    SchemaError,
    StartError,
    TransportError,
)
from eventflow.rules import Target
from eventflow.schemas import EventModel
from eventflow.transport import make_queue
from eventflow.transport.messages import ARCHIVE, DEAD_LETTERS, JOURNAL, ROUTE
from eventflow.worker.checks import check_settings
from eventflow.worker.context import WorkerContext
from eventflow.worker.heartbeat import Heartbeat
from eventflow.worker.memory import collect_often
from eventflow.worker.monitoring import Monitoring
from eventflow.worker.mover import Mover
from eventflow.worker.overseer import Overseer
from eventflow.worker.retention import Retention, prunings
from eventflow.worker.scheduling import interrupt_nobody
from eventflow.worker.stopping import refuse_start

__all__ = ["hook_signals", "select_queues"]

_log = logging.getLogger("eventflow.worker")
_OWN = (ROUTE, DEAD_LETTERS, ARCHIVE, JOURNAL)
_RECORDED = frozenset(
    {DEAD_LETTERS, ARCHIVE, JOURNAL}
)  # what comes from these is written to the store


def hook_signals(app: Celery, context: WorkerContext, *, is_joined: bool) -> None:
    """Have *app*'s workers set themselves up, and take themselves down.

    Args:
        app: The Celery app.
        context: Its parts.
        is_joined: Whether the app is a user's own, which also does other work.
    """
    lifecycle = _Lifecycle(app, context, is_joined=is_joined)
    # Kept by the app, since Celery's signals hold their receivers weakly.
    app.eventflow_lifecycle = lifecycle
    celeryd_init.connect(lifecycle.on_init, weak=True)
    worker_init.connect(lifecycle.on_worker_init, weak=True)
    worker_ready.connect(lifecycle.on_ready, weak=True)
    worker_shutting_down.connect(lifecycle.on_shutting_down, weak=True)


def select_queues(
    asked: Sequence[str], targets: dict[str, Target], *, others: Sequence[str]
) -> list[str]:
    """Return the queues that a worker is to read.

    Args:
        asked: What `-Q` said; empty for all.
        targets: The known targets.
        others: Queues that are known beside them.

    Raises:
        StartError: When one is asked for that nobody knows.
    """
    queues = {target.queue for target in targets.values()} - set(_OWN)
    known = [*_OWN, *sorted(queues), *others]
    unknown = [name for name in asked if name not in known]
    if unknown:
        message = (
            f"no target has the queue {', '.join(repr(name) for name in unknown)}. Known queues: "
            f"{', '.join(known)}. Is EVENTFLOW_RULES the right directory?"
        )
        raise StartError(message)
    return list(asked) or known


class _Lifecycle:
    """One app's workers, from start to end."""

    def __init__(self, app: Celery, context: WorkerContext, *, is_joined: bool) -> None:
        self._app = app
        self._context = context
        self._is_joined = is_joined
        self._mover: Mover | None = None
        self._overseer: Overseer | None = None
        self._retention: Retention | None = None
        self._monitoring = Monitoring(context)
        self._queues: list[str] = []
        self._made: list[str] = []  # those that no user has defined

    def on_init(self, instance: Any = None, options: Any = None, **_: Any) -> None:
        """Make the targets' queues known before Celery selects among them."""
        if instance is None or instance.app is not self._app:
            return
        asked = _as_list((options or {}).get("queues"))
        try:
            self._monitoring.begin()
            targets = self._targets(is_router=ROUTE in asked or not (asked or self._is_joined))
            queues = self._app.amqp.queues
            others = list(queues)  # a joined app's own, and the one of Celery's plain tasks
            own = {*_OWN, *(target.queue for target in targets.values())}
            for name in own.difference(others):
                # Not by add(): that would put Celery's default exchange in its place.
                queues[name] = make_queue(name)
            self._context.own_queues = frozenset(own)
            if self._is_joined and not asked:
                return
            check_settings(self._app, targets, self._context.settings)
            self._queues = select_queues(asked, targets, others=others)
            self._made = [name for name in self._queues if name not in others]
            queues.select(self._queues)
            self._context.reads_one_queue = len(self._queues) == 1
        except EventflowError as error:
            refuse_start(error)

    def on_worker_init(self, sender: Any = None, **_: Any) -> None:
        """Check the subscribers, since by now all modules are imported, and have the queues exist."""
        if sender is None or sender.app is not self._app:
            return
        try:
            for subscriber in self._context.subscribers.all():
                subscriber.prepare()
            self._declare()
            if self._queues and self._context.settings.batch_scheduling:
                interrupt_nobody()
            if self._queues:
                collect_often()
        except EventflowError as error:
            refuse_start(error)

    def on_ready(self, sender: Any = None, **_: Any) -> None:
        """Start the mover, and say what is amiss."""
        if sender is None or sender.app is not self._app:
            return
        self._warn()
        self._context.stopping.clear()
        heartbeat = Heartbeat(self._app, self._context, str(sender.hostname))
        self._mover = Mover(
            self._context,
            watches_rules=ROUTE in self._queues,
            queues=frozenset(self._queues) or None,
            beat=heartbeat.beat,
        )
        self._mover.start()
        if ROUTE in self._queues:
            self._overseer = Overseer(self._context)
            self._overseer.start()
        if _RECORDED.intersection(self._queues):
            settings = self._context.settings
            kinds = prunings(self._context.stores, settings)
            self._retention = Retention(kinds, every=settings.retention_interval)
            self._retention.start()
        self._monitoring.serve(self._app.amqp.queues.consume_from)

    def on_shutting_down(self, **_: Any) -> None:
        """End what runs, and give the rest back; what the mover leaves, another process's finds."""
        self._context.stopping.set()
        if self._mover is not None:
            self._mover.stop_soon()
        if self._overseer is not None:
            self._overseer.stop_soon()
        if self._retention is not None:
            self._retention.stop_soon()

    def _declare(self) -> None:
        try:
            self._context.sender.declare(self._made)
        except QueueError:
            raise  # Celery's consumer would meet it too, and try for ever
        except TransportError as error:
            # Celery waits for the broker, and declares them then.
            _log.warning("%s", error, extra={"action": "broker_away"})

    def _targets(self, *, is_router: bool) -> dict[str, Target]:
        """Return the known targets: a router's from its rules, which must be without fault."""
        if is_router:
            return dict(self._context.rules.current().targets)
        targets = self._context.targets_of_rules()
        if targets:
            return targets
        try:
            return {
                name: target
                for bus in self._context.ledgers.buses()
                for name, target in self._context.book.of(bus).items()
            }
        except LedgerError as error:
            message = f"{error}. Without it, and without rule files, no target is known"
            raise StartError(message) from error

    def _warn(self) -> None:
        context = self._context
        _warn_of_gaps(context)
        targets = context.targets_of_rules()
        for subscriber in context.subscribers.all():
            if targets and subscriber.target not in targets:
                _log.warning(
                    "the subscriber %s is bound to the target '%s', which no rule file defines; it "
                    "will never be called. Defined are: %s",
                    subscriber.name,
                    subscriber.target,
                    ", ".join(sorted(targets)),
                    extra={"action": "subscriber_without_target", "target": subscriber.target},
                )
        for name, target in targets.items():
            if target.queue not in self._queues:
                continue
            if context.subscribers.get(name) is None and target.task not in self._app.tasks:
                _log.error(
                    "the target '%s' names the task %s, and this worker has neither a subscriber "
                    "for it nor a Celery task of that name: its deliveries will become dead letters",
                    name,
                    target.task,
                    extra={"action": "target_without_task", "target": name},
                )


def _warn_of_gaps(context: WorkerContext) -> None:
    """Say which older events no chain of upcasters brings to what a subscriber asks for."""
    subscribers = context.subscribers
    models = [each.model for each in subscribers.all() if each.model is not None]
    if not any(issubclass(model, EventModel) for model in models):
        return
    try:
        stored = [item.name for item in context.schemas.current().repository.documents]
    except SchemaError:
        stored = []  # it is told elsewhere
    for have, want in subscribers.converters.gaps(models, stored):
        _log.warning(
            "subscribers ask for %s, and no chain of upcasters leads there from %s: such events, "
            "replayed or still in flight, become dead letters. Write @flow.upcast(%r, %r)",
            want,
            have.version,
            str(have),
            str(want),
            extra={"action": "upcaster_missing", "schema": str(want)},
        )


def _as_list(value: Any) -> list[str]:
    if not value:
        return []
    return value.split(",") if isinstance(value, str) else list(value)
