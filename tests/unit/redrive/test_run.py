"""A redrive as it runs: what goes when, what it waits for, and why it stops. No second is waited."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventflow.errors import TransportError
from eventflow.records import DeadLetter
from eventflow.redrive import Fate, Pace, Run, RunState, Standing, make_plan
from eventflow.redrive.run import MOST_OPEN
from eventflow.store import DeadLetterFilter, DeadLetterStore, State, StoredDeadLetter, open_engine
from eventflow.store.groups import FailureGroups
from tests.contracts.store import DIED, letter_of

WELL = Standing(Fate.SUCCEEDED)
DEAD = Standing(Fate.DIED, error="OSError: no")
OPEN = Standing(Fate.OPEN)
UNLOCK = 'Traceback:\n  File "/srv/workers/doors.py", line 17, in unlock\n'


def failing(times: int) -> Standing:
    """Return a delivery that has failed so often, and is tried again."""
    return Standing(Fate.FAILING, times, "OSError: slow")


class World:
    """The ledger, the workers and the clock: each delivery fares as the test says.

    Args:
        fate: Says where a delivery stands, by its number in the order of sending and the seconds
            since it was sent.
    """

    def __init__(self, fate: Callable[[int, float], Standing]) -> None:
        self.fate = fate
        self.now = 0.0
        self.sent: dict[str, float] = {}
        self.obstacles: dict[float, str] = {}
        self.fails_after: int | None = None
        self.most_open = 0

    def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Take letters, each once."""
        if self.fails_after is not None and len(self.sent) >= self.fails_after:
            raise TransportError("the broker does not answer")
        new = [letter.id for letter in letters if letter.id not in self.sent]
        self.sent |= dict.fromkeys(new, self.now)
        return new

    def look(self, letters: Sequence[StoredDeadLetter]) -> Mapping[str, Standing]:
        """Tell where they stand."""
        numbers = {identity: number for number, identity in enumerate(self.sent)}
        found = {
            stored.id: self.fate(numbers[stored.id], self.now - self.sent[stored.id])
            for stored in letters
        }
        self.most_open = max(self.most_open, sum(one.fate is Fate.OPEN for one in found.values()))
        return found

    def obstacle(self, bus: str, target: str) -> str:
        """Tell what keeps the target, from some moment on."""
        return next((why for at, why in self.obstacles.items() if self.now >= at), "")

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds > 0
        self.now += seconds


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty store."""
    return open_engine(f"sqlite:///{tmp_path}/eventflow.db")


def fill(engine: Engine, number: int, target: str = "doors") -> None:
    """Record so many letters, the last one the newest."""
    DeadLetterStore(engine).record(
        [letter_of(f"e{each:03}", target=target, died_at=DIED + each) for each in range(number)]
    )


def go(
    engine: Engine,
    world: World,
    *,
    canary: int | None = None,
    rate: float = 100,
    patience: float = 60,
    most_failures: float = 0.1,
) -> RunState:
    """Plan for all, and run."""
    store = DeadLetterStore(engine)
    plan = make_plan(store, FailureGroups(engine), DeadLetterFilter(), canary=canary)
    state = RunState(plan.count)
    pace = Pace(rate, patience, most_failures)
    run = Run(
        store,
        world,
        world,
        pace,
        told=lambda _: None,
        clock=lambda: world.now,
        sleep=world.sleep,
    )
    run.go(plan, state)
    return state


def test_a_canary_first_and_then_the_rest(engine: Engine) -> None:
    """The rest waits until the canary has succeeded; then all goes, each once."""
    fill(engine, 30)
    world = World(lambda _number, age: WELL if age >= 3 else OPEN)
    state = go(engine, world, canary=2)
    times = list(world.sent.values())
    assert ([0, 0], True) == (times[:2], times[2] >= 3)
    assert (30, 30, 0, {}) == (state.sent, state.succeeded, state.open, state.stopped)
    assert 0 == DeadLetterStore(engine).count(DeadLetterFilter(state=State.DEAD)).total


def test_the_canary_is_one_of_each_failure(engine: Engine) -> None:
    """Then the newest: a fault that is not mended is met whatever its letters' age."""
    fill(engine, 10)
    old = letter_of("old", target="doors", traceback=UNLOCK, error="other", died_at=DIED - 100)
    DeadLetterStore(engine).record([old])
    world = World(lambda number, _age: DEAD if number < 3 else WELL)
    go(engine, world, canary=3)
    assert 3 == len(world.sent)
    assert {"old:doors", "e009:doors"} < set(world.sent)


def test_a_canary_that_dies_stops_it(engine: Engine) -> None:
    """The rest stays as it is."""
    fill(engine, 30)
    state = go(engine, World(lambda *_: DEAD), canary=2)
    assert (2, 2, 28) == (state.sent, state.died, state.remaining)
    assert {
        "doors": "the canary failed: 2 of the last 2 died again or fail, most by OSError: no"
    } == state.stopped
    assert 28 == DeadLetterStore(engine).count(DeadLetterFilter(redrives_below=1)).total


def test_a_canary_that_fails_and_recovers_is_well(engine: Engine) -> None:
    """One failed attempt is none of the target's faults."""
    fill(engine, 10)
    world = World(lambda _number, age: failing(1) if age < 5 else WELL)
    state = go(engine, world, canary=2, most_failures=1)
    assert (10, {}) == (state.succeeded, state.stopped)


