"""`eventflow up`: the embedded server, router, recorder, integration workers and Flower at once."""

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import FrameType
from typing import Self

import click
from celery import Celery

from eventflow.cli.application import check_servers, import_subscribers, load_app
from eventflow.cli.deployment import (
    Roll,
    deployment_processes,
    flower_process,
    flower_url,
    integrations_of,
    worker_name,
    worker_process,
)
from eventflow.cli.lines import PrefixedLines
from eventflow.cli.metrics_ports import MetricsPorts
from eventflow.cli.ports import free_port
from eventflow.cli.running import RunLock
from eventflow.cli.supervisor import GRACE, Supervisor, restart_delay
from eventflow.embedded import EmbeddedServer, running_server
from eventflow.errors import RuleError, StartError
from eventflow.rules import RuleSet, RuleSource
from eventflow.settings import Settings, load_settings
from eventflow.units import format_duration, parse_duration
from eventflow.worker.stopping import StopRequest

__all__ = ["up"]

_READY_WITHIN = 90.0
_LOOK_EVERY = 0.5


def _read_duration(_ctx: click.Context, _parameter: click.Parameter, value: str) -> float:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command()
@click.option("--flower/--no-flower", "has_flower", default=True, help="Whether Flower runs, too.")
@click.option(
    "--flower-port",
    type=click.IntRange(1, 65535),
    help="Where it listens; the next free port if that is taken.  [default: EVENTFLOW_FLOWER_PORT]",
)
@click.option(
    "--grace",
    default=format_duration(GRACE),
    show_default=True,
    callback=_read_duration,
    help="How long running deliveries may go on at the end.",
)
def up(has_flower: bool, flower_port: int | None, grace: float) -> None:
    """Start everything, in this terminal, and keep it running until Ctrl-C.

    That is: the embedded Valkey (unless EVENTFLOW_BROKER_URL or EVENTFLOW_REDIS_URL names another
    server), a router, the recorder, one worker per integration, and Flower.
    """
    settings = load_settings()
    # What is amiss is said once: faulty rules at the start by an error, later by the router.
    logging.getLogger("eventflow").addHandler(logging.NullHandler())
    source = RuleSource(settings.rules, interval=settings.rules_interval)
    rules = source.current()
    app = load_app(settings)
    import_subscribers(app)  # what is broken is said once, before anything starts
    with RunLock(settings.data_dir / "up.lock", "eventflow up") as lock, _Signals() as signals:
        lines = PrefixedLines(width=max(map(len, ("recorder", *integrations_of(rules)))))
        server: AbstractContextManager[EmbeddedServer | None] = nullcontext()
        if settings.embedded:
            server = running_server(settings)
        with server as embedded:
            if embedded is not None:
                found = "started" if embedded.owned else "was running already, and is used"
                lines.write("valkey", f"{found}: {embedded.socket_path}")
            run = _Run(settings, app, rules, lines=lines, signals=signals, server=embedded)
            check_servers(settings, app)
            port = flower_port if flower_port is not None else settings.flower_port
            run.start(lock, flower_port=port if has_flower else None, grace=grace)
            run.watch(source)
            run.stop()
    lines.write("up", "eventflow has stopped.", loud=True)


class _Signals:
    """Counts the requests to stop: the first asks, the second hurries."""

    def __init__(self) -> None:
        self.stop = StopRequest()
        self.supervisor: Supervisor | None = None

    def __enter__(self) -> Self:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._previous = [(number, signal.signal(number, self._receive)) for number in numbers]
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous:
            signal.signal(number, handler)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        if self.stop.is_set() and self.supervisor is not None:
            self.supervisor.hurry()
        self.stop.set()


