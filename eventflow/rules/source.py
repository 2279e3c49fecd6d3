"""The rules in force: picks up a changed directory, and keeps the last good set over a faulty one."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from eventflow.errors import Problem, RuleError
from eventflow.rules.files import Listing, list_files
from eventflow.rules.loader import load_rules
from eventflow.rules.ruleset import RuleSet

__all__ = ["RuleSource"]

_log = logging.getLogger(__name__)


class RuleSource:
    """The rule set of a directory, as it is now. Thread-safe; constructing it loads nothing.

    A change is loaded once two looks in a row see the same, so that a half-written file is left
    alone. A faulty set is refused: the last good one stays, and an error is logged once for the
    change, with every problem.

    Args:
        path: The directory of rule files.
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
        self._next_look = 0.0
        self._rule_set: RuleSet | None = None
        self._seen: Listing | None = None  # what was loaded or refused last
        self._pending: Listing | None = None  # a change that was seen once
        self._problems: tuple[Problem, ...] = ()

    @property
    def path(self) -> Path:
        """The directory of rule files."""
        return self._path

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files as they are; empty where the set in force is theirs."""
        return self._problems

    def current(self) -> RuleSet:
        """Return the rule set in force; cheap to call for each event.

        Returns:
            The set of the files, or the last good one.

        Raises:
            RuleError: When no good set was ever loaded.
        """
        rule_set = self._rule_set
        if rule_set is not None and self._clock() < self._next_look:
            return rule_set
        # Who has a set does not wait for another thread's look.
        if not self._lock.acquire(blocking=rule_set is None):
            assert rule_set is not None
            return rule_set
        try:
            now = self._clock()
            if self._seen is None or now >= self._next_look:
                self._look()
                self._next_look = now + self._interval
            if self._rule_set is None:
                message = f"no rules could be loaded from {str(self._path)!r}:"
                raise RuleError(message, self._problems)
            return self._rule_set
        finally:
            self._lock.release()

    def _look(self) -> None:
        listing = list_files(self._path)
        if listing == self._seen:
            self._pending = None
        elif self._rule_set is None or listing == self._pending:
            self._load(listing)
        else:
            self._pending = listing

    def _load(self, listing: Listing) -> None:
        first = self._rule_set is None
        try:
            rule_set = load_rules(self._path)
        except RuleError as error:
            rule_set, problems = None, error.problems
        else:
            problems = ()
        if not first and list_files(self._path) != listing:
            return  # it changes while it is read: look again
        self._pending = None
        self._seen = listing
        self._problems = problems
        if rule_set is None:
            self._report_refused()
            return
        self._rule_set = rule_set
        _log.info(
            "rules loaded from %s: %d rules, %d targets",
            self._path,
            len(rule_set.rules),
            len(rule_set.targets),
            extra={
                "action": "rules_loaded",
                "rules": len(rule_set.rules),
                "targets": len(rule_set.targets),
                "fingerprint": rule_set.fingerprint,
            },
        )

    def _report_refused(self) -> None:
        kept = "the last good rules stay in force" if self._rule_set else "there are no rules yet"
        _log.error(
            "faulty rules in %s were refused; %s:\n%s",
            self._path,
            kept,
            "\n".join(f"  {problem}" for problem in self._problems),
            extra={
                "action": "rules_refused",
                "problems": [str(problem) for problem in self._problems],
            },
        )
