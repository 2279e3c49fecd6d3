"""The customer gets a mail. In this shop a mail is a file in the folder `mails`."""

from email.message import EmailMessage

from eventflow import Delivery, Event
from shop.database import BASE_DIR
from shop.events import OrderPlaced
from shop.flow import flow

__all__ = ["FOLDER", "thank"]

FOLDER = BASE_DIR / "mails"


@flow.subscriber("mailer")
def thank(event: Event[OrderPlaced], delivery: Delivery) -> None:
    """Thank the customer."""
    order = event.data
    mail = EmailMessage()
    mail["From"], mail["To"] = "shop@example.org", order.email
    mail["Subject"] = f"Your order {order.order_id}"
    # The same at each attempt, so that a mail that is sent twice is shown once.
    mail["Message-ID"] = f"<{delivery.id.replace(':', '.')}@shop.example.org>"
    mail.set_content(
        f"{order.quantity} x {order.product}: {order.total_cents / 100:.2f}. Thank you!\n"
    )
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"order-{order.order_id}.eml").write_bytes(bytes(mail))
