"""What a router notes of its rules: what is news at once, and the rest at most once a minute."""

from collections.abc import Mapping
from typing import Any

from eventflow.delivery.silence import MOST_UNMATCHED
from eventflow.errors import LedgerError
from eventflow.worker.silence import SilenceNotes


class Noted:
    """Stands for the ledgers, and keeps what is noted."""

    def __init__(self) -> None:
        self.calls: list[tuple[set[str], dict[Any, int]]] = []
        self.is_away = False

    def silence(self, bus: str) -> "Noted":
        """Return itself."""
        return self

    def note(self, matched: Any, unmatched: Mapping[Any, int], *, fingerprint: str) -> None:
        """Keep it."""
        if self.is_away:
            message = "away"
            raise LedgerError(message)
        self.calls.append((set(matched), dict(unmatched)))


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def notes(noted: Noted, clock: Hands | None = None) -> SilenceNotes:
    """Return notes that are written to *noted*."""
    return SilenceNotes(noted, clock or Hands())  # type: ignore[arg-type]


def test_a_match_is_noted_once_a_minute():
    """The facts are about days, and a busy rule costs nothing."""
    noted, clock = Noted(), Hands()
    here = notes(noted, clock)
    for _ in range(3):
        here.saw("default", ["a"], "shop", "Sold")
        here.write("f")
    assert noted.calls == [({"a"}, {})]
    clock.now = 61
    here.saw("default", ["a", "b"], "shop", "Sold")
    here.write("f")
    assert noted.calls[1:] == [({"a", "b"}, {})]


def test_events_without_a_rule_are_counted_and_written_together():
    """The first at once; what comes within the minute is added up."""
    noted, clock = Noted(), Hands()
    here = notes(noted, clock)
    for second in (0, 1, 2, 62):
        clock.now = second
        here.saw("default", [], "shop", "Sold")
        here.write("f")
    assert noted.calls == [(set(), {("shop", "Sold"): 1}), (set(), {("shop", "Sold"): 3})]


def test_what_could_not_be_noted_is_noted_later():
    """Routing goes on while the ledger is away, and nothing is forgotten."""
    noted = Noted()
    here = notes(noted)
    noted.is_away = True
    here.saw("default", ["a"], "shop", "Sold")
    here.write("f")
    noted.is_away = False
    here.write("f")
    assert noted.calls == [({"a"}, {})]


def test_garbage_of_ever_new_kinds_is_not_kept_without_end():
    """Of a flood of kinds, so many are noted."""
    noted = Noted()
    here = notes(noted)
    for number in range(5 * MOST_UNMATCHED):
        here.saw("default", [], "shop", f"Kind{number}")
    here.write("f")
    [(_, kinds)] = noted.calls
    assert len(kinds) == MOST_UNMATCHED
    for number in range(5 * MOST_UNMATCHED):
        here.saw("default", [], "shop", f"Other{number}")
        here.write("f")
    assert len(here._noted_kinds) <= 2 * MOST_UNMATCHED + 1
