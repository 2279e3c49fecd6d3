"""The bus in memory: real rules, subscribers, retries and breakers, and neither server nor waiting."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from eventflow import Event
from eventflow.delivery import BreakerState
from eventflow.errors import BusError, EventError, Refuse
from eventflow.records import Reason
from eventflow.testing import MemoryBus, engine
from tests.unit.testing.project import Arrived, Project, write_rules


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, made once."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def bus(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryBus]:
    """A bus on it; whoever opens a connection fails."""

    def refuse(*_: object) -> None:
        message = "a test's bus has opened a connection"
        raise AssertionError(message)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    project.calls.clear()
    with MemoryBus(project.flow) as bus:
        yield bus


def other(kind: str, **data: object) -> Event:
    """Return an event for one of the other targets."""
    return Event(source="others", type=kind, data=data)


def test_an_event_goes_all_the_way(bus: MemoryBus, project: Project) -> None:
    """What is published reaches its subscribers, shaped as the rule says, when it is delivered."""
    event = bus.publish(Arrived(door="garage"))
    bus.assert_routed(event, to={"device-vendor", "notifications"})
    assert project.calls == [], "nothing is delivered before it is asked for"
    attempts = bus.deliver_all()
    assert project.calls[:2] == [
        ("device-vendor", "garage", 1),
        ("notifications", {"text": "at your garage"}),
    ]
    assert [attempt.outcome for attempt in attempts] == ["done"] * 3
    assert [attempt.input for attempt in attempts][:2] == [None, {"text": "at your garage"}]


def test_what_a_subscriber_publishes_comes_here(bus: MemoryBus, project: Project) -> None:
    """A flow that publishes within the test, from whatever code, publishes to the test's bus."""
    bus.publish(Arrived(door="front"))
    bus.deliver_all()
    assert [event.type for event in bus.published()] == ["Arrived", "limited"]
    assert project.calls[-1] == ("limited", bus.published()[1].id), "and is delivered as well"


def test_one_id_is_one_event(bus: MemoryBus) -> None:
    """An event that is published twice is delivered once, as with a real ledger."""
    event = other("typed", door="garage")
    bus.publish_many([event, event])
    bus.deliver_all()
    bus.publish(event)
    bus.deliver_all()
    assert len(bus.attempts("typed")) == 1


def test_a_retry_is_due_when_time_has_passed(bus: MemoryBus, project: Project) -> None:
    """A failure is tried again by the target's policy, once the clock is moved to its time."""
    bus.fail("device-vendor", times=2, error=OSError("down"))
    event = bus.publish(Arrived(door="garage"))
    bus.deliver_all()
    [attempt] = bus.attempts("device-vendor")
    assert (attempt.outcome, str(attempt.error)) == ("retry", "down")
    assert attempt.due_at == bus.now + timedelta(seconds=1)
    assert bus.deliver_all() == [], "it is not due"
    bus.advance("1s")
    assert [state.attempts for state in bus.waiting("device-vendor")] == [2]
    began = bus.now
    bus.advance("15m")
    assert [attempt.number for attempt in bus.attempts("device-vendor", event=event)] == [1, 2, 3]
    assert bus.attempts("device-vendor")[2].at - began < timedelta(seconds=2.1)
    assert ("device-vendor", "garage", 3) in project.calls
    assert bus.now - began == timedelta(minutes=15)


def test_a_spent_budget_is_a_dead_letter(bus: MemoryBus) -> None:
    """After its last attempt a delivery is a dead letter, with all that a real one says."""
    bus.fail("later")
    event = bus.publish(other("later"))
    attempts = bus.settle()
    assert [attempt.outcome for attempt in attempts] == ["retry", "retry", "dead"]
    [letter] = bus.dead_letters("later")
    assert (letter.event_id, letter.reason, letter.attempts, letter.error) == (
        event.id,
        Reason.MAX_ATTEMPTS,
        3,
        "the test has 'later' fail",
    )
    assert letter.died_at >= letter.first_attempt_at >= letter.accepted_at


