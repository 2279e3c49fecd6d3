"""Events of one version, brought to the version that a subscriber asks for."""

import pytest

from eventflow.errors import EventError, SubscriberError
from eventflow.events import Event
from eventflow.schemas import EventModel, SchemaName
from eventflow.schemas.upcasting import Converters
from eventflow.subscribers import Delivery, Subscriber, Subscribers

KIND = {"source": "courier.app", "type": "CourierArrived"}
NAME = "courier.app/CourierArrived"
DELIVERY = Delivery(id="e1:t", target="t", attempt=1, last_attempt=False)


class First(EventModel, **KIND, version="1.0"):
    """As it was."""

    name: str


class Second(EventModel, **KIND, version="2.0"):
    """The name is two."""

    first_name: str
    last_name: str


class Third(EventModel, **KIND, version="3.1"):
    """And a language."""

    first_name: str
    last_name: str
    language: str


def split_name(old: First) -> Second:
    first, _, last = old.name.partition(" ")
    return Second(first_name=first, last_name=last)


def add_language(data: dict) -> dict:
    data["language"] = "en"
    return data


def join_name(new: Second) -> dict:
    return {"name": f"{new.first_name} {new.last_name}"}


def event(version: str | None, **data: object) -> Event:
    schema = f"{NAME}/{version}" if version and "://" not in version else version
    return Event(id="e1", **KIND, dataschema=schema, data=data)


@pytest.fixture
def subscribers() -> Subscribers:
    """Give subscribers with a step from 1 to 2 and one from 2 to 3."""
    made = Subscribers()
    made.converters.add(First, Second, split_name, is_upcast=True)
    made.converters.add(f"{NAME}/2.0", f"{NAME}/3.0", add_language, is_upcast=True)
    return made


def hand(subscribers: Subscribers, wanted: object, given: Event):
    def function(argument):
        return argument

    function.__annotations__["argument"] = wanted
    return Subscriber("t", function, subscribers.converters).bind(given, None, DELIVERY)[0]


def test_an_older_event_is_taken_through_every_step(subscribers: Subscribers) -> None:
    """From 1.0 lead two steps, and a gap within major 3, to 3.1; the event names what it is now."""
    found = hand(subscribers, Event[Third], event("1.0", name="Ada Lovelace"))
    assert Third(first_name="Ada", last_name="Lovelace", language="en") == found.data
    assert f"{NAME}/3.1" == found.dataschema


def test_a_bare_model_is_brought_up_to_date_too(subscribers: Subscribers) -> None:
    """A subscriber of the model alone gets the version of the model."""
    found = hand(subscribers, Second, event("1.0", name="Ada Lovelace"))
    assert Second(first_name="Ada", last_name="Lovelace") == found


def test_the_same_version_goes_as_it_is(subscribers: Subscribers) -> None:
    """No function is called for an event of the asked version."""
    assert First(name="Ada") == hand(subscribers, First, event("1.0", name="Ada"))


def test_an_untyped_subscriber_gets_the_event_as_published(subscribers: Subscribers) -> None:
    """Who names no version gets what came."""
    given = event("1.0", name="Ada")
    assert given is hand(subscribers, Event, given)


def test_the_published_event_is_left_alone(subscribers: Subscribers) -> None:
    """A function that writes into what it is handed changes nothing of the event."""
    given = event("2.0", first_name="Ada", last_name="L")
    hand(subscribers, Third, given)
    assert {"first_name": "Ada", "last_name": "L"} == given.data


@pytest.mark.parametrize("schema", [None, "https://shop.example/schemas/arrived", "other/Type/1.0"])
def test_without_a_known_version_the_newest_is_assumed(
    subscribers: Subscribers, schema: str | None
) -> None:
    """An event that names no version of its own type counts as the newest that is known."""
    given = event(None, first_name="Ada", last_name="L", language="nl")
    given = given.model_copy(update={"dataschema": schema})
    found = hand(subscribers, Event[Third], given)
    assert ("nl", schema) == (found.data.language, found.dataschema)


