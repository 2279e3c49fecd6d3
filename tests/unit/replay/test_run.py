"""A replay's way: in order, once, as there is room; killed, cancelled and resumed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from eventflow.delivery import Accepted, MemoryLedger
from eventflow.encoding import decode_event
from eventflow.errors import LedgerError
from eventflow.replay import run as module
from eventflow.store.replay_records import ReplayProgress, ReplayState
from eventflow.units import Rate
from tests.unit.replay.parts import Scene, marked


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what waits wait less, and pages be small."""
    monkeypatch.setattr(module, "_PAGE", 7)
    monkeypatch.setattr(module, "_WAIT", 0.001)
    monkeypatch.setattr(module, "_BEAT", 0.0)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Twenty archived events."""
    scene = Scene(tmp_path, 20, MemoryLedger())
    yield scene
    scene.engine.dispose()


def test_all_is_sent_in_order_and_marked(scene: Scene) -> None:
    """Each event's JSON is as it was archived, but for the mark; a router is called."""
    told: list[ReplayProgress] = []
    ended = scene.run_of(scene.create()).run(told.append)
    assert (ReplayState.COMPLETED, 20, 20, 20) == (
        ended.state,
        ended.progress.total,
        ended.progress.seen,
        ended.progress.sent,
    )
    assert told[-1] == ended.progress
    works = scene.ledger.begin_route(100, lease=60)
    assert marked(range(20)) == [work.event_id for work in works]
    first = decode_event(works[0].body)
    assert ("e0", "again", {"number": 0}) == (first.id, first.replay_name, first.data)
    assert marked(range(1)) == scene.named()


def test_what_is_not_selected_counts_as_seen(scene: Scene) -> None:
    """The last one that was seen is where a resumed one goes on, sent or not."""
    replay = scene.create(pattern={"detail": {"number": [{"numeric": ["<", 3]}]}})
    ended = scene.run_of(replay).run(lambda _: None)
    assert (20, 3, "e19") == (ended.progress.seen, ended.progress.sent, ended.progress.cursor_id)
    assert marked([0, 1, 2]) == scene.accepted()


def test_it_waits_for_room(tmp_path: Path) -> None:
    """A replay does not fill the ledger: it goes on when the routers have caught up."""
    scene = Scene(tmp_path, 20, MemoryLedger(), most_waiting=1)
    routed: list[str] = []
    notes = set()

    def tell(progress: ReplayProgress) -> None:
        notes.add(progress.note)
        if progress.note:
            routed.extend(scene.accepted())

    run = scene.run_of(scene.create(), rate=Rate(4000, 1))
    ended = run.run(tell)
    routed += scene.accepted()
    assert marked(range(20)) == routed
    assert any("wait to be routed" in note for note in notes)
    assert (ReplayState.COMPLETED, "") == (ended.state, ended.progress.note)


def test_what_the_ledger_refuses_is_offered_again(tmp_path: Path) -> None:
    """A full ledger takes part of a list; the rest follows, in order, and nothing twice."""
    scene = Scene(tmp_path, 20, MemoryLedger(most=3))
    routed: list[str] = []

    def tell(progress: ReplayProgress) -> None:
        if progress.note:
            routed.extend(scene.accepted())

    ended = scene.run_of(scene.create()).run(tell)
    routed += scene.accepted()
    assert marked(range(20)) == routed
    assert (20, 20) == (ended.progress.seen, ended.progress.sent)


