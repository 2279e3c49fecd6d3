"""An event becomes a subscriber's arguments, by annotation."""

from typing import Any

import pytest
from pydantic import BaseModel

from eventflow.errors import EventError, SubscriberError
from eventflow.events import Event
from eventflow.schemas import EventModel
from eventflow.subscribers import Delivery, Subscriber, Subscribers


class Arrived(EventModel, source="courier.app", type="CourierArrived"):
    """A typed event."""

    parcel: int


class Greeting(BaseModel):
    """A shaped input."""

    message: str


EVENT = Event(id="e1", source="courier.app", type="CourierArrived", data={"parcel": "7"})
DELIVERY = Delivery(id="e1:t", target="t", attempt=1, last_attempt=False)


def plain(event):
    return event


def as_event(event: Event, delivery: Delivery):
    return event, delivery


def typed(event: Event[Arrived], delivery: Delivery):
    return event, delivery


def bare(arrived: Arrived):
    return arrived


def greeting(greeting: Greeting, delivery):
    return greeting, delivery


def anything(document: dict, delivery: Delivery | None = None):
    return document


async def asynchronous(event: Event):
    return event


def test_no_annotation_means_the_event() -> None:
    """A function that says nothing is handed the event alone."""
    assert Subscriber("t", plain).bind(EVENT, None, DELIVERY) == (EVENT,)


def test_the_event_and_the_delivery() -> None:
    """A second parameter is handed the delivery."""
    assert Subscriber("t", as_event).bind(EVENT, None, DELIVERY) == (EVENT, DELIVERY)


def test_a_typed_event_has_typed_data() -> None:
    """Event[Model] keeps the envelope; its data is the model."""
    event, _ = Subscriber("t", typed).bind(EVENT, None, DELIVERY)
    assert (event.id, event.data.parcel) == ("e1", 7)
    assert isinstance(event.data, Arrived)


def test_a_bare_model_is_the_data() -> None:
    """A model alone is the event's data."""
    assert (Arrived(parcel=7),) == Subscriber("t", bare).bind(EVENT, None, DELIVERY)


def test_a_model_can_be_the_rules_input() -> None:
    """Where the rule shapes an input, the model is the input."""
    arguments = Subscriber("t", greeting).bind(EVENT, '{"message": "hi"}', DELIVERY)
    assert (Greeting(message="hi"), DELIVERY) == arguments


def test_a_dict_is_the_input_or_eventbridges_event() -> None:
    """Any other annotation is handed the input as it is."""
    subscriber = Subscriber("t", anything)
    assert subscriber.bind(EVENT, "[1, null]", DELIVERY)[:1] == ([1, None],)
    assert EVENT.to_eventbridge() == subscriber.bind(EVENT, None, DELIVERY)[0]


def test_async_is_known() -> None:
    """Async functions are told apart."""
    assert [Subscriber("t", item).is_async for item in (asynchronous, plain)] == [True, False]


def test_what_does_not_fit_is_said_with_its_path_and_without_its_value() -> None:
    """The error names the field, never the payload."""
    event = EVENT.model_copy(update={"data": {"parcel": "my secret"}})
    with pytest.raises(EventError, match="does not fit Arrived: parcel") as caught:
        Subscriber("t", bare).bind(event, None, DELIVERY)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "function", [lambda: None, lambda a, b, c: None, lambda *, event: event], ids=["0", "3", "kw"]
)
def test_a_signature_that_cannot_be_is_refused(function: Any) -> None:
    """A function must take an event and at most a delivery; the error says where it is."""
    with pytest.raises(SubscriberError, match=r"test_subscribers\.py:\d+: .* must take an event"):
        Subscriber("t", function).prepare()


def test_a_target_has_one_subscriber() -> None:
    """A second function is refused, and both are named with their places."""
    subscribers = Subscribers()
    subscribers.add("t", plain)
    with pytest.raises(
        SubscriberError, match=r"two subscribers, .*plain .*bare .*a target has one"
    ):
        subscribers.add("t", bare)


def test_the_same_function_may_come_again() -> None:
    """A module that is imported again binds its functions again."""
    subscribers = Subscribers()
    subscribers.add("t", plain)
    subscribers.add("t", plain)
    assert [item.target for item in subscribers.all()] == ["t"]


def test_only_functions_subscribe() -> None:
    """Something that is no function is refused."""
    with pytest.raises(SubscriberError, match="a subscriber is a function, not 5"):
        Subscribers().add("t", 5)  # type: ignore[arg-type]
