"""The public signatures as users write them: type-checked, never run."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, assert_type
from uuid import UUID

from celery import Celery
from pydantic import BaseModel

from eventflow import Delivery, Event, EventFlow, EventflowError, EventModel, Refuse, Retry
from eventflow.contrib.django import publish, publish_many
from eventflow.patterns import ConditionReport, Explanation, Matcher, Pattern, PatternError


class CourierArrived(EventModel, source="courier.app", type="CourierArrived", version="1.0"):
    """A typed event."""

    parcel_id: UUID
    door: str = "garage"


class Message(BaseModel):
    """What a rule's input shapes."""

    message: str


flow = EventFlow()
joined = EventFlow(celery=Celery("shop"))
assert_type(flow, EventFlow)

# An event's data is what its type says, and a dict where it says nothing.
plain = Event(source="courier.app", type="CourierArrived", data={"door": 7})
assert_type(plain.data, dict[str, Any])
assert_type(plain.id, str)
assert_type(plain.time, datetime)
assert_type(plain.subject, str | None)
typed = Event[CourierArrived](source="s", type="t", data=CourierArrived(parcel_id=UUID(int=1)))
assert_type(typed.data, CourierArrived)
assert_type(typed.data.parcel_id, UUID)
assert_type(typed.to_eventbridge(), dict[str, Any])
aliased = Event.model_validate({"source": "s", "detail-type": "t", "detail": {}})
assert_type(aliased.bus, str)

# Publishing takes models and events, and gives events back.
arrived = CourierArrived(parcel_id=UUID(int=1))
assert_type(flow.publish(arrived), Event[Any])
assert_type(flow.publish(arrived, subject="P1", time=datetime.now(UTC)), Event[Any])
assert_type(flow.publish(typed), Event[Any])
assert_type(flow.publish_many([arrived, plain]), list[Event[Any]])


async def publish_from_a_coroutine() -> None:
    """Each of the two has a twin that is awaited."""
    assert_type(await flow.apublish(arrived, subject="P1"), Event[Any])
    assert_type(await flow.apublish_many([arrived, plain]), list[Event[Any]])


flow.publish("CourierArrived")  # type: ignore[arg-type]
assert_type(publish(arrived, using="default", ordering_key="P1", subject="P1"), Event[Any])
assert_type(publish_many([arrived, plain], outbox=True), list[Event[Any]])
publish("CourierArrived")  # type: ignore[arg-type]


# A subscriber stays the function that it is.
@flow.subscriber("device-vendor")
def unlock_door(event: Event[CourierArrived], delivery: Delivery) -> None:
    """Take an event and its delivery."""
    assert_type(event.data.door, str)
    assert_type(delivery.id, str)
    assert_type(delivery.attempt, int)
    assert_type(delivery.last_attempt, bool)
    assert_type(delivery.target, str)
    if delivery.last_attempt:
        raise Refuse("unknown door")
    raise Retry(after=30)


@flow.subscriber("partner")
async def tell_partner(event: CourierArrived) -> int:
    """Take the model alone, asynchronously."""
    return len(event.door)


@flow.subscriber("notifications")
def notify(message: Message) -> None:
    """Take what the rule shaped."""
    assert_type(message.message, str)


@flow.upcast("courier.app/CourierArrived/0.9", CourierArrived)
def add_door(data: dict[str, Any]) -> dict[str, Any]:
    """Bring an older event up to date; the function stays what it is."""
    return {**data, "door": "garage"}


assert_type(add_door({}), dict[str, Any])
flow.upcast(Message, CourierArrived)  # type: ignore[arg-type]


@flow.downcast(CourierArrived, "courier.app/CourierArrived/0.9")
def drop_door(event: CourierArrived) -> dict[str, Any]:
    """Bring a newer event to an older version."""
    return event.model_dump(exclude={"door"})


bound: Callable[[Event[CourierArrived], Delivery], None] = unlock_door
unlock_door("not an event", None)  # type: ignore[arg-type]
flow.subscriber(unlock_door)  # type: ignore[arg-type]


async def call_directly() -> None:
    """Call a subscriber as the function that it still is."""
    assert_type(await tell_partner(arrived), int)


# Patterns and their errors.
pattern = Pattern({"source": ["courier.app"]})
explanation: Explanation = pattern.explain({"source": "x"})
failed: tuple[ConditionReport, ...] = explanation.failed
assert_type(pattern.matches(plain.to_eventbridge()), bool)
assert_type(Matcher({"arrived": {"source": ["courier.app"]}}).match({}), set[str])
try:
    Pattern({"source": []})
except PatternError as error:
    assert_type(error.path, str)
    assert_type(error.message, str)

problem: EventflowError = PatternError("wrong", "source")
