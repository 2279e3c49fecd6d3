"""The scene of the faults: three targets, all processes in plenty, and ways to kill each of them.

Two routers, a worker with the solo pool, one with the prefork pool, a recorder. Each of them carries
a mover, so that killing one kills its mover too, at whatever step it is.
"""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from eventflow.delivery.keys import DEAD_LETTERS, JOURNAL, ROUTE, Keys
from tests.deployment import Deployment, deployed
from tests.faults.proxy import Proxy, proxied
from tests.faults.tail import Notes, Tail

__all__ = ["BOUND", "LEASE", "TARGETS", "Scene", "apart", "staged"]

TARGETS = ("steady", "flaky", "typed")
TIMEOUT = 2.0
MARGIN = 3.0
LEASE = TIMEOUT + 5.0 + MARGIN
"""Seconds for which a delivery whose process was killed is left alone."""

BOUND = 60.0
"""Seconds in which every process must take messages again once a fault has ended.

RabbitMQ's clients notice a dead connection after two to three heartbeats of 10 s, kombu's Redis
transport after twice its health check's 10 s; then they connect again, with pauses in between.
"""

STOP_LIMIT = 60.0  # seconds

RULES = f"""
    targets:
      steady: {{task: project.steady, timeout: {TIMEOUT:g}s, retry: &quick {{initial: 50ms, max: 200ms}}}}
      flaky: {{task: project.flaky, timeout: {TIMEOUT:g}s, retry: *quick}}
      typed: {{task: project.typed, timeout: {TIMEOUT:g}s, retry: {{initial: 10ms, max: 20ms}}}}
    rules:
      all: {{pattern: {{source: [load]}}, targets: [steady, flaky, typed]}}
"""

PROJECT = """
    @flow.subscriber("steady")
    def steady(event: Event, delivery: Delivery):
        note(delivery)

    @flow.subscriber("flaky")
    def flaky(event: Event, delivery: Delivery):
        # A planned failure: a third of the events fail twice.
        if event.data["number"] % 3 == 0 and delivery.attempt <= 2:
            raise OSError("planned")
        note(delivery)

    @flow.subscriber("typed")
    async def typed(event: Event, delivery: Delivery):
        if event.data["refuse"]:
            raise Refuse("planned")
        note(delivery)
"""

_LETTERS = Keys("default").dead_letters
_QUEUES: dict[str, tuple[str, ...]] = {
    "router-1": (ROUTE,),
    "router-2": (ROUTE,),
    "worker-1": TARGETS,
    "worker-2": TARGETS,
    "recorder": (DEAD_LETTERS, JOURNAL),
}
_POOLS = {"worker-2": ("-P", "prefork", "-c", "2")}


class Scene:
    """A deployment whose processes are known by name.

    Args:
        deployment: Its servers and settings; nothing needs to run yet.
    """

    names = tuple(_QUEUES)

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._client = deployment.client()
        self._notes = Notes(deployment.notes)
        self._logs = {name: Tail(deployment.log_path(name)) for name in self.names}
        self._taken: Counter[str] = Counter()

    def start(self, *names: str) -> None:
        """Start processes, all unless named, and wait until they take messages."""
        for name in names or self.names:
            self.start_one(name)
        self.deployment.await_ready(*(names or self.names))

    def start_one(self, name: str) -> None:
        """Start one process, and go on at once."""
        self.deployment.start(name, _QUEUES[name], *_POOLS.get(name, ()))

    def restart(self, name: str) -> None:
        """Ask a process to stop, as a supervisor does; start it again, and wait until it is ready."""
        process = self.deployment.processes.pop(name)
        process.terminate()  # it alone: it stops its pool by itself
        process.wait(STOP_LIMIT)
        ready = self.deployment.log(name).count(" ready.")
        self.start_one(name)
        self.wait(lambda: self.deployment.log(name).count(" ready.") > ready, f"{name} to be ready")

    def kill(self, name: str) -> None:
        """Kill a process with all that it started, and start it again."""
        self.deployment.kill(name)
        self.start_one(name)

    def kill_child(self, name: str, chance: random.Random) -> None:
        """Kill one process of a worker's pool; the worker itself stays."""
        children = _children(self.deployment.processes[name].pid)
        if not children:
            return  # they are being started
        child = chance.choice(children)
        self.deployment.killed[child] = time.time()
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)

    def in_flight(self) -> int:
        """Count the events that are not routed and the deliveries that are not finished."""
        pipeline = self._client.pipeline(transaction=False)
        for name in (ROUTE, *TARGETS):
            for kind in ("queued", "running", "waiting", "parked"):
                pipeline.zcard(f"eventflow:{{default}}:{kind}:{name}")
        return sum(pipeline.execute())

    def waiting_letters(self) -> set[str]:
        """Return the dead letters that wait for the store."""
        found: list[Any] = self._client.hkeys(_LETTERS)
        return {identity.decode() for identity in found}

    def settle(self, timeout: float = 120.0) -> None:
        """Wait until nothing is in flight any more, and no dead letter waits."""

        def is_settled() -> bool:
            return self.in_flight() == 0 and not self._client.hlen(_LETTERS)

        self.wait(is_settled, "everything to be finished", timeout)

    def await_all(self, fault: str) -> None:
        """Wait until each process has taken a message that it had not taken before.

        Args:
            fault: What has just ended.
        """
        before = self.taken()

        def is_each_consuming() -> bool:
            now = self.taken()
            return all(now[name] > before[name] for name in self.names)

        self.wait(is_each_consuming, f"every process to consume after {fault}", BOUND)

    def taken(self) -> Counter[str]:
        """Count the messages that each process has taken so far, by what Celery says of each."""
        for name, log in self._logs.items():
            self._taken[name] += sum(line.endswith(" received") for line in log.lines())
        return self._taken.copy()

    def notes(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was noted of each delivery that was handed over, in order."""
        return self._notes.by_delivery()

    def wait(self, condition: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
        """Wait until *condition* holds."""
        self.deployment.wait(condition, what, timeout)


@contextlib.contextmanager
def staged(place: Path, *, broker: str = "valkey", **settings: object) -> Iterator[Scene]:
    """Have a scene for a `with` block, its processes not started yet."""
    values: dict[str, object] = {"group_size": 10, "lease_margin": MARGIN, **settings}
    with deployed(place, project=PROJECT, rules=RULES, broker=broker, **values) as deployment:
        yield Scene(deployment)


@contextlib.contextmanager
def apart(place: Path, broker: str) -> Iterator[tuple[Scene, dict[str, Proxy]]]:
    """Have a scene that runs, with a proxy before its broker and one before its ledger."""
    with staged(place, broker=broker) as scene:
        settings = scene.deployment.settings
        with proxied(settings.celery_broker_url, settings.ledger_url) as proxies:
            names = ("broker", "ledger")
            sides = dict(zip(names, proxies, strict=True))
            scene.deployment.environment["EVENTFLOW_BROKER_URL"] = sides["broker"].url
            scene.deployment.environment["EVENTFLOW_REDIS_URL"] = sides["ledger"].url
            scene.start()
            scene.wait(
                lambda: all(proxy.connections for proxy in proxies), "the proxies to be used"
            )
            yield scene, sides


def _children(parent: int) -> list[int]:
    """Return the processes that *parent* started and that run."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            # After the name, which may hold anything and ends with the last bracket.
            state, owner = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(owner) == parent and state != "Z":
                found.append(int(entry.name))
    return found
