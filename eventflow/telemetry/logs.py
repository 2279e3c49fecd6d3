"""Log lines with the ids of the event and the delivery that they are about, as text or as JSON."""

import copy
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter as _Json

from eventflow.telemetry.step import CURRENT

__all__ = ["DeliveryFilter", "JsonFormatter", "TextFormatter", "dress_logger", "logging_config"]

_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class DeliveryFilter(logging.Filter):
    """Gives each record the ids of the step in which it is made; what it has itself stays.

    For a handler: a record of any logger comes by there.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields; keep the record."""
        step = CURRENT.get()
        if step is not None:
            for name, value in step.fields.items():
                if name not in record.__dict__:
                    setattr(record, name, value)
        return True


class JsonFormatter(_Json):
    """One JSON object a line: time, level, logger, message, and every field that the record has.

    Tracebacks are in `traceback`. What Celery adds of its own, a task's arguments, is left out.
    """

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "message"],
            rename_fields={
                "levelname": "level",
                "name": "logger",
                "exc_info": "traceback",
                "stack_info": "stack",
            },
            json_ensure_ascii=False,
        )

    def add_fields(
        self,
        log_data: dict[str, Any],
        record: logging.LogRecord,
        message_dict: dict[str, Any],
    ) -> None:
        """Put the time first, and Celery's `data`, a task's arguments, nowhere."""
        log_data["time"] = _rfc_3339(record.created)
        super().add_fields(log_data, record, message_dict)
        log_data["process"] = record.process
        if record.name.partition(".")[0] == "celery":
            about = log_data.pop("data", None)
            if isinstance(about, dict):
                log_data |= {"task_id": about.get("id"), "task_name": about.get("name")}


class TextFormatter(logging.Formatter):
    """Lines as another formatter writes them, with the ids that the message does not name itself.

    Args:
        inner: The other one; a plain one when missing.
    """

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner if inner is not None else logging.Formatter(_TEXT)

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        facts = _facts(record)
        if facts:
            record = copy.copy(record)
            record.msg, record.args = f"{record.getMessage()} [{facts}]", ()
        return self._inner.format(record)


def dress_logger(logger: logging.Logger, log_format: str) -> None:
    """Have a logger's handlers write the ids, once however often it is called.

    Args:
        logger: The logger.
        log_format: `text` or `json`; empty leaves the lines as they are, with the ids in the record.
    """
    for handler in logger.handlers:
        if not any(isinstance(one, DeliveryFilter) for one in handler.filters):
            handler.addFilter(DeliveryFilter())
        if log_format == "json":
            handler.setFormatter(JsonFormatter())
        elif log_format and not isinstance(handler.formatter, TextFormatter):
            handler.setFormatter(TextFormatter(handler.formatter))


def logging_config(level: str, log_format: str, quiet: Iterable[str] = ()) -> dict[str, Any]:
    """Return how a process of eventflow's logs, as `logging.config.dictConfig` takes it.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        log_format: `text` or `json`.
        quiet: Loggers that have handlers of their own, and are to have none.
    """
    kind = JsonFormatter if log_format == "json" else TextFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"delivery": {"()": f"{DeliveryFilter.__module__}.DeliveryFilter"}},
        "formatters": {"line": {"()": f"{kind.__module__}.{kind.__name__}"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "filters": ["delivery"],
                "formatter": "line",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {name: {"handlers": [], "propagate": True} for name in quiet},
    }


def _facts(record: logging.LogRecord) -> str:
    known = record.__dict__
    message = record.getMessage()
    parts = []
    delivery, event = known.get("delivery_id"), known.get("event_id")
    if delivery and str(delivery) not in message:
        parts.append(f"delivery {delivery}")
        if "attempt" in known:
            parts.append(f"attempt {known['attempt']}")
    elif event and not delivery and str(event) not in message:
        parts.append(f"event {event}")
    if "trace_id" in known:
        parts.append(f"trace {known['trace_id']}")
    return ", ".join(parts)


def _rfc_3339(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
