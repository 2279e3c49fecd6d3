"""Redriving as a plan, with a real worker: a canary, the rest, a stop, and kill -9 in the middle."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from eventflow.events import Event
from eventflow.store import DeadLetterFilter, DeadLetterStore, State, open_engine
from eventflow.store.audit import AuditEntry, AuditFilter, AuditStore
from tests.deployment import Deployment, deployed

RULES = """
    targets:
      doors:
        task: project.unlock
        retry: {max_attempts: 1, initial: 10ms, jitter: none}
      audit: {task: project.audit}
    rules:
      arrivals:
        pattern: {source: [courier.app]}
        targets: [doors, audit]
"""

# `broken` has how many deliveries are well before the vendor fails; without the file all are.
PROJECT = """
    from pathlib import Path

    served = []

    @flow.subscriber("doors")
    def unlock(event: Event, delivery: Delivery):
        broken = Path("broken")
        if broken.exists() and len(served) >= int(broken.read_text()):
            raise OSError(f"door {event.data['door']} does not answer")
        if not broken.exists():
            served.clear()
        served.append(1)
        note(delivery)

    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)
"""


class Doors:
    """The deployment, and what the tests ask of it."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.engine = open_engine(deployment.settings.store_url)
        self.store = DeadLetterStore(self.engine)

    def break_vendor(self, after: int = 0) -> None:
        """Have the vendor fail from so many more deliveries on."""
        draft = self.deployment.place / "draft"
        draft.write_text(str(after))
        draft.rename(self.deployment.place / "broken")

    def mend_vendor(self) -> None:
        """Have the vendor answer."""
        (self.deployment.place / "broken").unlink()

    def let_die(self, name: str, number: int) -> list[str]:
        """Publish events whose deliveries to `doors` die; return these deliveries' ids."""
        self.break_vendor()
        events = [
            Event(
                id=f"{name}-{each}", source="courier.app", type=f"Type-{name}", data={"door": each}
            )
            for each in range(number)
        ]
        self.deployment.flow.publish_many(events)
        dead = DeadLetterFilter(event_type=f"Type-{name}", state=State.DEAD)
        self.deployment.wait(lambda: self.store.count(dead).total == number, "all to be dead")
        return [f"{event.id}:doors" for event in events]

    def redrive(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Redrive the letters that were made under a name."""
        return self.deployment.command(*self.words(name), "--yes", *options)

    def words(self, name: str) -> tuple[str, ...]:
        """The command that redrives them."""
        return ("deadletters", "redrive", f"--type=Type-{name}", "--rate=1000/s")

    def delivered(self, ids: list[str]) -> Counter[str]:
        """How often each was delivered."""
        return Counter(note["id"] for note in self.deployment.noted() if note["id"] in ids)

    def noted_audit(self, name: str) -> list[AuditEntry]:
        """What the audit says of them, the oldest first."""
        found = AuditStore(self.engine).list(AuditFilter(what="deadletters redrive"))
        return [one for one in reversed(found) if f"Type-{name}" in one.facts["which"]]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One worker that does everything, the recorder's part too."""
    place = tmp_path_factory.mktemp("doors")
    queues = ["eventflow.route", "doors", "audit", "eventflow.dead-letters"]
    with deployed(place, project=PROJECT, rules=RULES, task_events=False, actor="maria") as running:
        running.start("worker", queues)
        running.await_ready()
        yield Doors(running)


def test_once_it_is_mended_all_goes(doors: Doors) -> None:
    """A canary, then the rest; each once, nothing for the event's other target, and all of it said."""
    ids = doors.let_die("mended", 100)
    doors.mend_vendor()
    planned = doors.redrive("mended", "--dry-run", "--json")
    plan = json.loads(planned.stdout)
    assert (0, 100) == (planned.returncode, plan["count"])
    [part] = plan["targets"]
    assert ("doors", 1, {"max_attempts": 100}) == (part["target"], part["canary"], part["reasons"])
    [failure] = part["failures"]
    assert re.fullmatch(r"\S+/project\.py:\d+ unlock", failure["place"])
    assert {} == doors.delivered(ids)
    done = doors.redrive("mended")
    assert 0 == done.returncode, done.stderr
    assert "100 redriven: 100 delivered." in done.stderr
    assert dict.fromkeys(ids, 1) == doors.delivered(ids)
    others = [identity.replace(":doors", ":audit") for identity in ids]
    assert dict.fromkeys(others, 1) == doors.delivered(others)
    start, end = doors.noted_audit("mended")
    assert ("maria", 100, "start") == (start.who, start.count, start.facts["step"])
    assert ("maria", 100, "end", "") == (
        end.who,
        end.count,
        end.facts["step"],
        end.facts["stopped"],
    )


def test_still_broken_it_stops_after_the_canary(doors: Doors) -> None:
    """Exit code 1, the rest untouched, and the error is named."""
    ids = doors.let_die("broken", 30)
    done = doors.redrive("broken", "--canary", "3", "--json")
    told = json.loads(done.stdout)
    assert (1, 3, 3, 27) == (done.returncode, told["sent"], told["died"], told["remaining"])
    assert re.fullmatch(
        r"the canary failed: 3 of the last 3 died again or fail, most by OSError: door \d+ .*",
        told["stopped"]["doors"],
    )
    redriven = [item.redrives for item in doors.store.list(DeadLetterFilter(ids=tuple(ids)))]
    assert {0: 27, 1: 3} == Counter(redriven)
    *_, end = doors.noted_audit("broken")
    assert (3, told["stopped"]["doors"]) == (end.count, end.facts["stopped"])


def test_it_stops_when_failures_come_back_and_another_goes_on(doors: Doors) -> None:
    """Half way; the command that it names sends the rest and nothing that died again."""
    ids = doors.let_die("half", 120)
    doors.mend_vendor()
    doors.deployment.flow.publish(
        Event(id="half-well", source="courier.app", type="Well", data={"door": 0})
    )
    doors.deployment.wait(lambda: bool(doors.delivered(["half-well:doors"])), "the vendor to be up")
    doors.break_vendor(after=30)
    stopped = doors.redrive("half", "--rate=100/s")
    assert 1 == stopped.returncode, stopped.stderr
    assert "Stopped doors: the failures came back" in stopped.stderr
    well = doors.delivered(ids)
    assert 29 == sum(well.values())
    command = re.search(r"Once that is mended: eventflow (.*)", stopped.stderr)
    assert command
    doors.mend_vendor()
    done = doors.deployment.command(*shlex.split(command[1]), "--yes")
    assert 0 == done.returncode, done.stderr
    delivered = doors.delivered(ids)
    assert {1} == set(delivered.values())
    left = doors.store.count(DeadLetterFilter(event_type="Type-half", state=State.DEAD)).total
    assert (len(ids) - left, True) == (len(delivered), 0 < left <= 70)
    assert {1} == {
        item.redrives for item in doors.store.list(DeadLetterFilter(ids=tuple(ids)), limit=120)
    }


def test_killed_in_the_middle_another_goes_on(doors: Doors) -> None:
    """Whoever kills the command, run again, all is delivered, and nothing twice."""
    ids = doors.let_die("killed", 80)
    doors.mend_vendor()
    command = [sys.executable, "-m", "eventflow", *doors.words("killed"), "--rate=20/s", "--yes"]
    with subprocess.Popen(
        command,
        cwd=doors.deployment.place,
        env=doors.deployment.environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        doors.deployment.wait(lambda: len(doors.delivered(ids)) > 10, "some to be delivered")
        os.kill(process.pid, signal.SIGKILL)
    dead = DeadLetterFilter(event_type="Type-killed", state=State.DEAD)
    assert 0 < doors.store.count(dead).total < 80
    done = doors.redrive("killed")
    assert 0 == done.returncode, done.stderr
    doors.deployment.settle()
    assert dict.fromkeys(ids, 1) == doors.delivered(ids)
    assert 0 == doors.store.count(dead).total
