"""What the shop tells others."""

from pydantic import Field

from eventflow import EventModel

__all__ = ["OrderPlaced"]


class OrderPlaced(
    EventModel,
    source="shop.orders",
    type="OrderPlaced",
    version="1.0",
    owner="shop-team",
    status="active",
):
    """A customer has ordered, and the order is saved."""

    order_id: int
    email: str = Field(description="Where the customer reads mail.")
    product: str
    quantity: int = Field(gt=0)
    total_cents: int = Field(gt=0)
