"""Connections break in every way between processes, broker and ledger, and heal; all goes on.

A worker that is alive and silently consumes nothing is Celery's best-known failure. So each process
is watched by itself: it must take messages again within a bounded time after the network healed.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.proxy import Mode, Proxy, proxied
from tests.faults.scene import LEASE, Scene, staged

BOUND = 60.0
"""Seconds in which every process must take messages again."""
FAULT = (1.0, LEASE / 2)
"""Seconds that a fault lasts: less than a lease, so that nobody else may take what is running."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene whose processes are not started yet."""
    with staged(tmp_path) as scene:
        yield scene


@pytest.mark.timeout(400)
def test_connections_break_and_heal(scene: Scene, chance: random.Random) -> None:
    """Each fault on each side: every process consumes again, none is lost, and none runs twice."""
    settings = scene.deployment.settings
    with proxied(settings.celery_broker_url, settings.ledger_url) as [broker, ledger]:
        scene.deployment.environment["EVENTFLOW_BROKER_URL"] = broker.url
        scene.deployment.environment["EVENTFLOW_REDIS_URL"] = ledger.url
        scene.start()
        load = Load(scene.deployment.flow, scene.in_flight)
        load.start()
        faults = [
            (mode, sides)
            for mode in (Mode.DROPPING, Mode.STALLING, Mode.BLACK_HOLING, Mode.SLOW)
            for sides in ([broker], [ledger])
        ]
        chance.shuffle(faults)
        for mode, sides in faults:
            start = time.monotonic()
            break_for(sides, mode, chance.uniform(*FAULT))
            await_all(scene, f"{mode} of {'broker' if sides == [broker] else 'ledger'}")
            print(mode, 'broker' if sides == [broker] else 'ledger', time.monotonic()-start)
        load.stop()
        a = close_account(scene, load)
        print(a)
        a.check()


def break_for(proxies: list[Proxy], mode: Mode, seconds: float) -> None:
    """Have a fault for some time."""
    for proxy in proxies:
        proxy.set(mode)
    time.sleep(seconds)
    for proxy in proxies:
        proxy.set(Mode.PASSING)


def await_all(scene: Scene, fault: str) -> None:
    """Wait until each process has taken a message that it had not before."""
    before = {name: received(scene, name) for name in scene.names}

    def silent() -> list[str]:
        return [name for name in scene.names if received(scene, name) <= before[name]]

    scene.wait(lambda: not silent(), f"all processes to consume after {fault}", BOUND)


def received(scene: Scene, name: str) -> int:
    """Count the messages that a process has taken."""
    return scene.deployment.log(name).count(" received")
