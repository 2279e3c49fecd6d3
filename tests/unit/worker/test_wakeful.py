"""Celery's loop on RabbitMQ does not sleep while something is ready."""

from collections.abc import Iterator
from socket import socketpair
from typing import Any

import pytest
from kombu.asynchronous import Hub

from eventflow.worker.wakeful import keep_wakeful


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A real hub with a socket on which nothing comes, and a timer that is far off."""
    ours, theirs = socketpair()
    made = Hub()
    with ours, theirs:
        made.add_reader(ours, lambda: None)
        made.call_later(60, lambda: None)
        yield made
        made.close()


def waits_of(hub: Hub) -> list[float]:
    """Return a list to which the hub's poller adds how long it is asked to wait; it waits for nothing."""
    waits: list[float] = []
    poll = hub.poller.poll

    def note(timeout: float) -> Any:
        waits.append(timeout)
        return poll(0)

    hub.poller.poll = note
    return waits


def test_what_becomes_ready_before_the_wait_is_not_waited_for(hub: Hub) -> None:
    """The acknowledgement of a message that was read as the loop's own next step goes out at once."""
    done: list[str] = []
    keep_wakeful(hub)
    keep_wakeful(hub)  # as after a connection that was lost
    waits = waits_of(hub)
    loop = hub.create_loop()
    hub.call_soon(lambda: hub.call_soon(done.append, "acknowledged"))
    next(loop)
    assert ([0.0], []) == (waits, done)
    next(loop)
    assert ["acknowledged"] == done


def test_a_loop_with_nothing_to_do_waits(hub: Hub) -> None:
    """Its timers say for how long, as ever."""
    keep_wakeful(hub)
    waits = waits_of(hub)
    next(hub.create_loop())
    assert waits[0] > 0
