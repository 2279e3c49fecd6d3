"""Celery's loop, kept from sleeping while something is ready to be done.

kombu's loop does what is ready, fires its timers, and then waits for its sockets, for up to a second.
What becomes ready in the first two steps waits just as long. On RabbitMQ a message may be read there,
and in the solo pool its task runs there, so that its acknowledgement lies ready while the loop
sleeps; and until that is said, the broker sends no further message. Leans on kombu's `Hub.fire_timers`,
whose answer is how long the loop waits, and on `Hub._ready`; a unit test turns a real hub.
"""

from typing import Any

from kombu.asynchronous import Hub

__all__ = ["keep_wakeful"]


def keep_wakeful(hub: Any) -> None:
    """Have a loop look at its sockets, and not wait for them, while something is ready.

    Args:
        hub: kombu's, before its loop is made; once more does no harm.
    """

    def fire_timers(**options: Any) -> float:
        wait: float = Hub.fire_timers(hub, **options)
        return 0.0 if hub._ready else wait  # noqa: SLF001 - see above

    hub.fire_timers = fire_timers