class Falling(MemoryLedger):
    """A ledger that cannot be reached some times, after it has done what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.away = 0

    def accept(self, events: Sequence[tuple[str, bytes, str]]) -> Accepted:
        """Take events, and say nothing."""
        answers = super().accept(events)
        if self.away > 0:
            self.away -= 1
            message = "it is away"
            raise LedgerError(message)
        return answers


def test_a_ledger_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """What it may have taken is offered again, which it knows."""
    ledger = Falling()
    ledger.away = 3
    scene = Scene(tmp_path, 5, ledger)
    notes = []
    ended = scene.run_of(scene.create()).run(lambda progress: notes.append(progress.note))
    assert (ReplayState.COMPLETED, 5) == (ended.state, ended.progress.sent)
    assert "it is away" in notes
    assert marked(range(5)) == scene.accepted()


def test_a_ledger_that_stays_away_fails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says why, and can be resumed."""
    monkeypatch.setattr(module, "_LEDGER_PATIENCE", -1.0)
    ledger = Falling()
    ledger.away = 1
    scene = Scene(tmp_path, 5, ledger)
    with pytest.raises(LedgerError, match="it is away"):
        scene.run_of(scene.create()).run(lambda _: None)
    failed = scene.replays.get("again")
    assert (ReplayState.FAILED, "it is away") == (failed.state, failed.progress.note)
    ended = scene.run_of(scene.replays.take("again", "me", failed.updated_at)).run(lambda _: None)
    assert (ReplayState.COMPLETED, 5, 5) == (
        ended.state,
        ended.progress.seen,
        ended.progress.sent,
    )
    assert marked(range(5)) == scene.accepted()


def test_an_interrupted_one_goes_on_where_it_ended(scene: Scene) -> None:
    """Every event once, in order, and the numbers are those of one that ran through."""
    replay = scene.create()
    pressed: list[int] = []

    def tell(progress: ReplayProgress) -> None:
        if progress.sent and not pressed:
            pressed.append(progress.sent)
            raise KeyboardInterrupt

    ended = scene.run_of(replay, rate=Rate(12, 1)).run(tell)
    assert ReplayState.INTERRUPTED is ended.state
    assert 0 < ended.progress.sent < 20
    taken = scene.replays.take("again", "other", ended.updated_at)
    ended = scene.run_of(taken).run(lambda _: None)
    assert (ReplayState.COMPLETED, 20, 20) == (
        ended.state,
        ended.progress.seen,
        ended.progress.sent,
    )
    assert marked(range(20)) == scene.accepted()


def test_one_that_died_before_it_wrote_sends_nothing_twice(scene: Scene) -> None:
    """What was sent and not written down is sent again, and the ledger takes it once."""
    replay = scene.create()
    scene.run_of(replay).run(lambda _: None)
    assert marked(range(20)) == scene.accepted()
    scene.run_of(replay).run(lambda _: None)  # from the beginning, as if nothing had been written
    assert [] == scene.accepted()


def test_a_cancelled_one_stops(scene: Scene) -> None:
    """Its own step tells it; what it sent is sent."""
    replay = scene.create()

    def tell(progress: ReplayProgress) -> None:
        if progress.sent:
            scene.replays.cancel("again", 1.0)

    ended = scene.run_of(replay, rate=Rate(12, 1)).run(tell)
    assert ReplayState.CANCELLED is ended.state
    assert 0 < len(scene.accepted()) < 20


def test_one_that_was_taken_over_stops(scene: Scene) -> None:
    """Of two processes that run it, the one that was thought dead ends at its next step."""
    replay = scene.create()

    def tell(progress: ReplayProgress) -> None:
        if progress.sent:
            scene.replays.take("again", "other", 1e12)

    ended = scene.run_of(replay, rate=Rate(12, 1)).run(tell)
    assert (ReplayState.RUNNING, "other") == (ended.state, ended.owner)


def test_what_comes_first_may_be_cancelled_too(scene: Scene) -> None:
    """While it waits to begin, it is alive and listens."""
    replay = scene.create()
    scene.replays.cancel("again", 1.0)

    def prepare(wait: object) -> None:
        assert callable(wait)
        wait("what never comes")
        pytest.fail("it went on")

    assert ReplayState.CANCELLED is scene.run_of(replay).run(lambda _: None, prepare=prepare).state
