"""What tasks tell the meter: of an event that was routed, and of an attempt."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from eventflow.delivery import Claim, Finish, Outcome, Verdict
from eventflow.events import Event
from eventflow.metrics import Meter, use_meter
from eventflow.records import DeadLetter, Reason
from eventflow.routing import PlannedDelivery
from eventflow.rules import ARCHIVE_TARGET, Target
from eventflow.worker.monitoring import count_finish, count_routed

DOOR = Target(name="door", task="x.open")
EVENT = Event(source="shop", type="Sold", data={})


class Told(Meter):
    """A meter that keeps what it is told."""

    __slots__ = ("calls",)

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def routed(self, bus: str, matched: Any, *, dead: bool) -> None:
        """Keep it."""
        self.calls.append(("routed", [(target, tuple(rules)) for target, rules in matched], dead))

    def attempted(self, bus: str, target: str, outcome: str, seconds: float) -> None:
        """Keep it."""
        self.calls.append(("attempted", target, outcome, seconds))

    def delivered(self, bus: str, target: str, seconds: float) -> None:
        """Keep it."""
        self.calls.append(("delivered", target, seconds))

    def died(self, bus: str, target: str, reason: str) -> None:
        """Keep it."""
        self.calls.append(("died", target, reason))


@pytest.fixture
def told() -> Iterator[Told]:
    """The process's meter, for one test."""
    made = Told()
    before = use_meter(made)
    yield made
    use_meter(before)


def route(
    event: Event | None, planned: Sequence[PlannedDelivery], letters: Sequence[DeadLetter] = ()
) -> list[tuple[Any, ...]]:
    """Count an event, and return what was noted of the rules' silence."""
    saw: list[tuple[Any, ...]] = []
    silence = SimpleNamespace(saw=lambda *facts: saw.append(facts))
    context: Any = SimpleNamespace(silence=silence)
    count_routed(context, "default", event, planned, letters)
    return saw


def letter(reason: Reason, target: str = "") -> DeadLetter:
    """Return a dead letter."""
    return DeadLetter(id="e1:x", target=target, reason=reason, error="")


def test_a_match_is_told_of_each_target_and_rule(told: Told):
    """Both to the meter and to the notes on silence."""
    saw = route(EVENT, [PlannedDelivery(DOOR, ("a", "b"), None, "")])
    assert told.calls == [("routed", [("door", ("a", "b"))], False)]
    assert saw == [("default", {"a", "b"}, "shop", "Sold")]


def test_an_archive_is_no_rule(told: Told):
    """An event that is kept and goes nowhere else matched no rule."""
    saw = route(EVENT, [PlannedDelivery(ARCHIVE_TARGET, ("all",), None, "")])
    assert told.calls == [("routed", [("eventflow.archive", ())], False)]
    assert saw == [("default", set(), "shop", "Sold")]


def test_an_event_that_cannot_be_routed_is_dead_and_not_unmatched(told: Told):
    """Nobody can say which rules it would have matched."""
    assert route(None, [], [letter(Reason.UNDECODABLE)]) == []
    assert route(EVENT, [], [letter(Reason.SCHEMA)]) == []
    assert told.calls == [
        ("routed", [], True),
        ("died", "eventflow.route", "undecodable"),
        ("routed", [], True),
        ("died", "eventflow.route", "schema"),
    ]


def test_a_fault_in_an_input_is_a_match_and_a_dead_letter(told: Told):
    """The rule matched, though its target got nothing."""
    saw = route(EVENT, [PlannedDelivery(DOOR, ("a",), None, "bad")], [letter(Reason.INPUT, "door")])
    assert told.calls[0] == ("routed", [("door", ("a",))], False)
    assert told.calls[1:] == [("died", "door", "input")]
    assert saw == [("default", {"a"}, "shop", "Sold")]


@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        (Outcome.DONE, [("delivered", "door", 7.5)]),
        (Outcome.RETRY, []),
        (Outcome.RELEASE, []),
        (Outcome.DEAD, [("died", "door", "refused")]),
    ],
)
def test_an_attempt_is_counted_and_what_it_brought_to_an_end(
    told: Told, outcome: Outcome, more: list[tuple[Any, ...]]
):
    """The time since the event was accepted is the ledger's, and the call's on top."""
    claim = Claim("e1:door", Verdict.RUN, attempt=2, accepted_at=100.0, now=107.0)
    dead = letter(Reason.REFUSED) if outcome is Outcome.DEAD else None
    finish = Finish("e1:door", 2, outcome, letter=dead, duration=0.5)
    count_finish("default", "door", claim, finish)
    assert told.calls == [("attempted", "door", outcome.value, 0.5), *more]
