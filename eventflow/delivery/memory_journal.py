"""The journal of the ledger in memory: the entries that the Lua files write, written the same way."""

from collections.abc import Mapping, Sequence
from typing import Any

from eventflow.delivery.answers import BreakerChange, Finish, Outcome
from eventflow.delivery.memory_targets import MemoryTargets, one_at_a_time
from eventflow.events import split_delivery_id, split_ledger_id
from eventflow.journal import (
    MOST_ERROR,
    TELL_EVERY,
    JournalCall,
    JournalEntry,
    JournalState,
    RecorderCall,
    Step,
    entry_id,
)
from eventflow.units import Clock, system_clock

__all__ = ["MemoryJournal"]


class MemoryJournal(MemoryTargets):
    """One bus's journal. `eventflow.delivery.ledger.Ledger` says what each method does.

    Args:
        bus: The bus.
        journal_most: How many entries may wait for the recorder; 0 for no journal.
        clock: Returns seconds since the epoch; a test may have its own.
    """

    def __init__(
        self, bus: str = "default", *, journal_most: int = 0, clock: Clock = system_clock
    ) -> None:
        super().__init__(bus, clock=clock)
        self._journal_most = journal_most
        self._journal: dict[str, JournalEntry] = {}
        self._noted = 0
        self._dropped = 0
        self._told = 0
        self._told_at = 0.0
        self._called_until: float | None = None

    @one_at_a_time
    def journal_entries(self, limit: int) -> list[JournalEntry]:
        """Return the oldest entries that are not in the store yet, in order."""
        return list(self._journal.values())[:limit]

    @one_at_a_time
    def journal_recorded(self, ids: Sequence[str]) -> None:
        """Forget entries that are safely in the store."""
        for identity in ids:
            self._journal.pop(identity, None)

    @one_at_a_time
    def journal_state(self) -> JournalState:
        """Tell how much of the journal waits, since when, and how much was dropped."""
        first = next(iter(self._journal.values()), None)
        age = max(0.0, self._clock() - first.at) if first is not None else 0.0
        return JournalState(len(self._journal), self._dropped, age)

    @one_at_a_time
    def call_recorder(self, *, patience: float) -> RecorderCall:
        """Decide whether the recorder is to be sent a message; if so, it counts as sent."""
        now, untold = self._clock(), self._dropped - self._told
        if untold and now - self._told_at >= TELL_EVERY:
            self._told, self._told_at = self._dropped, now
        else:
            untold = 0
        return RecorderCall(self._call(now, patience), untold)

    def _call(self, now: float, patience: float) -> JournalCall:
        until = self._called_until
        if until is not None and until > now:
            return JournalCall.NO
        if not self._journal:
            return JournalCall.NO
        self._called_until = now + patience
        return JournalCall.YES if until is None else JournalCall.AGAIN

    @one_at_a_time
    def recorder_answered(self) -> None:
        """Note that the recorder's message is done with."""
        self._called_until = None

    def _note(  # Any: an entry's own fields and JSON
        self, step: Step, identity: str, facts: Mapping[str, Any] | None = None, **fields: Any
    ) -> None:
        """Write an entry of an event, by its id in the ledger."""
        if self._journal_most == 0:
            return
        if len(self._journal) >= self._journal_most:
            self._dropped += 1
            return
        event_id, replay_name = split_ledger_id(identity)
        self._noted += 1
        milliseconds = int(self._clock() * 1000)
        entry = JournalEntry(
            entry_id(milliseconds, self._noted),
            self._bus,
            step,
            milliseconds / 1000,
            event_id,
            replay_name or "",
            facts=facts or {},
            **fields,
        )
        self._journal[entry.id] = entry

    def _note_delivery(
        self, step: Step, identity: str, facts: Mapping[str, Any] | None = None, **fields: Any
    ) -> None:
        """Write an entry of a delivery, by its id."""
        ledger_id, target = split_delivery_id(identity)
        fields["error"] = fields.get("error", "")[:MOST_ERROR]
        self._note(step, ledger_id, facts, target=target, **fields)

    def _note_attempt(self, item: Finish, change: BreakerChange, now: float) -> None:
        """Write how an attempt went, and what it did to the circuit breaker."""
        facts: dict[str, str] = {}
        if item.letter is not None:
            facts["reason"] = item.letter.reason.value
        if change is not BreakerChange.NONE:
            facts["breaker"] = change.value
        self._note_delivery(
            Step.ATTEMPT,
            item.delivery_id,
            facts,
            attempt=item.attempt,
            outcome=item.outcome.value,
            duration=item.duration,
            due_at=now + item.delay if item.outcome is Outcome.RETRY else 0.0,
            error_type=item.error_type,
            error=item.error,
        )
