"""Events out of a file or standard input that may still grow, one a line."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from eventflow.errors import EventError, Problem
from eventflow.events import Event, validate_event

__all__ = ["EventStream"]

_LOOK_EVERY = 0.1
_WRAPPED = "event"


@dataclass(slots=True)
class EventStream:
    """Reads events, and passes over lines that are none.

    Attributes:
        path: The file; `-` for standard input.
        follow: For how many seconds a file is read on as it grows; 0 reads what is there.
        limit: After how many events to stop; None for no limit.
        problems: What was passed over, filled while events are read.
    """

    path: Path
    follow: float = 0
    limit: int | None = None
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Iterator[Event]:
        """Yield the events.

        A line is an event by eventflow's or EventBridge's names, or an object that has one under
        `event`, as an audit file has.

        Raises:
            EventError: When the file cannot be read.
        """
        count = 0
        for number, line in enumerate(self._lines(), start=1):
            if self.limit is not None and count >= self.limit:
                return
            if not line.strip():
                continue
            try:
                event = _read_line(line)
            except EventError as error:
                problem = Problem(str(self.path), number, 0, error.path, error.message)
                self.problems.append(problem)
                continue
            yield event
            count += 1
            if count == self.limit:
                return

    def _lines(self) -> Iterator[bytes]:
        path = Path("/dev/stdin") if str(self.path) == "-" else self.path
        try:
            with path.open("rb") as file:
                yield from self._lines_of(file)
        except OSError as error:
            message = f"{self.path} cannot be read: {error.strerror}"
            raise EventError(message) from error

    def _lines_of(
        self, file: IO[bytes], clock: Callable[[], float] = time.monotonic
    ) -> Iterator[bytes]:
        until = clock() + self.follow
        begun = b""
        while True:
            line = begun + file.readline()
            if line.endswith(b"\n"):
                begun = b""
                yield line
            elif clock() < until:
                begun = line  # the rest of it is still to be written
                time.sleep(_LOOK_EVERY)
            else:
                if line:
                    yield line
                return


def _read_line(line: bytes) -> Event:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise EventError(message) from None
    if isinstance(document, dict) and "source" not in document and _WRAPPED in document:
        document = document[_WRAPPED]
    return validate_event(document)
