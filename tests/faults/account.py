"""The account of a fault test: every event times every target, none missing, none unasked for.

What was handed over twice must be explained by the guarantee: its process was killed between the
subscriber's end and the mark of success. What is a dead letter must have been meant to be one, or
have been hit by so many kills that it counts as poison.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from eventflow.delivery.keys import DEAD_LETTERS, ROUTE
from eventflow.events import DEFAULT_BUS
from eventflow.store import DeadLetterStore, open_engine
from tests.faults.load import Load
from tests.faults.scene import TARGETS, Scene

__all__ = ["Account", "close_account", "recorded_letters"]

_MOST_LETTERS = 10_000  # more than any test makes
_EARLY = 1.0
_LATE = 5.0
"""Seconds around a kill in which what the process noted may not have been marked as done."""
_KILLS_OF_POISON = 3


@dataclass(frozen=True)
class Account:
    """What became of all deliveries.

    Attributes:
        expected: The deliveries of all accepted events.
        done: The notes of each delivery that was handed over, in order.
        letters: The reason of each dead letter.
        planned: The deliveries that were to be refused.
        killed: When which process was killed.
        uneven: By how much a balance differs, by target: of routing, too.
    """

    expected: frozenset[str]
    done: Mapping[str, list[dict[str, Any]]]
    letters: Mapping[str, str]
    planned: frozenset[str]
    killed: Mapping[int, float]
    uneven: Mapping[str, int]

    @property
    def twice(self) -> dict[str, list[dict[str, Any]]]:
        """The deliveries that were handed over more than once."""
        return {identity: notes for identity, notes in self.done.items() if len(notes) > 1}

    def check(self) -> None:
        """Hold it against the guarantee.

        Raises:
            AssertionError: When anything is missing, unasked for, or twice without a reason.
        """
        assert self.expected, "nothing was published"
        missing = self.expected - self.done.keys() - self.letters.keys()
        assert not missing, f"{len(missing)} are missing: {_some(missing)}\n{self}"
        unasked = (self.done.keys() | self.letters.keys()) - self.expected
        assert not unasked, f"nobody asked for {_some(unasked)}\n{self}"
        assert not self.uneven, f"the ledger's balances are uneven: {self.uneven}\n{self}"
        self._check_letters()
        for identity, notes in self.twice.items():
            for unfinished in notes[:-1]:
                self._check_unfinished(identity, unfinished, notes)

    def _check_letters(self) -> None:
        refused = {identity for identity, reason in self.letters.items() if reason == "refused"}
        assert refused == self.planned, f"refused otherwise than meant: {refused ^ self.planned}"
        for identity in self.letters.keys() - refused:
            reason = self.letters[identity]
            assert reason == "poison", f"{identity} is a dead letter ({reason}), and should not be"
            assert len(self.killed) >= _KILLS_OF_POISON, f"{identity} is poison without kills"

    def _check_unfinished(
        self, identity: str, note: Mapping[str, Any], notes: list[dict[str, Any]]
    ) -> None:
        killed_at = self.killed.get(note["pid"])
        assert killed_at is not None, (
            f"{identity} ran twice, and process {note['pid']} was not killed: {notes}"
        )
        between = killed_at - note["at"]
        assert -_EARLY < between < _LATE, (
            f"{identity} ran {between:.1f} s before the kill, and again: {notes}"
        )

    def __str__(self) -> str:
        """Tell it in a line."""
        return (
            f"{len(self.expected)} deliveries: {len(self.done)} handed over, {len(self.twice)} of "
            f"them twice, {len(self.letters)} dead letters, {len(self.killed)} processes killed"
        )


def close_account(scene: Scene, *loads: Load, timeout: float = 120.0) -> Account:
    """Wait until all is finished, and draw up the account.

    Args:
        scene: Where it happened.
        loads: What was published; they have been stopped.
        timeout: Seconds for what is in flight to be finished.
    """
    scene.settle(timeout)
    return Account(
        expected=frozenset(
            identity for load in loads for identity in _deliveries(load.accepted, TARGETS)
        ),
        done={identity: list(notes) for identity, notes in scene.notes().items()},
        letters=recorded_letters(scene),
        planned=frozenset(
            identity
            for load in loads
            for identity in _deliveries(load.refused & load.accepted.keys(), ["typed"])
        ),
        killed=dict(scene.deployment.killed),
        uneven=_uneven(scene),
    )


def _uneven(scene: Scene) -> dict[str, int]:
    ledger = scene.deployment.flow.context.ledgers.of(DEFAULT_BUS)
    balances = ledger.balances([ROUTE, DEAD_LETTERS, *TARGETS])
    return {name: one.difference for name, one in balances.items() if one.difference}


def _deliveries(events: Collection[str], targets: Collection[str]) -> list[str]:
    return [f"{event_id}:{target}" for event_id in events for target in targets]


def recorded_letters(scene: Scene) -> dict[str, str]:
    """Return the dead letters in the store, and the reason of each."""
    engine = open_engine(scene.deployment.settings.store_url)
    try:
        letters = DeadLetterStore(engine).list(limit=_MOST_LETTERS)
    finally:
        engine.dispose()
    return {letter.id: str(letter.reason) for letter in letters}


def _some(identities: Collection[str]) -> str:
    return ", ".join(sorted(identities)[:10])
