"""Judging the journal: whether it reaches the store, and whether a part of it is missing."""

from collections.abc import Iterator, Mapping

from eventflow.delivery import Ledgers, Roster
from eventflow.diagnosis.finding import Finding
from eventflow.events import DEFAULT_BUS
from eventflow.journal import JournalState
from eventflow.transport.messages import JOURNAL
from eventflow.units import format_duration

__all__ = ["judge_journals", "read_journals"]

_MOST_WAITED = 60.0  # seconds that an entry may wait for the recorder


def read_journals(ledgers: Ledgers) -> dict[str, JournalState]:
    """Ask how much of each bus's journal waits, and how much was dropped.

    Args:
        ledgers: The way to the ledgers.

    Raises:
        LedgerError: When the ledger cannot be reached.
    """
    return {bus: ledgers.of(bus).journal_state() for bus in sorted({DEFAULT_BUS, *ledgers.buses()})}


def judge_journals(journals: Mapping[str, JournalState], roster: Roster) -> Iterator[Finding]:
    """Judge the journals.

    Args:
        journals: By bus.
        roster: The processes.

    Yields:
        What is wrong.
    """
    is_read = any(JOURNAL in one.queues for one in roster.alive)
    for bus, state in journals.items():
        where = f"bus {bus}"
        if state.waiting and state.oldest_age > _MOST_WAITED:
            message = (
                f"{state.waiting:,} entries of the journal wait for the recorder, the first for "
                f"{format_duration(round(state.oldest_age))}"
            )
            advice = "look into the recorder's log, and whether the store can be written"
            if not is_read:
                advice = f"start `eventflow recorder`: no process reads {JOURNAL}"
            yield Finding("journal-late", where, message, advice)
        if state.dropped:
            message = (
                f"{state.dropped:,} entries of the journal were dropped since the ledger began: "
                "stories of events have gaps"
            )
            advice = (
                "keep a recorder running, or let more wait (EVENTFLOW_JOURNAL_MOST); the log says "
                "when it was (journal_dropped)"
            )
            yield Finding("journal-dropped", where, message, advice)
