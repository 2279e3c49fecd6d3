"""The schemas in force: picks up changed files, and keeps the last good ones over faulty ones."""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from eventflow.errors import Problem, SchemaError
from eventflow.schemas.files import Listing, list_files
from eventflow.schemas.loader import read_listing
from eventflow.schemas.validation import SchemaCheck

__all__ = ["SchemaSource"]

_log = logging.getLogger(__name__)


class SchemaSource:
    """The schemas of a directory, as they are now. Safe in threads and after a fork.

    A change is loaded once two looks in a row see the same, so that a half-written file is left
    alone. A faulty set is refused: the last good one stays, and an error is logged once for the
    change, with every problem. Constructing it loads nothing.

    Args:
        path: The repository's directory; there need not be one.
        interval: Seconds between two looks at the directory.
        clock: Returns seconds that only grow.
    """

    def __init__(
        self,
        path: Path,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._next_look = 0.0
        self._check: SchemaCheck | None = None
        self._seen: Listing | None = None  # what was loaded or refused last
        self._pending: Listing | None = None  # a change that was seen once
        self._problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> Path:
        """The repository's directory."""
        return self._path

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files as they are; empty where the set in force is theirs."""
        return self._problems

    def current(self) -> SchemaCheck:
        """Return the check by the schemas in force; cheap to call for each event.

        Raises:
            SchemaError: When no good set was ever loaded.
        """
        check = self._check
        if check is not None and self._clock() < self._next_look:
            return check
        if self._process != os.getpid():
            # The lock of a process that was forked may be held by a thread that is not here.
            self._lock, self._process = threading.Lock(), os.getpid()
        # Who has a set does not wait for another thread's look.
        if not self._lock.acquire(blocking=check is None):
            assert check is not None
            return check
        try:
            now = self._clock()
            if self._seen is None or now >= self._next_look:
                self._look()
                self._next_look = now + self._interval
            if self._check is None:
                message = f"no schemas could be loaded from {str(self._path)!r}:"
                raise SchemaError(message, self._problems)
            return self._check
        finally:
            self._lock.release()

    def _look(self) -> None:
        listing = list_files(self._path)
        if listing == self._seen:
            self._pending = None
        elif self._check is None or listing == self._pending:
            self._load(listing)
        else:
            self._pending = listing

    def _load(self, listing: Listing) -> None:
        first = self._check is None
        try:
            repository = read_listing(self._path, listing)
        except SchemaError as error:
            repository, problems = None, error.problems
        else:
            problems = ()
        if not first and list_files(self._path) != listing:
            return  # it changes while it is read: look again
        self._pending = None
        self._seen = listing
        self._problems = problems
        if repository is None:
            self._report_refused()
            return
        self._check = SchemaCheck(repository, before=self._check)
        if first and not repository.documents:
            return
        _log.info(
            "schemas loaded from %s: %d schemas of %d events",
            self._path,
            len(repository.documents),
            len(repository.types),
            extra={"action": "schemas_loaded", "schemas": len(repository.documents)},
        )

    def _report_refused(self) -> None:
        kept = "the last good ones stay in force" if self._check else "there are none yet"
        _log.error(
            "faulty schemas in %s were refused; %s:\n%s",
            self._path,
            kept,
            "\n".join(f"  {problem}" for problem in self._problems),
            extra={
                "action": "schemas_refused",
                "problems": [str(problem) for problem in self._problems],
            },
        )
