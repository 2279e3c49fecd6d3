"""A process's report of itself, written every few seconds, and taken away when it stops in order."""

import logging
import os
import platform
import secrets
import socket
import threading
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from celery import Celery
from celery.signals import worker_shutdown
from celery.worker import state

from eventflow.delivery import ProcessReport
from eventflow.errors import EventflowError, LedgerError, RuleError
from eventflow.rules import Target
from eventflow.settings import mask_url
from eventflow.worker.alarms import Alarms
from eventflow.worker.context import WorkerContext

__all__ = ["Heartbeat"]

_log = logging.getLogger("eventflow.heartbeat")
_LIBRARIES = ("eventflow", "celery", "kombu", "redis", "pydantic")
_OWN_TASKS = "eventflow."
_LIVES = 4  # intervals: one report may be lost, and one late


class Heartbeat:
    """Reports a worker. Called from the mover's thread; `beat` never raises.

    Args:
        app: The Celery app.
        context: Its parts.
        name: Celery's name of the node.
    """

    def __init__(self, app: Celery, context: WorkerContext, name: str) -> None:
        self._app = app
        self._context = context
        self._name = name
        self._identity = f"{name}:{secrets.token_hex(4)}"
        self._started_at = time.time()
        self._versions = _versions()
        self._alarms = Alarms(context)
        self._next = 0.0
        self._ended = threading.Event()
        worker_shutdown.connect(self.on_shutdown, weak=True)

    def beat(self) -> None:
        """Report, and look for alarms, if it is time to."""
        if time.monotonic() < self._next or self._ended.is_set():
            return
        interval = self._context.settings.report_interval
        self._next = time.monotonic() + interval
        try:
            report = self._report()
            self._context.ledgers.processes().report(report, interval * _LIVES)
            self._alarms.look(report.queues, report.named_targets)
        except EventflowError as error:
            # The mover says it loudly: it needs the same servers.
            _log.debug("%s", error, extra={"action": "report_failed"})
        except Exception:  # noqa: BLE001 - who beats moves deliveries, and must not end for this
            _log.exception("a process's report failed", extra={"action": "report_failed"})
        if self._ended.is_set():  # it was stopped meanwhile, and may have written after that
            self._remove()

    def on_shutdown(self, sender: Any = None, **_: Any) -> None:
        """Take the report away."""
        if sender is None or sender.app is not self._app:
            return
        self._ended.set()
        self._remove()

    def _remove(self) -> None:
        try:
            self._context.ledgers.processes().remove(self._identity)
        except LedgerError as error:  # then it expires
            _log.debug("%s", error, extra={"action": "report_failed"})

    def _report(self) -> ProcessReport:
        now, offset = self._context.ledgers.processes().clock()
        queues = sorted(self._app.amqp.queues.consume_from)
        fingerprint, named = self._rules()
        others, running = _other_tasks()
        subscribers = {subscriber.target for subscriber in self._context.subscribers.all()}
        return ProcessReport(
            identity=self._identity,
            name=self._name,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=tuple(queues),
            started_at=self._started_at,
            seen_at=now,
            clock_offset=offset,
            versions=self._versions,
            broker=mask_url(str(self._app.conf.broker_read_url or self._app.conf.broker_url)),
            rules=fingerprint,
            rule_faults=len(self._context.rules.problems) if fingerprint else 0,
            named_targets=named,
            subscribers=tuple(sorted(subscribers)),
            answers_canaries=True,
            other_tasks=others,
            other_tasks_running=running,
            unable=tuple(
                name
                for name, target in sorted(self._targets().items())
                if target.queue in queues
                and name not in subscribers
                and target.task not in self._app.tasks
            ),
        )

    def _rules(self) -> tuple[str, tuple[str, ...]]:
        """Return the fingerprint of the rules, and the targets that those in force name."""
        try:
            rules = self._context.rules.current()
        except RuleError:  # most workers have no rule files
            return "", ()
        return rules.fingerprint, tuple(sorted(rules.named_targets))

    def _targets(self) -> dict[str, Target]:
        return {
            name: target
            for bus in self._context.ledgers.buses()
            for name, target in self._context.book.of(bus).items()
        }


def _other_tasks() -> tuple[int, int]:
    """Return how many tasks that are not eventflow's were taken so far, and how many of them run."""
    try:
        taken = sum(n for name, n in dict(state.total_count).items() if not _is_ours(name))
        return taken, sum(not _is_ours(request.name) for request in list(state.active_requests))
    except RuntimeError:  # the worker has begun or ended a task in this moment
        return 0, 1


def _is_ours(task: str) -> bool:
    return task.startswith(_OWN_TASKS)


def _versions() -> dict[str, str]:
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a checkout that was never installed
            continue
    return found
