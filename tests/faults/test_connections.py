"""Connections break in every way between processes, broker and ledger, and heal; all goes on.

A worker that is alive and silently consumes nothing is Celery's best-known failure. So each process
is watched by itself: it must take messages again within a bounded time after the network healed.
"""

import itertools
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.proxy import Mode, Proxy, proxied
from tests.faults.scene import LEASE, Scene, staged

FAULT = (1.0, LEASE / 2)
"""Seconds that a fault lasts: less than a lease, so that nobody else may take what is running."""


MODES = (Mode.DROPPING, Mode.STALLING, Mode.BLACK_HOLING, Mode.SLOW)


@pytest.mark.timeout(400)
def test_connections_break_and_heal(tmp_path: Path, broker: str, chance: random.Random) -> None:
    """Each fault on each side: every process consumes again, none is lost, and none runs twice."""
    with apart(tmp_path, broker) as (scene, sides):
        load = Load(scene.deployment.flow, scene.in_flight)
        # The hardest first: nothing is sent on a connection that is idle, so nothing shows that it
        # leads nowhere, and what the broker hands over into it is gone.
        break_for(sides["broker"], Mode.BLACK_HOLING, 1.0)
        load.start()
        scene.await_all("an idle connection to the broker went silent")
        faults = list(itertools.product(MODES, sides))
        chance.shuffle(faults)
        for mode, side in faults:
            break_for(sides[side], mode, chance.uniform(*FAULT))
            scene.await_all(f"{mode} between the processes and the {side}")
        load.stop()
        close_account(scene, load).check()


@contextmanager
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


def break_for(proxy: Proxy, mode: Mode, seconds: float) -> None:
    """Have a fault for some time."""
    proxy.set(mode)
    time.sleep(seconds)
    proxy.set(Mode.PASSING)
