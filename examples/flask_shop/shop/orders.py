"""Taking an order, and showing how it stands."""

from typing import Any, Literal

from flask import Blueprint, abort, request
from pydantic import BaseModel, Field, ValidationError

from eventflow.contrib.flask import EventFlowExtension
from shop.database import Order, Session
from shop.events import OrderPlaced
from shop.flow import flow

__all__ = ["OrderForm", "events", "orders"]

PRICES = {"bell": 1200, "lamp": 3500, "voucher": 2500}  # in cents

events = EventFlowExtension(flow=flow, session=Session)
orders = Blueprint("orders", __name__)


class OrderForm(BaseModel):
    """What a customer must say."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    product: Literal["bell", "lamp", "voucher"]
    quantity: int = Field(ge=1, le=20)


@orders.post("/orders")
def place_order() -> tuple[dict[str, Any], int]:
    """Save an order and its event: both, or neither."""
    try:
        wanted = OrderForm.model_validate_json(request.get_data())
    except ValidationError as error:
        return {"errors": error.errors(include_url=False, include_context=False)}, 422
    order = Order(**wanted.model_dump(), total_cents=PRICES[wanted.product] * wanted.quantity)
    with Session.begin():
        Session.add(order)
        Session.flush()  # gives the order its number
        events.publish(
            OrderPlaced(order_id=order.id, **wanted.model_dump(), total_cents=order.total_cents),
            subject=f"order-{order.id}",
        )
    return _as_json(order), 201


@orders.get("/orders/<int:number>")
def show_order(number: int) -> dict[str, Any]:
    """Show an order."""
    order = Session.get(Order, number)
    if order is None:
        abort(404)
    return _as_json(order)


def _as_json(order: Order) -> dict[str, Any]:
    return {"order": order.id, "total_cents": order.total_cents, "status": order.status}
