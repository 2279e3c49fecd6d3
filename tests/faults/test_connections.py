"""Connections break in every way between processes, broker and ledger, and heal; all goes on.

A worker that is alive and silently consumes nothing is Celery's best-known failure. So each process
is watched by itself: it must take messages again within a bounded time after the network healed.
"""

import itertools
import random
import time
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.proxy import Mode, Proxy
from tests.faults.scene import LEASE, apart

_ALL = (Mode.DROPPING, Mode.STALLING, Mode.BLACK_HOLING, Mode.SLOW, Mode.MUTING)
FAULT = (1.0, LEASE / 2)
"""Seconds that a fault lasts: less than a lease, so that nobody else may take what is running."""


FAULTS = {
    "valkey": tuple(itertools.product(_ALL, ("broker", "ledger"))),
    # Connections are kombu's and redis-py's here as there, and each test begins with what is hardest.
    "redis": ((Mode.DROPPING, "broker"),),
    # The ledger's side is Valkey's again, and the black hole is the one that each test begins with.
    "rabbitmq": (
        (Mode.DROPPING, "broker"),
        (Mode.STALLING, "broker"),
        (Mode.SLOW, "broker"),
        (Mode.DROPPING, "ledger"),
    ),
}


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
        faults = list(FAULTS[broker])
        chance.shuffle(faults)
        for mode, side in faults:
            break_for(sides[side], mode, chance.uniform(*FAULT))
            scene.await_all(f"{mode} between the processes and the {side}")
        load.stop()
        close_account(scene, load).check()


def break_for(proxy: Proxy, mode: Mode, seconds: float) -> None:
    """Have a fault for some time."""
    proxy.set(mode)
    time.sleep(seconds)
    proxy.set(Mode.PASSING)