def test_a_subscriber_steers(bus: MemoryBus, project: Project) -> None:
    """Retry(after=...) sets the time, Refuse ends it, and the last attempt knows that it is."""
    bus.publish(other("later"))
    attempt = bus.deliver_next("later")
    assert attempt is not None
    assert attempt.due_at == bus.now + timedelta(seconds=60)
    bus.advance("59s")
    assert len(bus.attempts()) == 1
    bus.advance(timedelta(seconds=61))
    assert project.calls == [("later", 1, False), ("later", 2, False), ("later", 3, True)]
    bus.publish(other("later", refuse=True))
    assert bus.deliver_all()[0].reason is Reason.REFUSED
    assert [letter.error for letter in bus.dead_letters()] == ["retry after 60 s", "not ours"]


def test_a_redrive_tries_again(bus: MemoryBus) -> None:
    """A dead letter that is redriven has a fresh budget, and is none any more."""
    bus.fail("device-vendor", error=Refuse("unknown door"), times=1)
    event = bus.publish(Arrived(door="garage"))
    bus.deliver_all()
    assert bus.redrive() == [f"{event.id}:device-vendor"]
    assert bus.dead_letters() == []
    bus.deliver_all()
    assert [attempt.outcome for attempt in bus.attempts("device-vendor")] == ["dead", "done"]


def test_the_circuit_breaker_is_real(bus: MemoryBus) -> None:
    """Enough failures open it, its deliveries wait unspent, and a probe after its time closes it."""
    bus.fail("device-vendor", times=4)
    bus.publish_many([Arrived(door="garage") for _ in range(6)])
    bus.deliver_all()
    assert bus.breaker("device-vendor").state is BreakerState.OPEN
    assert len(bus.attempts("device-vendor")) == 4
    bus.advance("29s")
    assert len(bus.attempts("device-vendor")) == 4
    bus.advance("2s")
    assert bus.breaker("device-vendor").state is BreakerState.CLOSED
    assert [one.outcome for one in bus.attempts("device-vendor")][4:] == ["done"] * 6


def test_a_rate_holds_by_the_tests_clock(bus: MemoryBus) -> None:
    """A target with a rate gets its deliveries as time passes, and no sooner."""
    bus.publish_many([other("limited") for _ in range(5)])
    assert len(bus.deliver_all()) == 1
    assert len(bus.advance("6s")) == 1
    assert len(bus.settle()) == 3
    assert bus.attempts("limited")[-1].at - bus.attempts("limited")[0].at > timedelta(seconds=23)


def test_data_that_does_not_fit_is_a_dead_letter(bus: MemoryBus) -> None:
    """What the subscriber's model refuses is found here too, even where the target is faked."""
    bus.fake("typed")
    bus.publish(other("typed", gate="garage"))
    assert bus.deliver_all()[0].reason is Reason.SCHEMA


def test_an_existing_task_is_called(bus: MemoryBus, project: Project) -> None:
    """A target that is a plain Celery task of the app is called as its worker would."""
    bus.publish(other("existing"))
    bus.deliver_all()
    assert project.calls == [("existing", 7)]


def test_nobody_behind_a_target_is_told(bus: MemoryBus) -> None:
    """A target without subscriber and task is a dead letter, as in a worker."""
    bus.publish(other("nobody"))
    assert bus.deliver_all()[0].reason is Reason.UNKNOWN_TASK
    bus.fake("nobody")
    bus.publish(other("nobody"))
    assert bus.deliver_all()[0].outcome == "done"


def test_a_function_plays_a_target(bus: MemoryBus, project: Project) -> None:
    """A function in a subscriber's place is called by its own annotations, until it is undone."""
    doors: list[str] = []

    def open_door(arrived: Arrived) -> None:
        doors.append(arrived.door)

    bus.fake("device-vendor", open_door)
    bus.publish(Arrived(door="garage"))
    bus.deliver_next("device-vendor")
    assert doors == ["garage"]
    bus.restore("device-vendor")
    bus.publish(Arrived(door="garage"))
    bus.deliver_next("device-vendor")
    assert ("device-vendor", "garage", 1) in project.calls


def test_what_cannot_be_published_is_refused(bus: MemoryBus) -> None:
    """The publisher's own checks hold: an event too large for the real bus is too large here."""
    with pytest.raises(EventError, match="bytes"):
        bus.publish(other("typed", text="x" * 1_100_000))