def test_a_newer_event_of_the_same_major_is_tried_as_it_is(subscribers: Subscribers) -> None:
    """A reader of 1.0 takes an event of 1.3 if it fits; new fields are not in its way."""
    assert First(name="Ada") == hand(subscribers, First, event("1.3", name="Ada", born=1815))


def test_a_newer_event_is_taken_through_a_downcaster(subscribers: Subscribers) -> None:
    """A reader that still asks for 1.0 gets it where a function leads back."""
    subscribers.converters.add(Second, First, join_name, is_upcast=False)
    given = event("2.0", first_name="Ada", last_name="Lovelace")
    assert First(name="Ada Lovelace") == hand(subscribers, First, given)


def test_what_is_missing_is_named(subscribers: Subscribers) -> None:
    """What does not fit names both versions, and the function to write."""
    with pytest.raises(EventError) as caught:
        hand(subscribers, First, event("2.0", first_name="Ada", last_name="L"))
    assert (
        "data: does not fit First (the event is by 2.0, the subscriber asks for 1.0, and no "
        "downcaster leads from 2.0 to 1.0: write one with @flow.downcast): name: Field required"
    ) == str(caught.value)


def test_a_function_that_raises_is_named() -> None:
    """The error says which function, between which versions, and what it raised."""
    converters = Converters()

    def broken(data: dict) -> dict:
        return {"first_name": data["nom"]}

    converters.add(f"{NAME}/1.0", f"{NAME}/2.0", broken, is_upcast=True)
    with pytest.raises(EventError, match=r"broken \(.*\), from 1.0 to 2.0, raised KeyError: 'nom'"):
        converters.hand_over(Second, event("1.0", name="Ada"))


def test_a_function_must_give_data() -> None:
    """One that forgets its return is named."""
    converters = Converters()
    converters.add(f"{NAME}/1.0", f"{NAME}/2.0", lambda data: None, is_upcast=True)
    with pytest.raises(EventError, match="returned NoneType: return the new data"):
        converters.hand_over(Second, event("1.0", name="Ada"))


def test_data_that_a_step_cannot_read_is_said_without_its_values() -> None:
    """An event that is not what its version says is refused before the function, by path."""
    converters = Converters()
    converters.add(First, Second, split_name, is_upcast=True)
    with pytest.raises(EventError) as caught:
        converters.hand_over(Second, event("1.0", nom="a secret"))
    assert "met data that does not fit: name: Field required" in str(caught.value)
    assert "a secret" not in str(caught.value)


async def asynchronous(data: dict) -> dict:
    return data


@pytest.mark.parametrize(
    ("old", "new", "function", "words"),
    [
        (Second, First, split_name, "is no upcast: swap them, or write @flow.downcast"),
        (First, First, split_name, "is no upcast"),
        (First, "courier.app/Other/2.0", split_name, "no versions of one event"),
        (First, "2.0", split_name, "no schema's name"),
        (First, EventModel, split_name, "takes two versions of an event"),
        (First, Second, asynchronous, "not `async def`"),
        (First, Second, dict, "is for a function"),
    ],
)
def test_what_is_no_step_is_refused(old, new, function, words) -> None:
    """Each mistake is an error at import, in words."""
    with pytest.raises(SubscriberError, match=words):
        Converters().add(old, new, function, is_upcast=True)


def test_a_step_has_one_function(subscribers: Subscribers) -> None:
    """A second function between the same versions is refused; the same one again is a reload."""
    subscribers.converters.add(First, Second, split_name, is_upcast=True)
    with pytest.raises(SubscriberError, match=r"there is .*split_name.* already"):
        subscribers.converters.add(First, Second, add_language, is_upcast=True)


def test_gaps_are_found(subscribers: Subscribers) -> None:
    """An older major from which no chain leads to what is asked for is told; a minor is not."""
    stored = [SchemaName.parse(f"{NAME}/{version}") for version in ("0.9", "1.0", "3.0")]
    found = list(subscribers.converters.gaps([Third], stored))
    assert [(stored[0], SchemaName.parse(f"{NAME}/3.1"))] == found
