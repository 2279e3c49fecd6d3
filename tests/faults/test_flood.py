"""A flood for one target leaves another's events their way."""

import time
from pathlib import Path

import pytest

from tests.faults.isolation import Watch, neighbours, percentile

FLOOD = {"valkey": 20_000, "rabbitmq": 6_000}
"""How many events: the line is the ledger's, and so the same on both; one of them has it in full."""
PATIENCE = 500.0
"""Seconds for a flood on a machine that does much else; on two idle cores it takes about one minute."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("broker", FLOOD)
def test_a_flood_is_its_own_targets_affair(tmp_path: Path, broker: str) -> None:
    """Up to 20,000 events for one target are all delivered, once; the other's do not wait for them."""
    flood = FLOOD[broker]
    with neighbours(tmp_path, broker) as both:
        start = time.monotonic()
        both.publish("working", "f", flood)
        with Watch(both.deployment.flow, "c") as watch:
            both.await_published(PATIENCE)
            flow = both.deployment.flow
            both.deployment.wait(
                lambda: flow.status()["busy"].delivered == flood, "the flood to end", PATIENCE
            )
            length = time.monotonic() - start
        both.deployment.settle()
        assert {f"f{number}:busy": 1 for number in range(flood)} == both.handed_over("f")
        assert {f"{event_id}:calm": 1 for event_id in watch.sent} == both.handed_over("c")
        # A calm event that stood in the flood's line would wait for much of the flood.
        assert percentile(both.latencies(watch), 0.99) < length / 4
