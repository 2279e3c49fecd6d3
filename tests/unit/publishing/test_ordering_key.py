"""Under which key an event's row is kept in order."""

import pytest

from eventflow.publishing import ordering_key_of


@pytest.mark.parametrize(
    ("subject", "ordering_key", "expected"),
    [
        pytest.param("P7", None, "P7", id="the subject"),
        pytest.param(None, None, "", id="no subject, no order"),
        pytest.param("P7", "order-1", "order-1", id="what the publisher says"),
        pytest.param("P7", "", "", id="the publisher wants no order"),
        pytest.param("x" * 200, None, "x" * 200, id="the longest that is kept"),
    ],
)
def test_key(subject: str | None, ordering_key: str | None, expected: str) -> None:
    """The publisher's word counts, also an empty one; else the subject."""
    assert expected == ordering_key_of(subject, ordering_key)


@pytest.mark.parametrize("key", ["x" * 201, "a\0b", "\ud800" * 201])
def test_a_key_that_no_column_takes_is_hashed(key: str) -> None:
    """It is replaced by a short name of its own, always the same."""
    stored = ordering_key_of(key, None)
    assert stored.startswith("sha256:")
    assert (stored, True) == (ordering_key_of(None, key), len(stored) <= 200)
    assert stored != ordering_key_of(key + "x", None)
