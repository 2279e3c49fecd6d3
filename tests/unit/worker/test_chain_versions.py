"""A delivery of an event of another version than its subscriber asks for, through the chain."""

import logging
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from eventflow.app import EventFlow
from eventflow.delivery import Claim, Outcome, Verdict
from eventflow.encoding import encode_event
from eventflow.errors import Retry
from eventflow.events import Event
from eventflow.records import Reason
from eventflow.rules import Target
from eventflow.schemas import EventModel
from eventflow.worker.chain import Attempt, attempt_delivery
from eventflow.worker.lifecycle import _warn_of_gaps

NAME = "courier.app/CourierArrived"
TARGET = Target(name="t", task="t", timeout=0.2)


class Second(EventModel, source="courier.app", type="CourierArrived", version="2.0"):
    """What the subscriber asks for."""

    door: str


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EventFlow:
    """Give an application that notes what its one subscriber gets."""
    monkeypatch.chdir(tmp_path)
    made = EventFlow()
    made.got = []  # type: ignore[attr-defined]

    @made.subscriber("t")
    def take(event: Event[Second]) -> None:
        made.got.append((event.data.door, event.dataschema))  # type: ignore[attr-defined]

    return made


def deliver(flow: EventFlow, version: str = "1.0", replay: str | None = None) -> Attempt:
    event = Event(
        id="e1",
        source="courier.app",
        type="CourierArrived",
        dataschema=f"{NAME}/{version}",
        data={"gate": "north"},
        replay_name=replay,
    )
    claim = Claim("e1:t", Verdict.RUN, attempt=1, body=encode_event(event), now=time.time())
    return attempt_delivery(flow._context, "default", TARGET, claim)


def test_an_upcaster_is_used_on_delivery_and_on_replay(flow: EventFlow) -> None:
    """The subscriber gets the version it asks for, whenever the event was published."""

    @flow.upcast(f"{NAME}/1.0", Second)
    def rename(data: dict[str, str]) -> dict[str, str]:
        return {"door": data.pop("gate")}

    for replay in (None, "last-week"):
        attempt = deliver(flow, replay=replay)
        assert attempt.finish is not None
        assert Outcome.DONE is attempt.finish.outcome
    assert [("north", f"{NAME}/2.0")] * 2 == flow.got  # type: ignore[attr-defined]


def test_without_an_upcaster_it_is_a_dead_letter(flow: EventFlow) -> None:
    """The dead letter has the reason `schema`, and says what to write."""
    attempt = deliver(flow)
    assert attempt.finish is not None
    letter = attempt.finish.letter
    assert letter is not None
    assert (Outcome.DEAD, Reason.SCHEMA) == (attempt.finish.outcome, letter.reason)
    assert "no upcaster leads from 1.0 to 2.0: write one with @flow.upcast" in letter.error


def _raise_retry(data: dict[str, str]) -> dict[str, str]:
    raise Retry(after=0)


def _never_end(data: dict[str, str]) -> dict[str, str]:
    while True:
        pass


@pytest.mark.parametrize(
    ("function", "words"),
    [(_raise_retry, "raised Retry: "), (_never_end, "raised DeliveryTimeout: ")],
)
def test_an_upcaster_that_fails_is_never_tried_again(flow: EventFlow, function, words) -> None:
    """Whatever it raises, and if it never ends: a dead letter at once, which names it."""
    flow.upcast(f"{NAME}/1.0", Second)(function)
    attempt = deliver(flow)
    assert attempt.finish is not None
    assert attempt.finish.letter is not None
    assert (Outcome.DEAD, Reason.SCHEMA) == (attempt.finish.outcome, attempt.finish.letter.reason)
    assert words in attempt.finish.letter.error
    assert function.__name__ in attempt.finish.letter.error


def test_a_worker_warns_of_gaps_when_it_starts(
    flow: EventFlow, caplog: pytest.LogCaptureFixture
) -> None:
    """An older major in the repository from which no chain leads is told, with what to write."""
    file = Path("schemas/courier.app/CourierArrived/1.0.json")
    file.parent.mkdir(parents=True)
    file.write_text('{"type": "object", "x-eventflow": {"owner": "devices"}}')
    with caplog.at_level(logging.WARNING, "eventflow.worker"):
        _warn_of_gaps(flow._context)
    (record,) = caplog.records
    told = SimpleNamespace(**record.__dict__)
    assert ("upcaster_missing", f"{NAME}/2.0") == (told.action, told.schema)
    assert f"@flow.upcast('{NAME}/1.0', '{NAME}/2.0')" in record.getMessage()
