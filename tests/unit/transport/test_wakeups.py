"""What may be lost is told from what may not."""

import json
from typing import Any

import pytest
from kombu.transport import virtual

from eventflow.rules import ARCHIVE
from eventflow.transport.messages import (
    Message,
    canary_message,
    deliver_message,
    journal_message,
    record_message,
    route_message,
)
from eventflow.transport.wakeups import is_call


class Plain:
    """Stands for a channel that encodes nothing."""

    def decode_body(self, body: str, encoding: str | None) -> str:
        """Return the body."""
        return body


def received(
    task: object, body: str, kind: str = "application/json", **headers: object
) -> virtual.Message:
    """Return a message as kombu receives it."""
    payload: dict[str, Any] = {
        "body": body,
        "content-type": kind,
        "content-encoding": "utf-8",
        "headers": {"task": task, "id": "1", **headers},
        "properties": {"delivery_tag": "tag", "delivery_info": {}},
    }
    return virtual.Message(payload, channel=Plain())


def body_of(*arguments: object, **keywords: object) -> str:
    """Return the body of a Celery message."""
    return json.dumps([arguments, keywords, {}])


@pytest.mark.parametrize(
    "message",
    [
        route_message("default", [("e1", "T")]),
        deliver_message("default", "audit", "audit", "tasks.audit", [("e1:audit", "T", 0)]),
        deliver_message("default", ARCHIVE, ARCHIVE, ARCHIVE, [("e1:archive", "T", 0)]),
        record_message("default", ["e1:audit"]),
        journal_message("default"),
        canary_message("audit", 1.0),
        Message("eventflow.route", "eventflow.route", ("default", []), "1", "", ""),
        Message("eventflow.deliver", "audit", ("default", "audit", []), "1", "", ""),
    ],
    ids=lambda message: f"{message.task}{message.args}",
)
def test_what_eventflow_sends_is_a_call(message: Message) -> None:
    """Each of its messages says no more than what the ledger holds."""
    assert is_call(received(message.task, body_of(*message.args)))


GOOD = body_of("default", "audit", ["e1:audit"])


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(received("tasks.audit", body_of("e1")), id="a task of the user's"),
        pytest.param(received("eventflow.deliver", "[["), id="no JSON"),
        pytest.param(received("eventflow.deliver", "5"), id="a number"),
        pytest.param(received("eventflow.deliver", body_of("default")), id="too few arguments"),
        pytest.param(
            received("eventflow.deliver", body_of("b", "t", ["x"])), id="no delivery's id"
        ),
        pytest.param(received("eventflow.record", body_of("b", [])), id="nothing named"),
        pytest.param(received("eventflow.route", body_of("b", ["x"], a=1)), id="keywords"),
        pytest.param(
            received("eventflow.deliver", GOOD, "application/x-pickle"), id="no JSON said"
        ),
        pytest.param(received("eventflow.deliver", GOOD, id=None), id="no task's id"),
        pytest.param(received(["eventflow.deliver"], GOOD), id="no task's name"),
        pytest.param(received("eventflow.deliver", GOOD, compression="zip"), id="compressed badly"),
    ],
)
def test_what_is_all_there_is_of_something_is_none(message: virtual.Message) -> None:
    """Garbage becomes a dead letter, and a user's own task is run: neither is anywhere else."""
    assert not is_call(message)
