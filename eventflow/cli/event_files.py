"""Files of events: JSON Lines, each line one event, every faulty line said at once."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventflow.encoding import DEFAULT_MAX_BYTES, DEFAULT_MAX_DEPTH, encode_event
from eventflow.errors import EventError, Problem
from eventflow.events import Event, validate_event

__all__ = ["MalformedEvent", "read_events", "read_lines"]

_MOST_FAULTS = 20


def read_events(
    path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> list[Event]:
    """Read a file that has one event per line, with EventBridge's names or eventflow's.

    Args:
        path: A file of JSON Lines; empty lines are passed over.
        max_bytes: The most bytes that an event may have.
        max_depth: The most levels that its data may have.

    Returns:
        The events, in the file's order.

    Raises:
        EventError: When the file cannot be read, has no event, or has faulty lines; the message
            names each of them, by file and line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise EventError(message) from error
    events: list[Event] = []
    problems: list[Problem] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            event = _read_line(line)
            encode_event(event, max_bytes=max_bytes, max_depth=max_depth)
            events.append(event)
        except EventError as error:
            problems.append(Problem(str(path), number, 0, error.path, error.message))
    if problems:
        shown = [f"  {problem}" for problem in problems[:_MOST_FAULTS]]
        if len(problems) > _MOST_FAULTS:
            shown.append(f"  and {len(problems) - _MOST_FAULTS} more")
        count = f"{len(problems)} faulty line{'s'[: len(problems) > 1]}"
        raise EventError("\n".join([f"{path} has {count}:", *shown]))
    if not events:
        message = f"{path} has no event: it takes one JSON object per line"
        raise EventError(message)
    return events


@dataclass(frozen=True, slots=True)
class MalformedEvent:
    """What should be an event and is none.

    Attributes:
        message: What is wrong with it.
        path: Where in it; empty where it is no object at all.
    """

    message: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def read_lines(
    path: Path, *, max_bytes: int = DEFAULT_MAX_BYTES, max_depth: int = DEFAULT_MAX_DEPTH
) -> Iterator[tuple[int, Event | MalformedEvent]]:
    """Read a file that has one event a line, or is one JSON event or a list of them.

    Args:
        path: The file.
        max_bytes: The most bytes that an event may have.
        max_depth: The most levels that its data may have.

    Yields:
        The line, or in a list the place, of each event, and the event or why it is none.

    Raises:
        EventError: When the file cannot be read or has no event.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise EventError(message) from error
    found = False
    for number, item in _split(content):
        found = True
        try:
            event = _read_line(item) if isinstance(item, bytes) else validate_event(item)
            encode_event(event, max_bytes=max_bytes, max_depth=max_depth)
        except EventError as error:
            yield number, MalformedEvent(error.message, error.path)
        else:
            yield number, event
    if not found:
        message = f"{path} has no event: it takes one JSON object per line, or a JSON list of them"
        raise EventError(message)


def _split(content: bytes) -> Iterator[tuple[int, Any]]:
    """Return the lines of a file that are not empty, or the items of one that is a JSON list."""
    document = None
    if content.lstrip()[:1] in {b"[", b"{"}:
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None  # it has one event a line, or is faulty
    if document is not None:
        yield from enumerate(document if isinstance(document, list) else [document], start=1)
        return
    for number, line in enumerate(content.splitlines(), start=1):
        if line.strip():
            yield number, line


def _read_line(line: bytes) -> Event:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise EventError(message) from None
    return validate_event(document)
