"""Whether failures came back: the share of failures among the last outcomes. No I/O."""

from collections import Counter, deque
from collections.abc import Iterable

from eventflow.redrive.fate import Fate, Standing

__all__ = ["WINDOW", "FailureShare"]

WINDOW = 100
"""The last outcomes of which the share is taken: a thousand early successes hide no fault."""

_ENOUGH = 20


class FailureShare:
    """The share of failures among the last outcomes, and among those that fail right now.

    Args:
        most: The share that is still well, 0 to 1.
    """

    def __init__(self, most: float) -> None:
        self._most = most
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)
        self._errors: deque[str] = deque(maxlen=WINDOW)
        self._failing: list[str] = []

    def settle(self, standing: Standing) -> None:
        """Count what succeeded or died.

        Args:
            standing: Its fate is one of the two.
        """
        has_died = standing.fate is Fate.DIED
        self._outcomes.append(has_died)
        if has_died:
            self._errors.append(standing.error)

    def note_failing(self, standings: Iterable[Standing]) -> None:
        """Say which have failed, and may still succeed; in place of those of the last call."""
        self._failing = [standing.error for standing in standings]

    @property
    def failed(self) -> int:
        """How many of the last died or fail."""
        return sum(self._outcomes) + len(self._failing)

    @property
    def judged(self) -> int:
        """Of how many it is the share."""
        return len(self._outcomes) + len(self._failing)

    @property
    def has_enough(self) -> bool:
        """Whether so many are judged that more of them tell little more."""
        return self.judged >= _ENOUGH

    @property
    def is_too_large(self) -> bool:
        """Whether more fail than may."""
        return self.failed > self._most * self.judged

    @property
    def commonest_error(self) -> str:
        """The error that most of them failed by; empty where none did."""
        errors = Counter([*self._errors, *self._failing])
        return max(errors, key=lambda error: errors[error], default="")
