"""The customer gets a mail. In this shop a mail is a file in the folder `mails`."""

from django.core.mail import EmailMessage

from eventflow import Delivery, Event
from shop.celery import flow
from shop.events import OrderPlaced

__all__ = ["thank"]


@flow.subscriber("mailer")
def thank(event: Event[OrderPlaced], delivery: Delivery) -> None:
    """Thank the customer."""
    order = event.data
    EmailMessage(
        subject=f"Your order {order.order_id}",
        body=f"{order.quantity} x {order.product}: {order.total_cents / 100:.2f}. Thank you!",
        to=[order.email],
        # The same at each attempt, so that a mail that is sent twice is shown once.
        headers={"Message-ID": f"<{delivery.id.replace(':', '.')}@shop.example.org>"},
    ).send()
