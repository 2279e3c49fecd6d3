"""Log lines as text and as JSON."""

import io
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from eventflow.telemetry import (
    DeliveryFilter,
    JsonFormatter,
    Step,
    TextFormatter,
    dress_logger,
    logging_config,
)
from tests.unit.telemetry.spans import PARENT

IDS: dict[str, str | int] = {
    "event_id": "e1",
    "delivery_id": "e1:vendor",
    "target": "vendor",
    "attempt": 2,
}


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Give a logger with one handler, which writes to memory."""
    made = logging.Logger("door")  # noqa: LOG001 - one that no other test sees
    made.addHandler(logging.StreamHandler(io.StringIO()))
    yield made
    made.handlers.clear()


def said(logger: logging.Logger) -> str:
    """Return what was written."""
    [handler] = logger.handlers
    assert isinstance(handler, logging.StreamHandler)
    return handler.stream.getvalue()


def attempt() -> Step:
    """Return the step of an attempt."""
    return Step(None, name="attempt", destination="q", fields=IDS, attributes={}, linked=())


def test_json_is_an_object_a_line(logger: logging.Logger) -> None:
    """Time, level, logger and message come first; then what the record has, and the ids."""
    dress_logger(logger, "json")
    with attempt() as step:
        step.begin(PARENT)
        logger.warning("the door\nis %s", "open", extra={"action": "door_open", "attempt": 7})
    [line] = said(logger).splitlines()
    document: dict[str, Any] = json.loads(line)
    assert ["time", "level", "logger", "message"] == list(document)[:4]
    assert document.pop("time").endswith("Z")
    assert document.pop("process") > 0
    assert {
        "level": "WARNING",
        "logger": "door",
        "message": "the door\nis open",
        "action": "door_open",
        "event_id": "e1",
        "delivery_id": "e1:vendor",
        "target": "vendor",
        "attempt": 7,
        "trace_id": PARENT[3:35],
    } == document, "a record's own field stays"


def test_json_has_the_traceback_in_one_field(logger: logging.Logger) -> None:
    """A traceback is no line of its own, and what JSON cannot hold is written as text."""
    dress_logger(logger, "json")
    try:
        raise KeyError("door")
    except KeyError:
        logger.exception("failed", extra={"place": {1, 2}, "kind": KeyError})
    [line] = said(logger).splitlines()
    assert "KeyError: 'door'" in json.loads(line)["traceback"]


def test_json_leaves_out_a_task_s_arguments() -> None:
    """Celery gives its records those of every task, a joined app's own too, which hold payloads."""
    record = logging.makeLogRecord(
        {
            "name": "celery.app.trace",
            "msg": "done",
            "data": {"id": "t1", "name": "shop.pay", "args": "4711"},
        }
    )
    document = json.loads(JsonFormatter().format(record))
    assert ("t1", "shop.pay") == (document["task_id"], document["task_name"])
    assert "4711" not in json.dumps(document)
    own = logging.makeLogRecord({"name": "door", "msg": "x", "data": "kept"})
    assert "kept" == json.loads(JsonFormatter().format(own))["data"]


def test_text_says_the_ids_that_the_message_does_not(logger: logging.Logger) -> None:
    """Outside of a step a line is what it was."""
    dress_logger(logger, "text")
    with attempt() as step:
        logger.warning("opens %s", "it")
        logger.warning("delivered e1:vendor")
        step.begin(PARENT)
        logger.warning("again")
    logger.warning("outside")
    assert [
        "opens it [delivery e1:vendor, attempt 2]",
        "delivered e1:vendor",
        f"again [delivery e1:vendor, attempt 2, trace {PARENT[3:35]}]",
        "outside",
    ] == [line.partition(" door: ")[2] or line for line in said(logger).splitlines()]


def test_text_keeps_the_form_that_the_handler_had(logger: logging.Logger) -> None:
    """Celery's colours, or an owner's own format; and a traceback still follows the line."""
    logger.handlers[0].setFormatter(logging.Formatter("%(levelname)s|%(message)s"))
    for _ in range(2):
        dress_logger(logger, "text")
    with attempt():
        try:
            raise KeyError("door")
        except KeyError:
            logger.exception("failed")
    first, *rest = said(logger).splitlines()
    assert "ERROR|failed [delivery e1:vendor, attempt 2]" == first
    assert "KeyError: 'door'" == rest[-1]
    assert 1 == len(logger.handlers[0].filters)


def test_an_event_s_routing_is_named_by_the_event(logger: logging.Logger) -> None:
    """There is no delivery yet."""
    dress_logger(logger, "text")
    step = Step(
        None,
        name="route",
        destination="default",
        fields={"event_id": "e1"},
        attributes={},
        linked=(),
    )
    with step:
        logger.warning("no rule")
    assert said(logger).endswith(" no rule [event e1]\n")


def test_an_owner_s_own_lines_stay(logger: logging.Logger) -> None:
    """Where an application sets up its logs itself, its records have the ids, and its form stays."""
    logger.handlers[0].setFormatter(logging.Formatter("%(message)s %(event_id)s"))
    dress_logger(logger, "")
    with attempt():
        logger.warning("opens")
    assert "opens e1" == said(logger).strip()


@pytest.mark.parametrize(("log_format", "kind"), [("json", JsonFormatter), ("text", TextFormatter)])
def test_a_process_of_ours_is_set_up_by_one_dict(log_format: str, kind: type) -> None:
    """It is what `logging.config` takes, with the filter and the form."""
    configuration = logging_config("INFO", log_format, quiet=["door.quiet"])
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logging.config.dictConfig(configuration)
        [handler] = [one for one in root.handlers if one not in before]
        assert isinstance(handler.formatter, kind)
        assert isinstance(handler.filters[0], DeliveryFilter)
        assert isinstance(handler, logging.StreamHandler)
        assert handler.stream is sys.stderr
    finally:
        root.handlers[:] = before
        root.setLevel(level)
