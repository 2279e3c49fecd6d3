"""What an event must have in a field, read and asked."""

from typing import Any

import pytest

from eventflow.errors import EventError
from eventflow.story.conditions import Condition, fits_all, read_condition

EVENT: dict[str, Any] = {
    "id": "e1",
    "source": "shop",
    "detail-type": "Sold",
    "detail": {
        "order_id": 42,
        "code": "42",
        "price": 1.5,
        "gift": True,
        "note": None,
        "empty": "",
        "quoted": '"a"',
        "items": [{"sku": "A-1"}, {"sku": "B-2", "tags": ["red", "blue"]}],
        "order.id": "dotted",
        "a": {"b.c": {"d": "deep"}},
        "formula": "x=1",
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "source=shop",
        "detail-type=Sold",
        "detail.order_id=42",
        "detail.order_id=42.0",
        'detail.code="42"',
        "detail.code=42",
        "detail.price=1.5",
        "detail.gift=true",
        "detail.note=null",
        "detail.empty=",
        'detail.quoted="a"',
        "detail.items.sku=B-2",
        "detail.items.tags=blue",
        "detail.order.id=dotted",
        "detail.a.b.c.d=deep",
        "detail.formula=x=1",
        " detail.order_id=42",
    ],
)
def test_what_fits(text: str) -> None:
    """A scalar by its JSON or as a string; any element of an array; names that have dots."""
    assert read_condition(text).fits(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "source=SHOP",
        "source=sho",
        "type=Sold",
        "detail.order_id=43",
        'detail.order_id="42"',
        "detail.gift=1",
        "detail.order_id=NaN",
        "detail.none=null",
        "detail.items=A-1",
        "detail.items.0.sku=A-1",
        "detail={}",
        "detail.order_id.x=42",
    ],
)
def test_what_does_not_fit(text: str) -> None:
    """Neither a part of a value, nor another kind, nor what is absent, nor what is no scalar."""
    assert not read_condition(text).fits(EVENT)


@pytest.mark.parametrize("text", ["", "source", "=shop", "detail..x=1", ".=1"])
def test_what_is_no_condition(text: str) -> None:
    """It is refused, and the message shows one that is."""
    with pytest.raises(EventError, match=r"such as detail\.order_id=42"):
        read_condition(text)


def test_all_must_fit() -> None:
    """Several conditions are one; none at all fits everything."""
    sold = Condition(("detail-type",), "Sold")
    assert fits_all([], EVENT)
    assert fits_all([sold, Condition(("source",), "shop")], EVENT)
    assert not fits_all([sold, Condition(("source",), "other")], EVENT)
