"""What a comparison finds: a place, words for a person, and how sure it is."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Difference", "Verdict"]


class Verdict(StrEnum):
    """How sure a difference is."""

    BREAKS = "breaks"
    """There is data of the writer's that the reader refuses."""
    UNDECIDED = "undecided"
    """It could not be proved that there is none; treated as breaking."""
    ASSUMED = "assumed"
    """There is none as long as writers send the fields alone that their version names."""


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One place where the reader does not take, or may not take, what the writer sends.

    Attributes:
        path: Where in the event, such as `data.parcel.doors[].kind`.
        message: What it is, as a sentence that names both versions.
        verdict: How sure it is.
    """

    path: str
    message: str
    verdict: Verdict = Verdict.BREAKS

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
