"""A deployment for tests: a project in a folder, its real server and its real workers."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import redis

from eventflow.app import EventFlow
from eventflow.settings import Settings, load_settings
from eventflow.tls import ledger_tls
from tests.servers import Parts, parts_of

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 60.0

PROJECT = """
    import json, os, time
    from eventflow import Delivery, Event, EventFlow, EventModel, Refuse, Retry

    flow = EventFlow()
    app = flow.celery

    def note(delivery, **facts):
        line = json.dumps({"id": delivery.id, "attempt": delivery.attempt, "pid": os.getpid(),
                           "last": delivery.last_attempt, "at": time.time(), **facts})
        with open(os.environ["NOTES"], "a") as notes:
            notes.write(line + "\\n")
"""


class Deployment:
    """A project's processes. Everything it starts, it stops.

    Args:
        place: An empty folder.
        project: The subscribers, after the lines of `PROJECT`.
        rules: The rule file.
        broker: "valkey": the embedded server is ledger and broker; "redis": the system's
            redis-server is both; "rabbitmq": the broker is RabbitMQ, the ledger embedded.
        settings: Settings other than those that make tests quick.
    """

    def __init__(
        self,
        place: Path,
        *,
        project: str,
        rules: str,
        broker: str = "valkey",
        **settings: object,
    ) -> None:
        self.place = place
        self.notes = place / "notes.jsonl"
        self.notes.touch()
        (place / "rules").mkdir()
        self.write_rules(rules)
        text = textwrap.dedent(PROJECT) + textwrap.dedent(project)
        (place / "project.py").write_text(text)
        # A socket's path is short; pytest's folders are not.
        self._data = Path(tempfile.mkdtemp(prefix="ef-"))
        self.parts: Parts = parts_of(
            broker, self._data, str(settings.get("appendfsync", "everysec"))
        )
        parts = self.parts
        values: dict[str, Any] = {
            "data_dir": self._data,
            **parts.addresses,
            "rules": place / "rules",
            "schemas": place / "schemas",
            "workers": "project",
            "mover_interval": 0.05,
            "rules_interval": 0.05,
            "requeue_after": 1.0,
            "lease_margin": 1.0,
            "route_lease": 3.0,
            **settings,
        }
        self.settings: Settings = load_settings(**values)
        self.environment = {
            **{name: value for name, value in os.environ.items() if "EVENTFLOW" not in name},
            **{f"EVENTFLOW_{name.upper()}": str(value) for name, value in values.items()},
            "NOTES": str(self.notes),
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(place), str(ROOT), os.environ.get("PYTHONPATH")])
            ),
            "PYTHONUNBUFFERED": "1",
        }
        self.parts.start()
        self.flow = EventFlow(self.settings)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._begun: dict[str, int] = {}  # where in its log each began
        self.killed: dict[int, float] = {}
        """When which process, by its id, was killed."""

    def write_rules(self, text: str, name: str = "rules.yaml") -> None:
        """Write a rule file, all at once."""
        path = self.place / "rules" / name
        draft = path.with_suffix(".draft")
        draft.write_text(textwrap.dedent(text))
        draft.rename(path)

    def client(self) -> redis.Redis:
        """Return a client of the ledger's server."""
        return redis.Redis.from_url(self.settings.ledger_url, **ledger_tls(self.settings))

    def depth(self, queue: str) -> int:
        """Return how many messages wait on a queue; 0 where there is no such queue."""
        return self.parts.queues.depth(queue)

    def push_raw(self, queue: str, body: bytes) -> None:
        """Put bytes on a queue as they are, with nothing said of them."""
        self.parts.queues.push_raw(queue, body)

    def push_message(self, queue: str, body: bytes, **properties: Any) -> None:
        """Put a message on a queue: its `headers`, `content_type` and `content_encoding`."""
        self.parts.queues.push_message(queue, body, **properties)

    def lose_messages(self, queue: str) -> int:
        """Take all messages off a queue, and return how many there were."""
        return self.parts.queues.lose(queue)

    def stop_broker(self) -> None:
        """Stop the broker as an administrator would; its data stays."""
        self.parts.queues.disconnect()
        self.parts.broker.stop()

    def kill_broker(self) -> None:
        """End the broker with SIGKILL; what it had written stays."""
        self.parts.queues.disconnect()
        self.parts.broker.kill()

    def start_broker(self) -> None:
        """Start the broker, with the data that it had."""
        self.parts.broker.start()

    def start(self, name: str, queues: Sequence[str], *options: str) -> None:
        """Start a plain Celery worker, as a user would."""
        pool = options or ("-P", "solo")
        command = ["-m", "celery", "-A", "project", "worker", "-Q", ",".join(queues), "-n"]
        arguments = [*command, f"{name}@%h", "-l", "INFO", "--without-gossip", "--without-mingle"]
        self.run(name, [*arguments, *pool])

    def run(self, name: str, arguments: Sequence[str]) -> None:
        """Start `python ARGUMENTS`, its output in a file."""
        with self.log_path(name).open("ab") as log:
            self._begun[name] = log.tell()
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.place,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `eventflow ARGUMENTS` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "eventflow", *arguments],
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def await_ready(self, *names: str, timeout: float = TIMEOUT) -> None:
        """Wait until workers take messages."""
        for name in names or tuple(self.processes):
            self.await_log(name, " ready.", timeout)

    def await_log(self, name: str, text: str, timeout: float = TIMEOUT) -> None:
        """Wait until a process has said *text*, since it was started last."""

        def is_said() -> bool:
            is_alive = self.processes[name].poll() is None
            said = text in self.log(name, since=self._begun[name])
            assert said or is_alive, f"{name} has ended:\n{self.log(name)[-3000:]}"
            return said

        self.wait(is_said, f"{name} to say {text!r}", timeout)

    def log_path(self, name: str) -> Path:
        """Where a process's output is."""
        return self.place / f"{name}.log"

    def log(self, name: str, *, since: int = 0) -> str:
        """What a process has said so far, or from a byte of it on."""
        return self.log_path(name).read_bytes()[since:].decode(errors="replace")

    def noted(self) -> list[dict[str, Any]]:
        """What the subscribers have noted so far."""
        lines = self.notes.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a process and all that it started, and wait for its end."""
        process = self.processes.pop(name)
        self.killed.update(dict.fromkeys(_group(process.pid), time.time()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        process.wait(TIMEOUT)

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
        """Wait until *condition* holds."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(f"--- {n}\n{self.log(n)[-2500:]}" for n in self.processes)
                raise AssertionError(f"waited in vain for {what}\n{logs}")
            time.sleep(0.02)

    def settle(self, timeout: float = TIMEOUT) -> None:
        """Wait until nothing is in flight: no event to route, no delivery queued or waiting."""
        self.wait(self.is_settled, "all deliveries to be finished", timeout)

    def is_settled(self) -> bool:
        """Whether nothing is in flight."""
        connection = self.client()

        def is_empty() -> bool:
            keys = [key.decode() for key in connection.scan_iter("eventflow:*")]
            kinds = (":delivery:", ":queued:eventflow.route", ":running:eventflow.route")
            return not any(kind in key for key in keys for kind in kinds)

        # Twice: what a router turns from an event into deliveries during a scan, it may not show.
        return is_empty() and is_empty()

    def stop(self) -> None:
        """Stop everything; at once, since nobody looks at it any more."""
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes.values():
            process.wait(TIMEOUT)
        self.parts.stop()
        shutil.rmtree(self._data, ignore_errors=True)


def _group(leader: int) -> list[int]:
    """Return the processes that a process leads, itself among them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(int(entry.name)) == leader:
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def deployed(
    place: Path, *, project: str, rules: str, broker: str = "valkey", **settings: object
) -> Iterator[Deployment]:
    """Have a deployment for a `with` block; its arguments are those of `Deployment`."""
    deployment = Deployment(place, project=project, rules=rules, broker=broker, **settings)
    try:
        yield deployment
    finally:
        deployment.stop()


def celery_state(deployment: Deployment) -> Mapping[str, Any]:
    """Return what Celery's own inspection says."""
    return deployment.flow.celery.control.inspect(timeout=2).stats() or {}
