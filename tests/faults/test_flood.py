"""A flood for one target leaves another's events their way."""

import time
from pathlib import Path

import pytest

from tests.faults.isolation import Watch, neighbours, percentile

FLOOD = 20_000


@pytest.mark.timeout(300)
@pytest.mark.parametrize("broker", ["valkey", "rabbitmq"])
def test_a_flood_is_its_own_targets_affair(tmp_path: Path, broker: str) -> None:
    """20,000 events for one target are all delivered, once; the other's do not wait for them."""
    with neighbours(tmp_path, broker) as both:
        start = time.monotonic()
        both.publish("working", "f", FLOOD)
        with Watch(both.deployment.flow, "c") as watch:
            both.await_published()
            flow = both.deployment.flow
            both.deployment.wait(
                lambda: flow.status()["busy"].delivered == FLOOD, "the flood to end", 240
            )
            length = time.monotonic() - start
        both.deployment.settle()
        assert {f"f{number}:busy": 1 for number in range(FLOOD)} == both.handed_over("f")
        assert {f"{event_id}:calm": 1 for event_id in watch.sent} == both.handed_over("c")
        # A calm event that stood in the flood's line would wait for much of the flood.
        assert percentile(both.latencies(watch), 0.99) < length / 4
