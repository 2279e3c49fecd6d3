"""Processes whose clocks are two minutes apart: all that is timed goes by the server's clock."""

import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventflow.events import Event
from tests.deployment import Deployment, deployed

SHIFT = 60.0  # seconds, forward for one half of the processes and back for the other
EVENTS = 40
DELAY = 2.0
LONGEST = 40.0
"""Seconds in which a delivery must be made: less than the clocks are apart, so that one who counts by
two of them either finds it too old at once, or waits for longer."""

RULES = f"""
    targets:
      patient:
        task: project.patient
        timeout: 10s
        retry: {{max_attempts: 3, initial: {DELAY:g}s, max: {DELAY:g}s, jitter: none, max_age: {LONGEST:g}s}}
      long: {{task: project.long, timeout: 10s, retry: {{max_age: {LONGEST:g}s}}}}
    rules:
      all: {{pattern: {{source: [test]}}, targets: [patient, long]}}
"""

PROJECT = """
    # The monotonic clock is one for all processes, and nobody shifts it.
    @flow.subscriber("patient")
    def patient(event: Event, delivery: Delivery):
        note(delivery, moment=time.monotonic(), begun=event.data["begun"])
        if delivery.attempt == 1:
            raise OSError("planned")

    @flow.subscriber("long")
    def long(event: Event, delivery: Delivery):
        # Long enough for every mover to look at its lease.
        time.sleep(0.2)
        note(delivery, moment=time.monotonic(), begun=event.data["begun"])
"""

SHIFTED_CLOCK = """
    # Python runs this before anything else: whoever asks for the time is told another.
    import datetime, os, time

    shift = float(os.environ.get("CLOCK_SHIFT", "0"))
    if shift:
        real, real_ns, original = time.time, time.time_ns, datetime.datetime

        class Shifted(original):
            @classmethod
            def now(cls, tz=None):
                return cls.fromtimestamp(time.time(), tz)

            @classmethod
            def utcnow(cls):
                return cls.now(datetime.timezone.utc).replace(tzinfo=None)

        time.time = lambda: real() + shift
        time.time_ns = lambda: real_ns() + int(shift * 1e9)
        datetime.datetime = Shifted
"""


@pytest.fixture
def running(tmp_path: Path, any_broker: str) -> Iterator[Deployment]:
    """Two routers, two workers and a recorder, one of each pair early and one late."""
    with deployed(
        tmp_path, project=PROJECT, rules=RULES, broker=any_broker, group_size=5
    ) as deployment:
        (tmp_path / "sitecustomize.py").write_text(textwrap.dedent(SHIFTED_CLOCK))
        for name, shift in {"early": -SHIFT, "late": SHIFT}.items():
            deployment.environment["CLOCK_SHIFT"] = str(shift)
            deployment.start(f"router-{name}", ["eventflow.route"])
            deployment.start(f"worker-{name}", ["patient", "long"], "-P", "prefork", "-c", "2")
        deployment.start("recorder", ["eventflow.dead-letters"])
        deployment.await_ready()
        yield deployment


@pytest.mark.timeout(180)
def test_clocks_apart_change_nothing(running: Deployment) -> None:
    """No retry runs early or waits long, no lease ends early, and no event is too old at once."""
    for number in range(EVENTS):
        data = {"begun": time.monotonic()}
        running.flow.publish(Event(id=f"e{number}", source="test", type="T", data=data))
    running.settle()
    notes = running.noted()
    attempts = {f"e{n}:patient": [1, 2] for n in range(EVENTS)}
    attempts |= {f"e{n}:long": [1] for n in range(EVENTS)}
    assert attempts == {
        identity: sorted(note["attempt"] for note in notes if note["id"] == identity)
        for identity in attempts
    }
    shown = [note["at"] for note in notes]
    assert max(shown) - min(shown) > 2 * SHIFT - LONGEST  # they do disagree
    moments = {(note["id"], note["attempt"]): note["moment"] for note in notes}
    for number in range(EVENTS):
        identity = f"e{number}:patient"
        between = moments[identity, 2] - moments[identity, 1]
        assert between >= DELAY
    assert max(note["moment"] - note["begun"] for note in notes) < LONGEST
    assert running.client().hlen("eventflow:{default}:dead-letters") == 0
    assert running.command("deadletters", "list", "--json").stdout.strip() == "[]"
