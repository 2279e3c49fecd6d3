"""Messages are written as Celery would, or by Celery itself where that is not known for sure."""

import base64
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals

from eventflow.app import EventFlow
from eventflow.settings import load_settings
from eventflow.transport import Message, Sender, deliver_message, route_message
from eventflow.transport.wire import FormError, Wire

MESSAGE = route_message("default", [('e"1" 100% é', "CourierArrived")])


@pytest.fixture
def app(tmp_path: Path) -> Celery:
    """An app whose broker is a Redis that nobody connects to."""
    return EventFlow(load_settings(data_dir=tmp_path, rules=tmp_path / "none")).celery


def body_of(entry: bytes | None) -> Any:
    """Return what the body of an entry says."""
    assert entry is not None
    return json.loads(base64.b64decode(json.loads(entry)["body"]))


def test_it_says_what_the_message_says(app: Celery) -> None:
    """Ids with quotes, signs and letters beyond ASCII stand where they belong, and come back."""
    entry = Sender(app).wire.write(MESSAGE)
    assert entry is not None
    document = json.loads(entry)
    headers, properties = document["headers"], document["properties"]
    assert [MESSAGE.task_id] * 3 == [
        headers["id"],
        headers["root_id"],
        properties["correlation_id"],
    ]
    assert (MESSAGE.shown, MESSAGE.shadow, 0) == (
        headers["argsrepr"],
        headers["shadow"],
        headers["retries"],
    )
    assert [list(MESSAGE.args), {}] == body_of(entry)[:2]


def test_a_delivery_says_its_attempts(app: Celery) -> None:
    """A message of another task and queue has a form of its own; attempts are a number."""
    wire = Sender(app).wire
    wire.write(MESSAGE)
    entry = wire.write(deliver_message("b", "t", "q", "m.f", [("e1:t", "T", 3)]))
    assert entry is not None
    document = json.loads(entry)
    assert ("eventflow.deliver", 3) == (document["headers"]["task"], document["headers"]["retries"])
    assert document["properties"]["delivery_info"] == {"exchange": "", "routing_key": "q"}
    assert [["b", "t", ["e1:t"]], {}] == body_of(entry)[:2]


def test_each_has_a_tag_of_its_own(app: Celery) -> None:
    """By the tag kombu keeps what a worker has in hand: two messages never share one."""
    wire = Sender(app).wire
    tags = {
        json.loads(wire.write(MESSAGE) or b"")["properties"]["delivery_tag"] for _ in range(100)
    }
    assert len(tags) == 100


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"task_routes": {"eventflow.*": {"priority": 3}}}, id="routes"),
        pytest.param({"task_compression": "gzip"}, id="compression"),
        pytest.param({"task_protocol": 1}, id="protocol 1"),
        pytest.param({"task_default_priority": 5}, id="a priority"),
        pytest.param({"task_send_sent_event": True}, id="events of what is sent"),
        pytest.param({"broker_transport_options": {"global_keyprefix": "x"}}, id="prefix"),
        pytest.param({"broker_transport_options": {"priority_steps": [3, 6]}}, id="priorities"),
        pytest.param({"broker_url": "amqp://h//", "broker_write_url": "amqp://h//"}, id="RabbitMQ"),
        pytest.param(
            {"broker_url": "sentinel://h:1", "broker_write_url": "sentinel://h:1"}, id="Sentinel"
        ),
    ],
)
def test_an_app_with_ways_of_its_own(app: Celery, settings: dict[str, Any]) -> None:
    """Where an app's settings change what is sent, Celery sends it."""
    app.conf.update(settings)
    assert Sender(app).wire.write(MESSAGE) is None


def test_who_is_told_of_messages(app: Celery) -> None:
    """Where something listens to what is sent, as OpenTelemetry's instrumentation does, Celery sends."""
    wire = Sender(app).wire

    def listen(**_: object) -> None:
        """Do nothing."""

    signals.before_task_publish.connect(listen)
    try:
        assert wire.write(MESSAGE) is None
    finally:
        signals.before_task_publish.disconnect(listen)
    assert wire.write(MESSAGE) is not None


class NewCelery:
    """Sends as a later version might: it changes what the current one writes."""

    def __init__(self, sender: Sender, **changes: Any) -> None:
        self._sender = sender
        self._changes = changes
        self._count = 0

    def send(self, message: Message, producer: Any) -> None:
        """Send one message."""
        publish = producer.publish

        def changed(body: Any, **options: Any) -> Any:
            self._count += 1
            for name, value in self._changes.items():
                options["headers"][name] = self._count if value is ... else value
            return publish(body, **options)

        producer.publish = changed
        self._sender._send_one(message, producer)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        pytest.param({"sent_at": ...}, "two messages of the same content differ", id="a time"),
        pytest.param({"retries": "1"}, "a field is not what it was", id="another type"),
        pytest.param({"name": "<<shadow>>"}, "the places found are", id="one place more"),
        pytest.param({"id": "x"}, "the places found are", id="one place less"),
    ],
)
def test_a_form_that_is_not_known(
    app: Celery, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], fault: str
) -> None:
    """What a new version writes otherwise is noticed and said once, and Celery sends from then on."""
    wire = Wire(app, NewCelery(Sender(app), **changes).send)
    with pytest.raises(FormError, match=fault):
        wire.form("eventflow.route", "eventflow.route")
    with caplog.at_level(logging.WARNING):
        assert [None, None] == [wire.write(MESSAGE), wire.write(MESSAGE)]
    [record] = [record for record in caplog.records if record.name == "eventflow.transport"]
    assert fault in record.getMessage()


def test_a_later_field_is_written_too(app: Celery) -> None:
    """A field that is the same in all messages needs nothing here: the form has it."""
    wire = Wire(app, NewCelery(Sender(app), version="6").send)
    assert json.loads(wire.write(MESSAGE) or b"")["headers"]["version"] == "6"


def test_no_sample_at_all(app: Celery) -> None:
    """A version that cannot even be asked is no reason for messages not to go out."""

    def fail(_message: Message, _producer: Any) -> None:
        message = "no such argument"
        raise TypeError(message)

    assert Wire(app, fail).write(MESSAGE) is None
