"""Everything is killed at random, again and again, while events flow; every delivery is accounted.

Every worker and router carries a mover, so killing one kills its mover at a random step too.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.scene import Scene, staged

SECONDS = {"valkey": 60.0, "redis": 20.0, "rabbitmq": 60.0}
"""For how long; Redis and Valkey differ in little, so that one of them has the minute."""
PAUSES = (0.2, 4.0)
"""Seconds between two kills: from less than a process takes to start, to more than that."""


@pytest.mark.timeout(300)
def test_nothing_is_lost_when_everything_is_killed(
    tmp_path: Path, broker: str, chance: random.Random
) -> None:
    """Kills for up to a minute: none lost, none run twice but those in flight at a kill."""
    with staged(tmp_path, broker=broker) as scene:
        scene.start()
        load = Load(scene.deployment.flow, scene.in_flight)
        load.start()
        end = time.monotonic() + SECONDS[broker]
        while time.monotonic() < end:
            chance.choice(kills(scene, chance))()
            time.sleep(chance.uniform(*PAUSES))
        load.stop()
        close_account(scene, load).check()


def kills(scene: Scene, chance: random.Random) -> list[Callable[[], None]]:
    """Return all that can be killed: each process, and a child of the pool."""
    processes = [lambda name=name: scene.kill(name) for name in scene.names]
    return [*processes, lambda: scene.kill_child("worker-2", chance)]
