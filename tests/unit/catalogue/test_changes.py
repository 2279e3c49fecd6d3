"""Changes between two versions, in words."""

from eventflow.catalogue.changes import Change, list_changes
from eventflow.catalogue.field_table import FieldRow


def test_every_difference_is_said() -> None:
    """What is gone, new, or another in kind, need or limits is said; what is alike is not."""
    before = [
        FieldRow("gone", ("string",), required=True),
        FieldRow("same", ("string",), required=True, description="Old words."),
        FieldRow("n", ("integer",), required=False, limits=("> 0",)),
    ]
    after = [
        FieldRow("same", ("string",), required=True, description="New words."),
        FieldRow("n", ("integer", "null"), required=True, limits=("≤ 9",), is_deprecated=True),
        FieldRow("new", (), required=False),
    ]
    words = "integer became integer or null; now required; no longer > 0; now ≤ 9; now deprecated"
    assert (
        Change("removed", "gone", ""),
        Change("changed", "n", words),
        Change("added", "new", "optional"),
    ) == list_changes(before, after)
