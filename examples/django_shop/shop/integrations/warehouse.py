"""The warehouse packs what was ordered. Its API is out of order now and then."""

import json
import random
from pathlib import Path

from django.conf import settings

from eventflow import Event
from shop.celery import flow
from shop.events import OrderPlaced
from shop.models import Order

__all__ = ["pack"]


@flow.subscriber("warehouse")
def pack(event: Event[OrderPlaced]) -> None:
    """Have an order packed, and write down that it is."""
    order = event.data
    _call_warehouse({"order": order.order_id, "product": order.product, "count": order.quantity})
    Order.objects.filter(pk=order.order_id).update(status="packed")


def _call_warehouse(slip: dict[str, object]) -> None:
    """Stand in for the warehouse's API: a packing slip is a file, and half of the calls fail."""
    if random.random() < settings.WAREHOUSE_FAILURE_RATE:
        message = "the warehouse does not answer"
        raise ConnectionError(message)
    folder = Path(settings.WAREHOUSE_FOLDER)
    folder.mkdir(exist_ok=True)
    # A second call for an order writes the same file: an attempt may be repeated.
    (folder / f"order-{slip['order']}.json").write_text(json.dumps(slip) + "\n")
