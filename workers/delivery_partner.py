"""The delivery partner: hears what became of its parcels."""

import asyncio
import os
from typing import Any
from urllib.parse import quote

from eventflow import Delivery, Event
from workers import flow
from workers.outside import post

__all__ = ["report_parcel"]


@flow.subscriber("delivery-partner")
async def report_parcel(event: Event[dict[str, Any]], delivery: Delivery) -> None:
    """Tell the partner's API what happened to a parcel."""
    base = os.environ.get("PARTNER_URL", "http://127.0.0.1:8099/partner")
    url = f"{base}/parcels/{quote(event.data['parcel']['id'], safe='')}/{quote(event.type)}"
    body = {"at": event.time.isoformat(), "minutes": event.data.get("minutes")}
    await asyncio.to_thread(post, url, body, key=delivery.id, timeout=8.0)
