"""The ledger's clock, as far as who asks it knows: it is at least so late there by now."""

import time

__all__ = ["LedgerClock"]


class LedgerClock:
    """What the last answer said of the time, and how long ago that was. Safe in threads."""

    def __init__(self) -> None:
        self._read: tuple[float, float] | None = None

    @property
    def is_known(self) -> bool:
        """Whether it was ever read."""
        return self._read is not None

    def read(self, now: float) -> None:
        """Note what an answer says that has just come.

        Args:
            now: Seconds since the epoch, by the ledger's clock, when it answered.
        """
        self._read = now, time.monotonic()

    def least(self) -> float:
        """Return how late it is there, at least: seconds since the epoch.

        Raises:
            ValueError: When it was never read.
        """
        if self._read is None:
            message = "the ledger's clock was never read"
            raise ValueError(message)
        now, when = self._read
        return now + time.monotonic() - when
