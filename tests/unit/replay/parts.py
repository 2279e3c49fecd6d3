"""What the tests of replays are made of: an archive on SQLite, a ledger and a broker in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eventflow.delivery import MemoryLedger
from eventflow.encoding import encode_event
from eventflow.events import Event
from eventflow.replay.outlet import Outlet
from eventflow.replay.request import ReplayRequest
from eventflow.replay.run import ReplayRun
from eventflow.replay.selection import Selection
from eventflow.rules import load_rules
from eventflow.store import ArchivedEvent, ArchiveStore, open_engine
from eventflow.store.replay_records import StoredReplay
from eventflow.store.replays import ReplayStore
from eventflow.testing.parts import MemoryBroker
from eventflow.units import Rate, system_clock

RULES = """
targets: {audit: {task: t}}
rules: {all: {pattern: {detail-type: [Even]}, targets: [audit]}}
"""


def archived(number: int, **changes: Any) -> ArchivedEvent:
    """Return an event as the archive has it: the number-th, of one of two types."""
    kind = "Odd" if number % 2 else "Even"
    event = Event(id=f"e{number}", source="s", type=kind, data={"number": number})
    values: dict[str, Any] = {
        "event_id": event.id,
        "bus": "default",
        "source": "s",
        "type": kind,
        "accepted_at": 1000.0 + number,
        "body": encode_event(event),
    }
    return ArchivedEvent(**{**values, **changes})


class Scene:
    """A replay's parts, with some events in the archive.

    Args:
        place: An empty folder.
        count: How many events are archived.
        ledger: Where they go.
        most_waiting: How many may wait before no more go.
    """

    def __init__(
        self, place: Path, count: int, ledger: MemoryLedger, *, most_waiting: int = 10_000
    ) -> None:
        (place / "rules.yaml").write_text(RULES)
        self.engine = open_engine(f"sqlite:///{place}/eventflow.db")
        self.archive = ArchiveStore(self.engine)
        self.archive.write(archived(number) for number in range(count))
        self.replays = ReplayStore(self.engine)
        self.ledger = ledger
        self.broker = MemoryBroker()
        self._rules = load_rules(place)
        self._most_waiting = most_waiting

    def create(self, name: str = "again", **values: Any) -> StoredReplay:
        """Write a new replay, of this process."""
        request = ReplayRequest(**{"since": 0.0, "until": 1e9, **values})
        now = system_clock()
        replay = StoredReplay(
            name=name,
            bus="default",
            arguments=request.to_document(),
            owner="me",
            started_by="ada",
            started_at=now,
            updated_at=now,
        )
        self.replays.create(replay)
        return replay

    def run_of(self, replay: StoredReplay, rate: Rate | None = None) -> ReplayRun:
        """Return what runs a replay."""
        request = ReplayRequest.from_document(replay.arguments)
        selection = Selection(request, self._rules, replay.name)
        outlet = Outlet(
            self.ledger,
            self.broker,
            replay.name,
            targets=selection.targets,
            most_waiting=self._most_waiting,
        )
        return ReplayRun(
            replay,
            selection,
            outlet,
            archive=self.archive,
            replays=self.replays,
            rate=rate,
        )

    def named(self) -> list[str]:
        """Return the ids that messages to the routers name, in order."""
        found: list[str] = []
        while message := self.broker.take(["eventflow.route"]):
            ids = message.args[1]
            assert isinstance(ids, list)
            found += ids
        return found

    def accepted(self) -> list[str]:
        """Route what waits, and return the ids of these events, in the order of the router."""
        ids = []
        while works := self.ledger.begin_route(100, lease=60):
            for work in works:
                self.ledger.finish_route(work.event_id, "T", [], [])
                ids.append(work.event_id)
        return ids


def marked(numbers: Sequence[int], name: str = "again") -> list[str]:
    """Return the ids by which the ledger knows events of a replay."""
    return [f"e{number}@replay:{name}" for number in numbers]
