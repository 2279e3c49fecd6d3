"""Messages name events and deliveries, and show them to people."""

from eventflow.transport import deliver_message, record_message, route_message
from eventflow.transport.messages import display_name


def test_a_single_delivery_is_named_by_itself() -> None:
    """Flower gets a short name, the type, the id and the attempt; all attempts are one row."""
    message = deliver_message(
        "default",
        "vendor",
        "vendor-queue",
        "workers.device_vendor.unlock_door",
        [("e1:vendor", "T", 2)],
    )
    assert (
        message.shadow,
        message.shown,
        message.task_id,
        message.retries,
    ) == ("device_vendor.unlock_door", "(T e1, attempt 3)", "e1:vendor", 2)
    assert message.args == ("default", "vendor", ["e1:vendor"])
    assert message.queue == "vendor-queue"


def test_a_list_is_counted_by_type() -> None:
    """A grouped message says how many of what, and of which events, at most of fifty."""
    items = [(f"e{number}:v", "A" if number % 3 else "B", 0) for number in range(6)]
    message = deliver_message("default", "v", "v", "m.f", items)
    assert message.shown == "(6 deliveries: A x4, B x2; e0 e1 e2 e3 e4 e5)"
    many = [(f"e{number}:v", "A", 0) for number in range(51)]
    shown = deliver_message("default", "v", "v", "m.f", many).shown
    assert shown.startswith("(51 deliveries: A x51; e0 e1 ")
    assert shown.endswith(" e49 …)")


def test_an_event_to_route_is_shown_by_type_and_id() -> None:
    """A route message of one event is legible, with or without its type."""
    assert route_message("default", [("e1", "T")]).shown == "(T e1)"
    assert route_message("default", [("e1", "")]).shown == "(e1)"
    assert route_message("default", [("e1", "T"), ("e2", "T")]).shown == "(2 events: T x2; e1 e2)"


def test_dead_letters_to_record_are_shown() -> None:
    """One by its id, several by their number."""
    assert record_message("default", ["a:b"]).shown == "(a:b)"
    assert record_message("default", ["a:b", "c:d"]).shown == "(2 dead letters; a:b c:d)"


def test_names_are_the_last_two_parts() -> None:
    """A task is called by its module and function."""
    assert [display_name(task) for task in ("workers.device_vendor.unlock_door", "send")] == [
        "device_vendor.unlock_door",
        "send",
    ]
