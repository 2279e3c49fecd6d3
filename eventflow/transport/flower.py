"""Where Flower shows a delivery: a page that finds it, be its message its own or one of many."""

from urllib.parse import quote

from eventflow.transport.messages import display_name

__all__ = ["flower_link"]


def flower_link(flower: str, task: str, event_id: str) -> str:
    """Return the address of Flower's list of one event's deliveries to one task.

    A message of many deliveries has an id of its own, so that a delivery's is not always a task's;
    but each message's arguments name the events.

    Args:
        flower: Flower's address, such as `http://127.0.0.1:5555`.
        task: The target's task.
        event_id: The event's id.
    """
    quoted = event_id.replace("\\", "\\\\").replace('"', '\\"')
    # Flower puts what stands behind `name=` into its search, and so may stand there any of it.
    search = f'{display_name(task)} args:"{quoted}"'
    return f"{flower.rstrip('/')}/tasks?name={quote(search, safe='')}"
