"""Links to Flower, where its address is set."""

from urllib.parse import quote

__all__ = ["flower_link"]


def flower_link(flower_url: str, delivery: str) -> str:
    """Return the address of a delivery's page in Flower; empty where Flower's is not set.

    A delivery that travels alone is a Celery task by its own id, in all of its attempts. One of a
    list has no page of its own, and Flower says so.

    Args:
        flower_url: Flower's address, as it is set; may be empty.
        delivery: The delivery's id.
    """
    if not flower_url:
        return ""
    return f"{flower_url.rstrip('/')}/task/{quote(delivery, safe='')}"