def test_a_miss_is_explained(bus: MemoryBus) -> None:
    """A failed assertion names the rule, its place, and which field failed which test."""
    event = bus.publish(Arrived(door="Garage"))
    with pytest.raises(AssertionError) as caught:
        bus.assert_routed(event, to={"device-vendor", "limited"})
    text = str(caught.value)
    assert f"event {event.id} (Arrived of courier.app, bus default) was to reach" in text
    assert "and reaches 'notifications'" in text
    assert "it does not reach 'device-vendor'\n  rule 'unlock-garage' (" in text
    assert 'wanted  "garage"' in text
    assert 'found   "Garage"' in text
    assert "only the case differs" in text
    assert "rule 'asleep'" in text
    assert "is not enabled; its pattern does not match" in text
    assert "it reaches 'notifications' too, by rule 'tell-recipient' (" in text


def test_a_rule_of_another_bus_is_explained(bus: MemoryBus) -> None:
    """Where the bus is the reason, the message says so."""
    with pytest.raises(AssertionError, match="is of the bus 'side', and the event of 'default'"):
        bus.assert_routed(other("typed", door="x"), to={"typed", "notifications"})
    bus.assert_routed(other("typed").model_copy(update={"bus": "side"}), to={"notifications"})


def test_not_routed(bus: MemoryBus) -> None:
    """An event may be asked to reach nothing, or none of some; what it reaches is named."""
    bus.assert_not_routed(other("unheard-of"))
    bus.assert_not_routed(Arrived(door="front"), to={"device-vendor"})
    with pytest.raises(AssertionError, match="it reaches 'notifications' too, by rule 'tell-rec"):
        bus.assert_not_routed(Arrived(door="front"))


def test_a_target_that_is_misspelt_is_told(bus: MemoryBus) -> None:
    """A name that no rule file defines is an error, never a test that passes for nothing."""
    for call in (
        lambda: bus.fail("device-vender"),
        lambda: bus.assert_not_routed(other("x"), to={"device-vender"}),
        lambda: bus.attempts("device-vender"),
    ):
        with pytest.raises(BusError, match="no target 'device-vender'; did you mean 'device-ven"):
            call()


def test_an_endless_loop_is_told(
    bus: MemoryBus, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscriber that publishes what is sent to it again does not run for ever."""
    monkeypatch.setattr(engine, "MOST_AT_ONCE", 100)

    def again(event: Event) -> None:
        project.flow.publish(other("typed"))

    bus.fake("typed", again)
    bus.publish(other("typed"))
    with pytest.raises(BusError, match=r"100 attempts .* no end"):
        bus.deliver_all()


def test_what_never_ends_is_told(bus: MemoryBus) -> None:
    """Settling says what still waits after the time that it was given."""
    bus.fail("device-vendor")
    bus.publish(Arrived(door="garage"))
    with pytest.raises(BusError, match=r"after 2s there are still .* 1 of 'device-vendor'"):
        bus.settle("2s")


def test_an_async_subscriber_within_a_loop(bus: MemoryBus) -> None:
    """In an async test the bus says how to deliver, rather than fail the subscriber for it."""

    async def deliver() -> None:
        bus.publish(other("limited"))
        with pytest.raises(BusError, match=r"asyncio\.to_thread"):
            bus.deliver_all()

    asyncio.run(deliver())


def test_the_flow_is_itself_again(project: Project) -> None:
    """After the test the flow publishes where it did, and the bus says that it is over."""
    own = project.flow.context
    with MemoryBus(project.flow) as bus:
        assert project.flow.context is not own
        assert project.flow.status()["typed"].queued == 0 if project.flow.status() else True
    assert project.flow.context is own
    with pytest.raises(BusError, match="with MemoryBus"):
        bus.publish(other("typed"))


def test_rules_alone(tmp_path: Path) -> None:
    """Without a flow there is no code: each target is played by a stand-in that succeeds."""
    with MemoryBus(rules=write_rules(tmp_path)) as bus:
        bus.publish(other("nobody"))
        assert [str(attempt) for attempt in bus.deliver_all()] == ["nobody, attempt 1: done"]
        bus.fail("nobody", times=1)
        bus.publish(other("nobody"))
        assert [attempt.outcome for attempt in bus.settle()] == ["retry", "done"]


def test_changed_rules_are_read(tmp_path: Path) -> None:
    """The next bus sees what was written to the rule files meanwhile."""
    rules = write_rules(tmp_path)
    with MemoryBus(rules=rules) as bus:
        bus.assert_not_routed(other("new"))
    more = "rules: {new: {pattern: {detail-type: [new]}, targets: [nobody]}}"
    (rules / "more.yaml").write_text(more)
    with MemoryBus(rules=rules) as bus:
        bus.assert_routed(other("new"), to={"nobody"})
