"""What really arrived: read from the simulated vendor and the audit file, not from eventflow."""

import json
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from eventflow.errors import StartError

__all__ = ["Outside"]


class Outside:
    """The outside world as it looks now; each look reads on where the last one ended.

    Args:
        url: The simulated vendor's address.
        audit_file: The file that the audit appends to; it need not exist yet.

    Attributes:
        arrivals: Each accepted delivery's id, and when it was accepted (seconds since the epoch);
            more than one moment where it was accepted more than once.
    """

    def __init__(self, url: str, audit_file: Path) -> None:
        self.arrivals: dict[str, list[float]] = {}
        self.calls = 0
        self.failed = 0
        self._url = url
        self._audit_file = audit_file
        self._seen = 0
        self._offset = 0

    def look(self) -> None:
        """Read what has arrived since the last look.

        Raises:
            StartError: When the simulated vendor does not answer.
        """
        account = self._ask("GET", f"/account?after={self._seen}")
        self._seen = account["next"]
        self.calls, self.failed = account["calls"], account["failed"]
        for entry in account["accepted"]:
            self._add(entry["key"], entry["at"])
        if self._audit_file.exists():
            self._read_audit()

    def control(self, **changes: object) -> None:
        """Change how the outside world behaves, such as ``outage=True``.

        Raises:
            StartError: When the simulated vendor does not answer.
        """
        self._ask("POST", "/control", changes)

    def _read_audit(self) -> None:
        with self._audit_file.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        # A line that is just being written is read the next time.
        complete, newline, _rest = content.rpartition(b"\n")
        self._offset += len(complete) + len(newline)
        for line in complete.splitlines():
            entry = json.loads(line)
            self._add(entry["delivery"], entry["at"])

    def _add(self, delivery: str, moment: float) -> None:
        self.arrivals.setdefault(delivery, []).append(moment)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._url + path, data=data, method=method)  # noqa: S310 - our own
        try:
            with urlopen(request, timeout=5) as answer:  # noqa: S310 - our own
                document: dict[str, Any] = json.load(answer)
                return document
        except OSError as error:
            message = f"the simulated vendor at {self._url} does not answer: {error}"
            raise StartError(message) from error