class _Run:
    """One run of everything, from start to stop."""

    def __init__(
        self,
        settings: Settings,
        app: Celery,
        rules: RuleSet,
        *,
        lines: PrefixedLines,
        signals: _Signals,
        server: EmbeddedServer | None,
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._lines = lines
        self._signals = signals
        self._server = server
        self._server_failures = 0
        self._server_due = 0.0
        self._roll = Roll(app)
        self._metrics = MetricsPorts(settings.metrics_port)
        self._supervisor = Supervisor(on_line=lines.write, on_note=self._note)
        self._grace = GRACE
        self._held = ExitStack()
        signals.supervisor = self._supervisor

    def start(self, lock: RunLock, *, flower_port: int | None, grace: float) -> None:
        """Start all, wait until all answer, and say so; stop all when one does not."""
        self._grace = grace
        for process in deployment_processes(self._rules, self._roll):
            self._supervisor.add(self._metrics.give(process))
        self._supervisor.start()
        with self._stopping_on_error():
            if not self._wait():
                return
            parts = f"{_count(len(integrations_of(self._rules)), 'worker')}, router, recorder"
            place = ""
            if flower_port is not None:
                port = self._held.enter_context(free_port(flower_port))
                if port != flower_port:
                    self._say(f"port {flower_port} is taken; Flower uses {port}")
                self._supervisor.add(flower_process(self._settings.workers, port))
                if not self._wait():
                    return
                lock.note(flower=flower_url(port))
                place = f" Flower: {flower_url(port)}."
            if ports := str(self._metrics):
                self._say(f"metrics for Prometheus, each at /metrics: {ports}")
            self._say(f"eventflow is up: {parts}.{place} Ctrl-C stops it.", loud=True)

    def watch(self, source: RuleSource) -> None:
        """Keep all running, and follow the rules, until a signal says stop."""
        while not self._signals.stop.wait(_LOOK_EVERY):
            with self._stopping_on_error():
                self._revive_server()
                for name in self._supervisor.poll_ready():
                    self._note(name, "is ready")
                self._follow(source)

    def stop(self) -> None:
        """Stop all but the server: first what delivers and routes, then who writes it down."""
        self._say(
            f"stopping: running deliveries have {format_duration(self._grace)} to end; "
            "Ctrl-C again hurries"
        )
        last = {"recorder", "flower"}
        self._supervisor.stop(*(set(self._supervisor.names) - last), grace=self._grace)
        self._supervisor.stop(grace=self._grace)
        self._held.close()

    def _wait(self) -> bool:
        return self._supervisor.wait_until_ready(
            _READY_WITHIN, interrupted=self._signals.stop.is_set
        )

    def _say(self, text: str, *, loud: bool = False) -> None:
        self._lines.write("up", text, loud=loud)

    def _note(self, name: str, text: str) -> None:
        self._lines.write("up", f"{name} {text}", loud=True)

    @contextmanager
    def _stopping_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _revive_server(self) -> None:
        server, now = self._server, time.monotonic()
        if server is None or now < self._server_due:
            return
        if not server.died and (server.owned or server.running):
            return
        self._note("valkey", "has ended; starting it again, with its data")
        try:
            server.start()
        except StartError as error:
            self._server_failures += 1
            self._server_due = now + restart_delay(self._server_failures)
            self._note("valkey", str(error))
        else:
            self._server_failures = 0

    def _follow(self, source: RuleSource) -> None:
        """Start the workers of new integrations, and renew those whose queues have changed."""
        try:
            rules = source.current()
        except RuleError:
            return
        if rules.fingerprint == self._rules.fingerprint:
            return
        before, after = integrations_of(self._rules), integrations_of(rules)
        self._rules = rules
        for name, queues in after.items():
            if queues == before.get(name):
                continue
            if worker_name(name) in self._supervisor.names:
                self._supervisor.stop(worker_name(name), grace=self._grace)
            self._supervisor.add(self._metrics.give(worker_process(name, self._roll)))
            self._note(name, f"starts with the rules as they are now: reads {', '.join(queues)}")
        for name in before.keys() - after.keys():
            self._note(name, "is in no rule file any more; its worker goes on till all is stopped")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
