"""Links to Flower, where its address is set."""

from urllib.parse import quote

from eventflow.settings import Settings

__all__ = ["flower_link"]


def flower_link(settings: Settings, delivery: str) -> str:
    """Return the address of a delivery's page in Flower; empty where Flower's is not set.

    A delivery that travels alone is a Celery task by its own id, in all of its attempts. One of a
    list has no page of its own, and Flower says so.

    Args:
        settings: Have Flower's address.
        delivery: The delivery's id; empty for what is no delivery.
    """
    if not settings.flower_url or not delivery:
        return ""
    return f"{settings.flower_url.rstrip('/')}/task/{quote(delivery, safe='')}"
