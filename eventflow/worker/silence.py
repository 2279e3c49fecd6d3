"""What a router has seen of its rules: which have matched, and which events none did."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from eventflow.delivery import Ledgers
from eventflow.delivery.silence import MOST_UNMATCHED
from eventflow.errors import LedgerError
from eventflow.rules import RuleSet

__all__ = ["SilenceNotes"]

_log = logging.getLogger("eventflow.route")
_EVERY = 60.0  # seconds between two notes of the same rule, or of the same kind of event


class SilenceNotes:
    """Notes in the ledger what is news, and what is not at most once a minute; one for each process.

    Args:
        ledgers: The way to the ledgers.
        clock: Returns seconds that only ever grow.
    """

    def __init__(self, ledgers: Ledgers, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledgers = ledgers
        self._clock = clock
        self._noted: dict[tuple[str, str], float] = {}  # bus and rule -> when
        self._noted_kinds: dict[tuple[str, str, str], float] = {}  # bus, source and type -> when
        self._matched: defaultdict[str, set[str]] = defaultdict(set)
        self._unmatched: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)

    def begin(self, rules: RuleSet) -> None:
        """Count from now on for the rules that are new, on each bus.

        Args:
            rules: The rules that are in force from now on.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        self._noted_kinds.clear()
        for bus in sorted(rules.buses):
            names = [rule.name for rule in rules.rules if rule.enabled and rule.bus == bus]
            self._ledgers.silence(bus).begin(names)

    def saw(self, bus: str, rules: Iterable[str], source: str, kind: str) -> None:
        """Take note of an event that was routed.

        Args:
            bus: Its bus.
            rules: The names of those that it matched.
            source: Its source.
            kind: Its type.
        """
        has_matched = False
        for rule in rules:
            has_matched = True
            if self._is_due(self._noted.get((bus, rule))):
                self._matched[bus].add(rule)
        unmatched = self._unmatched[bus]
        if not has_matched and ((source, kind) in unmatched or len(unmatched) < MOST_UNMATCHED):
            unmatched[source, kind] += 1

    def write(self, fingerprint: str) -> None:
        """Write down what is to be written by now. It never raises: routing goes on without.

        Args:
            fingerprint: Of the rules.
        """
        now = self._clock()
        for bus in {*self._matched, *self._unmatched}:
            rules = self._matched[bus]
            kinds = {
                kind: number
                for kind, number in self._unmatched[bus].items()
                if self._is_due(self._noted_kinds.get((bus, *kind)))
            }
            if not rules and not kinds:
                continue
            try:
                self._ledgers.silence(bus).note(rules, kinds, fingerprint=fingerprint)
            except LedgerError as error:
                _log.debug("%s", error, extra={"action": "silence_unnoted"})
                return
            self._noted.update(dict.fromkeys(((bus, rule) for rule in rules), now))
            rules.clear()
            for kind in kinds:
                self._noted_kinds[(bus, *kind)] = now
                del self._unmatched[bus][kind]
            if len(self._noted_kinds) > 2 * MOST_UNMATCHED:  # garbage of ever new kinds
                self._noted_kinds.clear()

    def _is_due(self, noted: float | None) -> bool:
        return noted is None or self._clock() - noted >= _EVERY
