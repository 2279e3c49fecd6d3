"""What eventflow sets in the libraries below it is still there to be set."""

import inspect

import billiard.pool

from eventflow.app import EventFlow


def test_a_pools_process_does_not_wait_long_for_its_parent() -> None:
    """Billiard reads the limit that is set, which is a few seconds."""
    waiting = inspect.getsource(billiard.pool.Worker._ensure_messages_consumed)
    assert "range(GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT)" in waiting
    EventFlow()
    looks = billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT
    assert looks * billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_INTERVAL < 10
