"""Links to Flower, where its address is set."""

from urllib.parse import quote

from eventflow.settings import Settings

__all__ = ["event_link", "flower_link"]

# Flower's list of tasks takes a name from its address and puts it into its search, where an OR may
# follow it: so this name is of no task.
_NO_TASK = "any-of"


def flower_link(settings: Settings, delivery: str) -> str:
    """Return the address of a delivery's page in Flower; empty where Flower's is not set.

    A delivery that travels alone is a Celery task by its own id, in all of its attempts. One of a
    list has no page of its own, and Flower says so: `event_link` finds it.

    Args:
        settings: Have Flower's address.
        delivery: The delivery's id; empty for what is no delivery.
    """
    if not settings.flower_url or not delivery:
        return ""
    return f"{settings.flower_url.rstrip('/')}/task/{quote(delivery, safe='')}"


def event_link(settings: Settings, event_id: str) -> str:
    """Return the address of Flower's list of all that names an event; empty where Flower's is not set.

    Its routing and its deliveries: the event is named by the arguments of each, or by the result of a
    task that took it along.

    Args:
        settings: Have Flower's address.
        event_id: The event's id.
    """
    if not settings.flower_url:
        return ""
    quoted = event_id.replace("\\", "\\\\").replace('"', '\\"')
    search = f'{_NO_TASK} OR args:"{quoted}" OR result:"{quoted}"'
    return f"{settings.flower_url.rstrip('/')}/tasks?name={quote(search, safe='')}"
