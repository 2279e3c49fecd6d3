"""Broker and ledger go away while events are published, routed and delivered, and come back."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.scene import Scene, staged

AWAY = 10.0  # seconds
KILLS = {"valkey": 4, "redis": 2, "rabbitmq": 2}
"""How often the ledger is killed: it is the same one beside RabbitMQ."""


@pytest.fixture
def scene(tmp_path: Path, broker: str) -> Iterator[Scene]:
    """A scene that runs."""
    # Killed while its disk syncs, a server loses with `everysec` what it has confirmed meanwhile.
    with staged(tmp_path, broker=broker, appendfsync="always") as scene:
        scene.start()
        yield scene


@pytest.mark.timeout(300)
def test_servers_go_away_and_come_back(scene: Scene, broker: str, chance: random.Random) -> None:
    """The broker stopped for ten seconds, then ledger and broker killed: none lost, none twice."""
    load = Load(scene.deployment.flow, scene.in_flight)
    load.start()
    work(scene, chance)
    scene.deployment.stop_broker()
    time.sleep(AWAY)
    scene.deployment.start_broker()
    scene.await_all("the broker was away")
    for _ in range(KILLS[broker]):
        # At once, so that nobody but the append-only file bridges the gap.
        scene.deployment.parts.ledger.kill()
        scene.deployment.parts.ledger.start()
        work(scene, chance)
    scene.deployment.kill_broker()
    scene.deployment.start_broker()
    scene.await_all("the servers were killed")
    load.stop()
    close_account(scene, load).check()


def work(scene: Scene, chance: random.Random) -> None:
    """Wait until some more deliveries are made."""
    enough = len(scene.notes()) + chance.randrange(50, 300)
    scene.wait(lambda: len(scene.notes()) > enough, "deliveries to be made")
