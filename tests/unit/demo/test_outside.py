"""What arrived is read from the outside world, each look from where the last one ended."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.cli.demo_outside import Outside
from eventflow.errors import StartError
from workers.simulated_vendor import Server, World


@pytest.fixture
def world() -> World:
    """A world whose clock ticks once a call."""
    moments = iter(range(1000, 2000))
    return World(clock=lambda: float(next(moments)))


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """That world's address."""
    with Server(world) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_each_look_adds_what_is_new(url: str, world: World, tmp_path: Path) -> None:
    """Acceptances and audit lines are added up, a repeat as a second moment."""
    audit = tmp_path / "audit.jsonl"
    outside = Outside(url, audit)
    world.call("/messages/a", "e1:notifications")
    outside.look()
    audit.write_text(json.dumps({"delivery": "e1:audit", "at": 7.0}) + "\n")
    world.call("/messages/a", "e1:notifications")
    outside.look()
    outside.look()

    assert outside.arrivals == {"e1:notifications": [1000.0, 1001.0], "e1:audit": [7.0]}


def test_half_a_line_waits(url: str, tmp_path: Path) -> None:
    """An audit line that is being written is read when it is complete."""
    audit = tmp_path / "audit.jsonl"
    outside = Outside(url, audit)
    line = json.dumps({"delivery": "e1:audit", "at": 7.0}) + "\n"
    audit.write_text(line[:10])
    outside.look()
    assert outside.arrivals == {}

    audit.write_text(line)
    outside.look()
    assert outside.arrivals == {"e1:audit": [7.0]}


def test_control_reaches_the_world(url: str, world: World, tmp_path: Path) -> None:
    """The demo can turn the vendor off and on."""
    outside = Outside(url, tmp_path / "none")
    outside.control(outage=True)
    assert world.call("/vendor/doors/d/unlock", "k").status == 0

    outside.control(outage=False)
    assert world.call("/vendor/doors/d/unlock", "k").status == 200


def test_nobody_there_is_said(tmp_path: Path) -> None:
    """A simulated vendor that does not answer is an error with its address."""
    with pytest.raises(StartError, match=r"vendor at http://127\.0\.0\.1:1 does not answer"):
        Outside("http://127.0.0.1:1", tmp_path / "none").look()
