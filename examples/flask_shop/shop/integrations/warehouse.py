"""The warehouse packs what was ordered. Its API is out of order now and then."""

import json
import random

from sqlalchemy import update

from eventflow import Event
from shop.database import BASE_DIR, Order, Session
from shop.events import OrderPlaced
from shop.flow import flow

__all__ = ["FAILURE_RATE", "FOLDER", "pack"]

FOLDER = BASE_DIR / "warehouse"
FAILURE_RATE = 0.5  # of the calls to its API


@flow.subscriber("warehouse")
def pack(event: Event[OrderPlaced]) -> None:
    """Have an order packed, and write down that it is."""
    order = event.data
    _call_warehouse({"order": order.order_id, "product": order.product, "count": order.quantity})
    with Session.session_factory.begin() as session:
        session.execute(update(Order).where(Order.id == order.order_id).values(status="packed"))


def _call_warehouse(slip: dict[str, object]) -> None:
    """Stand in for the warehouse's API: a packing slip is a file, and half of the calls fail."""
    if random.random() < FAILURE_RATE:
        message = "the warehouse does not answer"
        raise ConnectionError(message)
    FOLDER.mkdir(exist_ok=True)
    # A second call for an order writes the same file: an attempt may be repeated.
    (FOLDER / f"order-{slip['order']}.json").write_text(json.dumps(slip) + "\n")
