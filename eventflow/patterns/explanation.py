"""What an explanation says: why a pattern matches an event, or how near it comes."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["ConditionReport", "Explanation"]


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """What became of one condition of a pattern.

    Attributes:
        path: The field, as ``detail.door.kind``.
        wanted: What the pattern wants there, in words.
        found: What the event has there: the first values as JSON, each cut; empty when the field
            is absent.
        count: How many values the event has there; the count stops at 1,000.
        passed: Whether the condition is met.
        hint: What may be the mistake; empty where none is known.
    """

    path: str
    wanted: str
    found: tuple[str, ...]
    count: int
    passed: bool
    hint: str = ""

    def describe_found(self) -> str:
        """Return what was found, in words."""
        if not self.found:
            return "nothing: the field is absent"
        more = self.count - len(self.found)
        return ", ".join(self.found) + (f" and {more:,} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pattern matches an event, or does not.

    Attributes:
        matched: Whether the pattern matches.
        conditions: What became of each condition, in the order of their paths. Of a pattern with
            ``$or`` these are the conditions of one combination of branches: the first that
            matches, else the nearest.
        alternative: Which combination that is, from 1.
        alternatives: How many combinations there are; 1 without ``$or``.
    """

    matched: bool
    conditions: tuple[ConditionReport, ...]
    alternative: int = 1
    alternatives: int = 1

    @property
    def passed(self) -> int:
        """How many conditions are met."""
        return sum(report.passed for report in self.conditions)

    @property
    def failed(self) -> tuple[ConditionReport, ...]:
        """The conditions that are not met."""
        return tuple(report for report in self.conditions if not report.passed)

    @property
    def nearness(self) -> float:
        """The share of conditions that are met: 1 where the pattern matches, else less."""
        return self.passed / len(self.conditions)

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as JSON can hold it.

        Returns:
            ``matched``, ``nearness``, ``alternative``, ``alternatives`` and ``conditions``, each
            of these with ``path, wanted, found, count, passed, hint``.
        """
        return {
            "matched": self.matched,
            "nearness": round(self.nearness, 4),
            "alternative": self.alternative,
            "alternatives": self.alternatives,
            "conditions": [
                {**asdict(report), "found": list(report.found)} for report in self.conditions
            ],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        if self.matched:
            yield "matches"
            return
        which = ""
        if self.alternatives > 1:
            which = f" of combination {self.alternative} of {self.alternatives:,}, the nearest,"
        yield f"does not match: {self.passed} of {len(self.conditions)} conditions{which} are met"
        for report in self.failed:
            yield f"  {report.path}"
            yield f"    wanted  {report.wanted}"
            yield f"    found   {report.describe_found()}"
            if report.hint:
                yield f"    hint    {report.hint}"
