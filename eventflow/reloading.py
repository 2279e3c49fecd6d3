"""Files that are read again when they change, with the last good content kept over a faulty one."""

import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from eventflow.errors import Problem, RuleError, SchemaError

__all__ = ["ReloadedFiles"]

ListingT = TypeVar("ListingT")
ContentT = TypeVar("ContentT")


class ReloadedFiles(ABC, Generic[ListingT, ContentT]):
    """The content of a directory, as it is now. Safe in threads and after a fork.

    A change is loaded once two looks in a row see the same, so that a half-written file is left
    alone. A faulty content is refused: the last good one stays, and an error is logged once for the
    change, with every problem. Constructing it loads nothing.

    Args:
        path: The directory.
        interval: Seconds between two looks at the directory.
        clock: Returns seconds that only grow.
    """

    noun: ClassVar[str]
    """What the files hold, in messages: `rules`."""

    error: ClassVar[type[RuleError] | type[SchemaError]]
    """What reading faulty files raises."""

    def __init__(
        self,
        path: Path,
        interval: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._interval = interval
        self._clock = clock
        self._log = logging.getLogger(type(self).__module__)
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._next_look = 0.0
        self._content: ContentT | None = None
        self._seen: ListingT | None = None  # what was loaded or refused last
        self._pending: ListingT | None = None  # a change that was seen once
        self._problems: tuple[Problem, ...] = ()

    @abstractmethod
    def list(self) -> ListingT:
        """Return what the directory holds; two are equal where nothing changed between."""

    @abstractmethod
    def read(self, listing: ListingT, before: ContentT | None) -> ContentT:
        """Read the files.

        Args:
            listing: What there is.
            before: The content that is in force.

        Raises:
            RuleError, SchemaError: Whichever `error` is, when they are faulty.
        """

    @abstractmethod
    def tell(self, content: ContentT, *, is_first: bool) -> None:
        """Log that a content is in force now."""

    @property
    def path(self) -> Path:
        """The directory."""
        return self._path

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files as they are; empty where what is in force is theirs."""
        return self._problems

    def current(self) -> ContentT:
        """Return the content in force, the files' or the last good one; cheap to call for each event.

        Raises:
            RuleError, SchemaError: Whichever `error` is, when no good content was ever loaded.
        """
        content = self._content
        if content is not None and self._clock() < self._next_look:
            return content
        if self._process != os.getpid():
            # The lock of a process that was forked may be held by a thread that is not here.
            self._lock, self._process = threading.Lock(), os.getpid()
        # Who has a content does not wait for another thread's look.
        if not self._lock.acquire(blocking=content is None):
            assert content is not None
            return content
        try:
            now = self._clock()
            if self._seen is None or now >= self._next_look:
                self._look()
                self._next_look = now + self._interval
            if self._content is None:
                message = f"no {self.noun} could be loaded from {str(self._path)!r}:"
                raise self.error(message, self._problems)
            return self._content
        finally:
            self._lock.release()

    def _look(self) -> None:
        listing = self.list()
        if listing == self._seen:
            self._pending = None
        elif self._content is None or listing == self._pending:
            self._load(listing)
        else:
            self._pending = listing

    def _load(self, listing: ListingT) -> None:
        before = self._content
        content: ContentT | None = None
        problems: tuple[Problem, ...] = ()
        try:
            content = self.read(listing, before)
        except (RuleError, SchemaError) as error:
            problems = error.problems
        if before is not None and self.list() != listing:
            return  # it changes while it is read: look again
        self._pending = None
        self._seen = listing
        self._problems = problems
        if content is None:
            self._report_refused()
            return
        self._content = content
        self.tell(content, is_first=before is None)

    def _report_refused(self) -> None:
        is_kept = self._content is not None
        self._log.error(
            "faulty %s in %s were refused; %s:\n%s",
            self.noun,
            self._path,
            f"the last good {self.noun} stay in force"
            if is_kept
            else f"there are no {self.noun} yet",
            "\n".join(f"  {problem}" for problem in self._problems),
            extra={
                "action": f"{self.noun}_refused",
                "problems": [str(problem) for problem in self._problems],
            },
        )
