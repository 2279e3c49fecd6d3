"""A system, running: its servers, its workers and its publishers, all in a temporary folder."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.end_to_end.clock import Schedule
from benchmarks.end_to_end.histogram import Histogram
from benchmarks.end_to_end.job import BROKER, TARGETS, target_names
from benchmarks.end_to_end.processes import Processes
from benchmarks.end_to_end.systems import System
from benchmarks.end_to_end.tally import PLACE, read_count, read_histogram
from tests.servers import parts_of

__all__ = ["ROOT", "Deployment"]

ROOT = Path(__file__).resolve().parents[2]
_START_LIMIT = 400.0  # seconds: a hundred thousand rules are read for a minute and a half
_SETTLE_LIMIT = 3.0
_RULES_A_FILE = 2_000  # a file may not hold any number of values
_JOURNAL = 5_000_000  # entries: more than any run without a recorder makes


class Deployment:
    """One system's processes, for a `with` block.

    Args:
        system: Which.
        broker: "valkey", the embedded server, or "rabbitmq".
        pool: What runs tasks in a Celery worker.
        publishers: How many processes publish.
        routers: How many route.
        targets: How many targets an event has.
        rules: How many further rules there are, none of which matches.
        recorder: Whether eventflow's recorder runs too.
        flooder: Whether a further publisher is there for `flood`.
        target_options: What the rule file says of each target besides, as YAML's flow style has it.
        environment: What the processes find in their environment besides.
    """

    def __init__(
        self,
        system: System,
        broker: str,
        *,
        pool: str = "solo",
        publishers: int = 1,
        routers: int = 1,
        targets: int = 3,
        rules: int = 0,
        recorder: bool = False,
        flooder: bool = False,
        target_options: str = "timeout: 2s",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.system, self.broker = system, broker
        self.targets = target_names(targets)
        self.place = Path(tempfile.mkdtemp(prefix="ef-"))
        self._parts = parts_of(broker, self.place)
        (self.place / "rules").mkdir()
        for name, text in write_rules(self.targets, rules, target_options).items():
            (self.place / "rules" / name).write_text(text)
        self.processes = Processes(
            self.place, self._environment() | {TARGETS: str(targets)} | dict(environment or {})
        )
        self._commands = system.commands(pool, routers, targets)
        if recorder and system.name == "eventflow":
            self._commands["recorder"] = ["-m", "eventflow", "recorder"]
        self.publishers = [f"publisher-{number}" for number in range(1, publishers + 1)]
        if publishers == 1:
            self.publishers = ["publisher"]
        self._flooder = ["flooder"] if flooder else []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop everything, and remove the folder."""
        self.processes.stop()
        self._parts.stop()
        shutil.rmtree(self.place, ignore_errors=True)

    @property
    def ledger_url(self) -> str:
        """The address of the Redis or Valkey, as redis-py writes it."""
        return self._parts.ledger.url

    def order(
        self, schedule: Schedule, *, size: int = 500, trouble: str = "", patience: float = 1.0
    ) -> None:
        """Have the publishers publish.

        Args:
            schedule: When.
            size: About how many bytes an event's data have.
            trouble: What the last target does with them: `fails`, `hangs` or nothing of the kind;
                `flood` has the flooder publish, for that target alone.
            patience: For how many seconds after the last event is due they still publish.
        """
        order = {**vars(schedule), "size": size, "trouble": trouble, "patience": patience}
        for name in ["flooder"] if trouble == "flood" else self.publishers:
            self.processes.tell(name, json.dumps(order))

    def pause(self, *, resume: bool = False) -> None:
        """Have all routers and workers do nothing; or go on."""
        self.processes.pause(self._commands, resume=resume)

    def await_published(self) -> None:
        """Wait until the publishers have published, or given up."""
        for name in self.publishers:
            self.processes.hear(name)

    def published(self) -> int:
        """Return how many events were accepted so far."""
        return read_count(self.place, "published")

    def handed_over(self, target: str = "") -> int:
        """Return how many deliveries' subscribers have returned; of one target, or of all."""
        names = [target] if target else self.targets
        return sum(read_count(self.place, name) for name in names)

    def latencies(self, targets: Sequence[str]) -> Histogram:
        """Return the measured deliveries' latencies, of some targets together."""
        whole = Histogram()
        for name in targets:
            whole.add(read_histogram(self.place, name))
        return whole

    def waits(self) -> Histogram:
        """Return how long after their moment the measured events were accepted."""
        return read_histogram(self.place, "published")

    def wait(self, condition: Callable[[], bool], limit: float, every: float = 0.02) -> bool:
        """Wait until *condition* holds, at most *limit* seconds; tell whether it does."""
        deadline = time.monotonic() + limit
        while not condition():
            self.processes.check()
            if time.monotonic() > deadline:
                return False
            time.sleep(every)
        return True

    def is_drained(self) -> bool:
        """Tell whether every delivery of what was published is done."""
        return self.handed_over() >= self.published() * len(self.targets)

    def _start(self) -> None:
        self._parts.start()
        servers = {"server": self._parts.ledger.pid, "rabbitmq": self._parts.broker.pid}
        if self.broker == "valkey":
            servers.pop("rabbitmq")
        for name, pid in servers.items():
            if pid is not None:
                self.processes.watch(name, pid)
        for name, arguments in self._commands.items():
            self.processes.start(name, arguments)
        for number, name in enumerate([*self.publishers, *self._flooder]):
            who = [self.system.app, str(number), str(len(self.publishers))]
            if name in self._flooder:
                who = [self.system.app, "0", "1", name]
            arguments = ["-m", "benchmarks.end_to_end.load", *who]
            self.processes.start(name, arguments, talks=True)
        if not self.wait(self._is_ready, _START_LIMIT):
            logs = "\n".join(path.read_text()[-1500:] for path in self.place.glob("*.log"))
            message = f"{self.system.name} does not hand anything over:\n{logs}"
            raise SystemExit(message)
        for name in self.publishers:
            self.processes.tell(name, json.dumps({}))  # no more events that nobody measures
        self.await_published()
        self.wait(self.is_drained, _SETTLE_LIMIT)

    def _is_ready(self) -> bool:
        return all(self.handed_over(target) for target in self.targets)

    def _environment(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if "EVENTFLOW" not in name}
        broker = self._parts.broker.url
        celery = broker.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
        uses_celery = self.system.name in {"naive", "tuned"}
        ours: dict[str, Any] = {
            "BROKER_URL": broker if self.broker == "rabbitmq" else "",  # else the embedded one
            "DATA_DIR": self.place,
            "RULES": self.place / "rules",
            "SCHEMAS": self.place / "schemas",
            "WORKERS": self.system.app,
            "LOG_LEVEL": "WARNING",
            # As with Celery's own workers, which send none unless asked.
            "TASK_EVENTS": "false",
            "JOURNAL_MOST": _JOURNAL,
        }
        return {
            **mine,
            **{f"EVENTFLOW_{name}": str(value) for name, value in ours.items() if value},
            BROKER: celery if uses_celery else broker,
            PLACE: str(self.place),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), mine.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
        }


def write_rules(targets: tuple[str, ...], others: int, options: str) -> dict[str, str]:
    """Return rule files: one rule that sends to all targets, and others that never match."""
    lines = ["targets:"]
    lines += [f"  {name}: {{task: bench.{name}, {options}}}" for name in targets]
    lines += [
        "rules:",
        "  opened:",
        "    pattern: {source: [bench], detail-type: [DoorOpened]}",
        f"    targets: [{', '.join(targets)}]",
        f"  flood: {{pattern: {{source: [flood]}}, targets: [{targets[-1]}]}}",
    ]
    files = {"rules.yaml": lines}
    for first in range(0, others, _RULES_A_FILE):
        numbers = range(first, min(first + _RULES_A_FILE, others))
        files[f"others-{first}.yaml"] = [
            "rules:",
            *(_write_other(number, targets[0]) for number in numbers),
        ]
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _write_other(number: int, target: str) -> str:
    pattern = f"{{source: [bench], detail: {{door: {{id: [garage-{number + 1000}]}}}}}}"
    return f"  other-{number}: {{pattern: {pattern}, targets: [{target}]}}"
