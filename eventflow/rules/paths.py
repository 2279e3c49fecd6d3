"""Paths into an event, such as `$.detail.items[0].sku`: JSONPath's dot and bracket notation."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

__all__ = ["MAX_PATH", "MISSING", "EventPath", "Missing", "parse_path"]

MAX_PATH = 256
"""The most characters that a path may have, as at EventBridge."""

EVENT_FIELDS = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
    "replay-name",
)


class Missing(Enum):
    """Stands for the value that a path does not lead to; null is a value."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING

_STEP = re.compile(
    r"""
      \.(?P<name>[^\s.\[\]'"*?@()$]+)
    | \[(?P<index>[0-9]{1,9})\]
    | \['(?P<single>(?:[^'\\]|\\.)*)'\]
    | \["(?P<double>(?:[^"\\]|\\.)*)"\]
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class EventPath:
    """A path that was read.

    Attributes:
        text: The path as written.
        steps: Names and indexes from the event's top; empty for the whole event.
    """

    text: str
    steps: tuple[str | int, ...]

    def find(self, event: Mapping[str, Any]) -> Any:  # Any: a JSON value, or MISSING
        """Return what stands at this path in *event*, or `MISSING`.

        Args:
            event: The event by EventBridge's names.

        Returns:
            The value itself, no copy. A name leads nowhere in an array, an index only there.
        """
        value: Any = event
        for step in self.steps:
            if isinstance(step, str):
                if not isinstance(value, Mapping) or step not in value:
                    return MISSING
                value = value[step]
            else:
                if not isinstance(value, list) or step >= len(value):
                    return MISSING
                value = value[step]
        return value


def parse_path(text: str) -> EventPath:
    """Read a path.

    Args:
        text: ``$`` and then any number of ``.name``, ``[0]``, ``['name']`` or ``["name"]``.

    Returns:
        The path.

    Raises:
        ValueError: When it is none, is too long, or begins at a field that no event has.
    """
    if len(text) > MAX_PATH:
        message = f"the path has {len(text):,} characters, and at most {MAX_PATH} are allowed"
        raise ValueError(message)
    if not text.startswith("$"):
        message = f"{text!r} is not a path: it begins with $, such as $.detail.door.kind"
        raise ValueError(message)
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            message = (
                f"{text!r} is not a path: {text[position:]!r} is none of .name, [0] and ['name'] "
                "(wildcards, slices and filters are not supported)"
            )
            raise ValueError(message)
        steps.append(_read_step(match))
        position = match.end()
    if steps and steps[0] not in EVENT_FIELDS:
        raise ValueError(_unknown_field(text, steps[0]))
    return EventPath(text, tuple(steps))


def _read_step(match: re.Match[str]) -> str | int:
    if match["name"] is not None:
        return match["name"]
    if match["index"] is not None:
        return int(match["index"])
    quoted = match["single"] if match["single"] is not None else match["double"]
    return _ESCAPE.sub(r"\1", quoted)


def _unknown_field(text: str, step: str | int) -> str:
    renamed = {"type": "detail-type", "data": "detail", "detail_type": "detail-type"}
    near = difflib.get_close_matches(str(step), EVENT_FIELDS, 1)
    meant = renamed.get(str(step)) or (near[0] if near else "")
    hint = f"; did you mean {meant!r}?" if meant else f", which has {', '.join(EVENT_FIELDS)}"
    return f"{text!r} leads nowhere: there is no {step!r} in an event{hint}"
