"""What is counted on the hot path: a meter that counts nothing, until one of Prometheus is in place."""

from collections.abc import Iterable, Mapping

__all__ = ["Meter", "meter", "use_meter"]


class Meter:
    """Counts nothing: the meter of a process whose metrics are off."""

    __slots__ = ()

    def published(self, bus: str, outcomes: Mapping[str, int]) -> None:
        """Count events that were published.

        Args:
            bus: Their bus.
            outcomes: How many were accepted, duplicate, refused or failed.
        """

    def routed(self, bus: str, matched: Iterable[tuple[str, Iterable[str]]], *, dead: bool) -> None:
        """Count an event that was routed.

        Args:
            bus: Its bus.
            matched: Each delivery's target, and the rules that it comes from.
            dead: Whether the event itself cannot be routed.
        """

    def attempted(self, bus: str, target: str, outcome: str, seconds: float) -> None:
        """Count an attempt.

        Args:
            bus: Its bus.
            target: Its target.
            outcome: done, retry, dead or release.
            seconds: How long the subscriber had it; 0 where it was not called.
        """

    def delivered(self, bus: str, target: str, seconds: float) -> None:
        """Count a success, and the seconds since its event was accepted."""

    def died(self, bus: str, target: str, reason: str) -> None:
        """Count a dead letter."""

    def parked(self, bus: str, target: str, reason: str, number: int) -> None:
        """Count deliveries that were held back, by what held them."""

    def recorded(self, bus: str, letters: int) -> None:
        """Count dead letters that were written to the store."""


_current = Meter()


def meter() -> Meter:
    """Return the process's meter."""
    return _current


def use_meter(new: Meter) -> Meter:
    """Put another meter in place, for the whole process; return the one that was."""
    global _current
    before, _current = _current, new
    return before
