"""Files of events: JSON Lines, each line one event, every faulty line said at once."""

import json
from pathlib import Path

from eventflow.encoding import DEFAULT_MAX_BYTES, DEFAULT_MAX_DEPTH, encode_event
from eventflow.errors import EventError, Problem
from eventflow.events import Event, validate_event

__all__ = ["read_events"]

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


def _read_line(line: bytes) -> Event:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise EventError(message) from None
    return validate_event(document)
