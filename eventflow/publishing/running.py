"""A relay as a process: how its settings have it work, and what stops it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from eventflow.publishing.outbox import RelayPolicy
from eventflow.publishing.relay import Relay
from eventflow.settings import Settings

__all__ = ["relay_policy", "stopped_by_signals"]


def relay_policy(settings: Settings, batch: int = RelayPolicy().batch) -> RelayPolicy:
    """Return how a relay works by these settings.

    Args:
        settings: Those that begin with `outbox_` are used.
        batch: The most rows that are claimed and published at once.
    """
    return RelayPolicy(
        batch=batch,
        poll=settings.outbox_poll,
        max_attempts=settings.outbox_max_attempts,
        retention=settings.outbox_retention,
    )


@contextmanager
def stopped_by_signals(relay: Relay) -> Iterator[None]:
    """Have SIGTERM and Ctrl-C stop the relay once the rows in hand are done with."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands signals to the main thread alone
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: relay.stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
