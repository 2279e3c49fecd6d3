"""The shop's views."""

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from eventflow.contrib.django import apublish, publish
from eventflow.schemas import EventModel
from tests.django_shop.models import Order

__all__ = ["OrderPlaced", "place_order", "place_order_async"]


class OrderPlaced(EventModel, source="shop.orders", type="OrderPlaced", version="1.0"):
    """An order was placed."""

    order_id: int
    number: int


def place_order(request: HttpRequest) -> HttpResponse:
    """Place an order; where the request says so, fail at the end of the transaction."""
    customer, number = request.POST["customer"], int(request.POST["number"])
    with transaction.atomic():
        order = Order.objects.create(customer=customer, number=number)
        event = OrderPlaced(order_id=order.pk, number=number)
        publish(event, id=f"{customer}-{number}", subject=customer)
        if "fail" in request.POST:
            transaction.set_rollback(True)
    return JsonResponse({"order": order.pk})


async def place_order_async(request: HttpRequest) -> HttpResponse:
    """Place an order in an async view."""
    customer, number = request.POST["customer"], int(request.POST["number"])
    order = await sync_to_async(Order.objects.create)(customer=customer, number=number)
    event = OrderPlaced(order_id=order.pk, number=number)
    await apublish(event, id=f"{customer}-{number}", subject=customer)
    return JsonResponse({"order": order.pk})
