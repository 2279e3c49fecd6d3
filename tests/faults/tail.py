"""Following a file that grows, so that looking again and again costs only what is new."""

import json
from pathlib import Path
from typing import Any

__all__ = ["Notes", "Tail"]


class Tail:
    """Reads a file's lines, each once, when they are complete.

    Args:
        path: The file; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def lines(self) -> list[str]:
        """Return the lines that have come since the last call."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return []
        complete = new[: new.rfind(b"\n") + 1]
        self._offset += len(complete)
        return complete.decode(errors="replace").splitlines()


class Notes:
    """What the subscribers have noted, kept by delivery.

    Args:
        path: Their file.
    """

    def __init__(self, path: Path) -> None:
        self._tail = Tail(path)
        self._by_delivery: dict[str, list[dict[str, Any]]] = {}

    def by_delivery(self) -> dict[str, list[dict[str, Any]]]:
        """Return all notes so far, by the delivery's id, in order."""
        for line in self._tail.lines():
            note = json.loads(line)
            self._by_delivery.setdefault(note["id"], []).append(note)
        return self._by_delivery
