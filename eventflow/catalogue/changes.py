"""What differs between the fields of two versions, in words for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from eventflow.catalogue.field_table import FieldRow

__all__ = ["Change", "list_changes"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        kind: Whether the field is new, gone, or another than before.
        path: The field.
        words: What about it.
    """

    kind: Literal["added", "removed", "changed"]
    path: str
    words: str


def list_changes(before: Sequence[FieldRow], after: Sequence[FieldRow]) -> tuple[Change, ...]:
    """List what a version changed: what is gone, then in the new one's order what is new or other.

    Args:
        before: The fields of the earlier version.
        after: Those of the later one.
    """
    old = {row.path: row for row in before}
    new = {row.path: row for row in after}
    gone = [Change("removed", path, "") for path in old if path not in new]
    return (*gone, *(change for row in after for change in _compare(old.get(row.path), row)))


def _compare(before: FieldRow | None, after: FieldRow) -> Iterator[Change]:
    if before is None:
        yield Change("added", after.path, "required" if after.required else "optional")
        return
    words = []
    if before.type != after.type:
        words.append(f"{before.type} became {after.type}")
    if before.required != after.required:
        words.append("now required" if after.required else "now optional")
    words += [f"no longer {limit}" for limit in before.limits if limit not in after.limits]
    words += [f"now {limit}" for limit in after.limits if limit not in before.limits]
    if after.is_deprecated and not before.is_deprecated:
        words.append("now deprecated")
    if words:
        yield Change("changed", after.path, "; ".join(words))
