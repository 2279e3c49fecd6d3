"""Taking an order, and showing how it stands."""

import json
from typing import Any

from django import forms
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from eventflow.contrib.django import publish
from shop.events import OrderPlaced
from shop.models import Order

__all__ = ["OrderForm", "place_order", "show_order"]

PRICES = {"bell": 1200, "lamp": 3500, "voucher": 2500}  # in cents


class OrderForm(forms.Form):
    """What a customer must say."""

    email = forms.EmailField()
    product = forms.ChoiceField(choices=[(name, name) for name in PRICES])
    quantity = forms.IntegerField(min_value=1, max_value=20)


@require_POST
def place_order(request: HttpRequest) -> JsonResponse:
    """Save an order and its event: both, or neither."""
    form = OrderForm(_read_json(request.body))
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=422)
    wanted = form.cleaned_data
    total = PRICES[wanted["product"]] * wanted["quantity"]
    with transaction.atomic():
        order = Order.objects.create(**wanted, total_cents=total)
        publish(
            OrderPlaced(order_id=order.pk, **wanted, total_cents=total),
            subject=f"order-{order.pk}",
        )
    return JsonResponse(_as_json(order), status=201)


@require_GET
def show_order(_request: HttpRequest, number: int) -> JsonResponse:
    """Show an order."""
    return JsonResponse(_as_json(get_object_or_404(Order, pk=number)))


def _as_json(order: Order) -> dict[str, Any]:
    return {"order": order.pk, "total_cents": order.total_cents, "status": order.status}


def _read_json(body: bytes) -> dict[str, Any]:
    """Return the object in *body*; without one, an empty one, in which the form misses all."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
