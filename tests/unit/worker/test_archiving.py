"""The archives' task: what it writes, and what becomes of that which cannot be written."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.delivery import BreakerState, MemoryLedger, Planned
from eventflow.encoding import encode_event
from eventflow.events import Event, delivery_id
from eventflow.records import DeadLetter, Reason
from eventflow.rules import ARCHIVE, ARCHIVE_TARGET
from eventflow.settings import load_settings
from eventflow.store import ArchivedEvent
from eventflow.testing.parts import MemoryBroker
from eventflow.worker.archiving import archive_events
from eventflow.worker.hand_back import due_messages
from tests.unit.worker.one_ledger import OneLedger

START = 1_800_000_000.0


class Scene:
    """A recorder whose ledger is in memory, whose store is real, and whose clock is told."""

    def __init__(self, place: Path) -> None:
        self.now = START
        settings = load_settings(data_dir=place, database_url=f"sqlite:///{place}/store/x.db")
        self.ledger = MemoryLedger("default", window=60, most=0, clock=lambda: self.now)
        self.broker = MemoryBroker()
        context = EventFlow(settings).context
        self.context = replace(
            context,
            ledgers=OneLedger(settings, self.ledger),
            sender=self.broker,
            chance=lambda: 1.0,
        )
        self.obstacle = place / "store"

    def route(self, *bodies: bytes, until: float | None = START + 60) -> list[str]:
        """Have events accepted and routed to the archive; return their deliveries' ids."""
        ids = []
        for body in bodies:
            event_id = f"e{len(ids)}"
            self.ledger.accept([(event_id, body, "lane")])
            self.ledger.begin_route(1, lease=10)
            times = json.dumps({"accepted_at": START - 1, "kept_until": until})
            planned = Planned(ARCHIVE, ("everything",), times)
            assert self.ledger.finish_route(event_id, "Parcel", [planned], [])
            ids.append(delivery_id(event_id, ARCHIVE))
        return ids

    def archive(self, ids: Sequence[str]) -> dict[str, int]:
        """Run the task; return what it counted."""
        counts = archive_events(self.context, "default", ids)
        return {name: number for name, number in counts.items() if number}

    def stored(self) -> list[ArchivedEvent]:
        """Return what is archived."""
        return self.context.stores.archive.read(limit=100)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A recorder."""
    return Scene(tmp_path)


def bodies(number: int) -> list[bytes]:
    """Return events as the ledger has them."""
    return [
        encode_event(
            Event(id=f"e{n}", source="post", type="Parcel", data={"n": n}),
            max_bytes=10_000,
            max_depth=10,
        )
        for n in range(number)
    ]


def test_what_else_is_queued_is_written_along(scene: Scene) -> None:
    """One message of many: the store commits once, and the other messages find nothing to do."""
    ids = scene.route(*bodies(5))
    assert {"done": 5} == scene.archive(ids[:1])
    assert 5 == len(scene.stored())
    assert {"passed over": 1} == scene.archive(ids[1:2])


def test_what_ended_a_recorder_takes_nothing_along(scene: Scene) -> None:
    """It is written from a message of its own, and leaves the others to theirs."""
    ids = scene.route(*bodies(3))
    scene.ledger.claim(ARCHIVE_TARGET, ids[:1], lease=1, owner="gone")
    scene.now += 2
    scene.ledger.move([ARCHIVE_TARGET], 10)
    assert {"done": 1} == scene.archive(ids[:1])
    assert 1 == len(scene.stored())
    assert {"done": 2} == scene.archive(ids[1:2])


def test_a_list_is_written_and_finished(scene: Scene) -> None:
    """All of it at once, with the times and archives that the router said; then it is gone."""
    given = bodies(3)
    ids = scene.route(*given, until=None)
    assert {"done": 3} == scene.archive(ids)
    assert given == [event.body for event in scene.stored()]
    first = scene.stored()[0]
    assert ("e0", "default", "post", "Parcel") == (
        first.event_id,
        first.bus,
        first.source,
        first.type,
    )
    assert (START - 1, float("inf"), ("everything",)) == (
        first.accepted_at,
        first.kept_until,
        first.archives,
    )
    assert {"passed over": 3} == scene.archive(ids)
    assert 3 == len(scene.stored())


def test_what_cannot_be_read_is_a_dead_letter_and_stops_nothing(scene: Scene) -> None:
    """Its neighbours are written; the recorder is told of the letter."""
    first, last = bodies(2)
    ids = scene.route(first, b"no event", last)
    assert {"done": 2, "dead": 1} == scene.archive(ids)
    assert [first, last] == [event.body for event in scene.stored()]
    message = scene.broker.take(["eventflow.record"])
    assert message is not None
    [(_, text)] = scene.ledger.letters([ids[1]])
    letter = DeadLetter.from_json(text)
    assert (Reason.UNDECODABLE, ARCHIVE) == (letter.reason, letter.target)


def test_while_the_store_is_away_everything_waits(scene: Scene) -> None:
    """Each is tried again later, one of them asks for all, and all is written in the end."""
    scene.obstacle.write_text("a file where the folder should be")
    given = bodies(4)
    ids = scene.route(*given)
    assert {"retry": 4} == scene.archive(ids)
    assert BreakerState.OPEN == scene.ledger.breakers([ARCHIVE])[ARCHIVE].state
    scene.now += 2
    due = scene.ledger.move([ARCHIVE_TARGET], 100).by_target.get(ARCHIVE, [])
    assert {} == scene.archive(due) or {"parked": len(due)} == scene.archive(due)
    assert 0 == scene.ledger.status([ARCHIVE])[ARCHIVE].dead
    scene.obstacle.unlink()
    tries = 0
    while len(scene.stored()) < len(given):
        scene.now += 6
        tries += 1
        assert tries < 20
        if moved := scene.ledger.move([ARCHIVE_TARGET], 100).by_target.get(ARCHIVE):
            scene.archive(moved)
    assert set(given) == {event.body for event in scene.stored()}
    assert BreakerState.CLOSED == scene.ledger.breakers([ARCHIVE])[ARCHIVE].state


def test_what_is_due_again_goes_together(scene: Scene) -> None:
    """One message for a list of the archives' deliveries, where other targets have one each."""
    ids = scene.route(*bodies(3))
    [message] = due_messages(scene.context, scene.ledger, ARCHIVE_TARGET, ids)
    assert (ARCHIVE, ARCHIVE, ("default", ids)) == (message.task, message.queue, message.args)


def test_what_has_ended_a_recorder_travels_alone(scene: Scene) -> None:
    """A message for each, so that one that kills does not take the others along."""
    ids = scene.route(*bodies(2))
    scene.ledger.claim(ARCHIVE_TARGET, ids, lease=1, owner="gone")
    scene.now += 5
    assert {} == scene.archive(ids)
    messages = [scene.broker.take([ARCHIVE]) for _ in ids]
    assert [("default", [identity]) for identity in ids] == [
        message.args for message in messages if message is not None
    ]
    for identity in ids:
        assert {"done": 1} == scene.archive([identity])