def test_a_canary_that_fails_twice_is_not_waited_for(engine: Engine) -> None:
    """Its next attempt may be hours away."""
    fill(engine, 30)
    world = World(lambda _number, age: OPEN if age < 1 else failing(2))
    state = go(engine, world, canary=2, patience=3600)
    assert (2, 2, True) == (state.sent, state.failing, world.now < 10)
    assert "the canary failed" in state.stopped["doors"]


def test_a_canary_that_nobody_takes_stops_it(engine: Engine) -> None:
    """No worker runs: after the patience it says so."""
    fill(engine, 30)
    world = World(lambda *_: OPEN)
    state = go(engine, world, canary=2, patience=20)
    assert (2, 2, True) == (state.sent, state.open, 20 <= world.now < 21)
    assert {
        "doors": "2 of the canary's 2 have no outcome after 20s: does a worker run for doors?"
    } == state.stopped


def test_the_rate_is_kept(engine: Engine) -> None:
    """Ten a second are a hundred in ten seconds, whatever the size of a batch."""
    fill(engine, 100)
    world = World(lambda *_: WELL)
    go(engine, world, canary=0, rate=10)
    assert 9 <= world.now <= 11
    for second in range(9):
        assert sum(second <= at < second + 1 for at in world.sent.values()) <= 12


def test_a_slow_rate_is_kept_too(engine: Engine) -> None:
    """Less than one a second."""
    fill(engine, 4)
    world = World(lambda *_: WELL)
    go(engine, world, canary=0, rate=0.5)
    assert [0, 2, 4, 6] == [round(at) for at in world.sent.values()]


def test_it_stops_when_failures_come_back(engine: Engine) -> None:
    """Within a few of the last outcomes, and the letters that it has not sent stay."""
    fill(engine, 400)
    world = World(lambda number, age: OPEN if age < 0.5 else WELL if number < 200 else DEAD)
    state = go(engine, world)
    assert (200, True) == (state.succeeded, 0 < state.died <= 100)
    assert state.stopped["doors"].startswith("the failures came back: ")
    assert state.remaining == 400 - state.sent > 0


def test_a_share_that_is_well_stops_nothing(engine: Engine) -> None:
    """Five percent fail, ten may."""
    fill(engine, 400)
    state = go(engine, World(lambda number, _age: DEAD if number % 20 == 19 else WELL))
    assert (380, 20, {}) == (state.succeeded, state.died, state.stopped)


def test_few_are_open_at_first_and_never_too_many(engine: Engine) -> None:
    """What goes well lets more go at once; workers that are slow are not flooded."""
    fill(engine, 300)
    stuck = World(lambda number, _age: WELL if number < 10 else OPEN)
    state = go(engine, stuck, canary=10, rate=1000, patience=30)
    assert "do the workers of doors run?" in state.stopped["doors"]
    assert state.open < 200 < MOST_OPEN
    assert state.open == stuck.most_open


def test_an_obstacle_stops_it_before_it_begins(engine: Engine) -> None:
    """A target that is paused gets nothing."""
    fill(engine, 30)
    world = World(lambda *_: WELL)
    world.obstacles[0] = "doors is paused"
    state = go(engine, world)
    assert ({"doors": "doors is paused"}, 0, 30) == (state.stopped, state.sent, state.remaining)


def test_an_obstacle_that_comes_stops_it(engine: Engine) -> None:
    """The breaker opens while it sends."""
    fill(engine, 100)
    world = World(lambda *_: WELL)
    world.obstacles[3] = "the circuit breaker of doors is open"
    state = go(engine, world, rate=10)
    assert {"doors": "the circuit breaker of doors is open"} == state.stopped
    assert 20 < state.sent < 40


def test_one_target_that_stops_keeps_no_other(engine: Engine) -> None:
    """Each is judged by itself."""
    fill(engine, 30)
    fill(engine, 20, "audit")
    world = World(lambda number, _age: DEAD if number < 1 else WELL)
    state = go(engine, world)
    assert (["doors"], 20, 1) == (list(state.stopped), state.succeeded, state.died)


def test_what_dies_again_is_not_sent_again(engine: Engine) -> None:
    """Whatever its time of death: a run sends each letter once."""
    fill(engine, 50)
    store = DeadLetterStore(engine)

    class Deadly(World):
        """Records each death at once, by a clock that is slow."""

        def redrive(self, letters: Sequence[DeadLetter]) -> list[str]:
            """Take letters, each once, and let them die."""
            sent = super().redrive(letters)
            store.record(
                [one.model_copy(update={"redrives": 1, "died_at": 1.0}) for one in letters]
            )
            return sent

    state = go(engine, Deadly(lambda *_: DEAD), most_failures=1)
    assert (50, 50, 0) == (state.sent, state.died, state.already)


def test_what_cannot_be_sent_is_counted(engine: Engine) -> None:
    """It takes no place in the canary, and the rest goes."""
    fill(engine, 5)
    lost = [letter_of(f"m{n}", target="doors", event=None, died_at=DIED + 50 + n) for n in range(2)]
    DeadLetterStore(engine).record(lost)
    state = go(engine, World(lambda *_: WELL), canary=2)
    assert (5, 5, 0) == (state.sent, state.succeeded, state.remaining)
    assert [2] == list(state.refused.values())


def test_an_error_leaves_what_was_done(engine: Engine) -> None:
    """The state holds it; another run sends the rest, and none twice."""
    fill(engine, 60)
    world = World(lambda *_: WELL)
    world.fails_after = 21
    with pytest.raises(TransportError):
        go(engine, world)
    assert 21 == len(world.sent)
    world.fails_after = None
    state = go(engine, world)
    assert (60, 39) == (len(world.sent), state.sent)
