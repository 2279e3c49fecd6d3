"""Notifications: the messages to people, whose words the rules have written."""

import os
from typing import Any
from urllib.parse import quote

from eventflow import Delivery
from workers import flow
from workers.outside import post

__all__ = ["send_message"]


@flow.subscriber("notifications")
def send_message(message: dict[str, Any], delivery: Delivery) -> None:
    """Send what a rule's template made: `{to, text}` and whatever else the message service takes."""
    base = os.environ.get("NOTIFICATIONS_URL", "http://127.0.0.1:8099/messages")
    url = f"{base}/{quote(message['to'], safe='')}"
    post(url, message, key=delivery.id, timeout=4.0)
