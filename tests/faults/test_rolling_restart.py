"""Every process is restarted in turn while events flow, as a deployment of a new version does it."""

import time
from pathlib import Path

import pytest

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.scene import staged

FORGOTTEN = 40.0
"""Seconds after which is found what a process left lying: what must not be needed here."""
PATIENCE = 25.0
"""Seconds in which a process has stopped and is ready again; supervisors wait for 30."""
IN_FLIGHT = 30


# Redis 7 is left out: who stops gives back through the same transport as on Valkey.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("broker", ["valkey", "rabbitmq"])
def test_a_rolling_restart_is_not_noticed(tmp_path: Path, broker: str) -> None:
    """Nothing runs twice, and nothing waits longer than a restart takes: what is left is given back."""
    settings = {"lease_margin": FORGOTTEN, "route_lease": FORGOTTEN, "requeue_after": FORGOTTEN}
    with staged(tmp_path, broker=broker, **settings) as scene:
        scene.start()
        load = Load(scene.deployment.flow, scene.in_flight, most=IN_FLIGHT)
        load.start()
        scene.await_all("the start")
        longest = 0.0
        for name in scene.names:
            start = time.monotonic()
            scene.restart(name)
            longest = max(longest, time.monotonic() - start)
            assert longest < PATIENCE, f"{name} took {longest:.1f} s to restart"
        load.stop()
        account = close_account(scene, load)
        account.check()
        assert not account.twice
        waited = max(
            notes[0]["at"] - load.accepted[identity.partition(":")[0]]
            for identity, notes in account.done.items()
        )
        assert waited < longest + FORGOTTEN / 4, f"the longest restart took {longest:.1f} s"
