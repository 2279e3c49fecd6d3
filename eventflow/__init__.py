"""Event routing for teams that already run Celery.

The few names that a user needs; each loads only when it is asked for, so that
``import eventflow.patterns`` pays for nothing but patterns.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventflow.app import EventFlow
    from eventflow.errors import EventflowError, Refuse, Retry
    from eventflow.events import Event
    from eventflow.schemas import EventModel
    from eventflow.subscribers import Delivery

__all__ = ["Delivery", "Event", "EventFlow", "EventModel", "EventflowError", "Refuse", "Retry"]

_HOMES = {
    "Delivery": "eventflow.subscribers",
    "Event": "eventflow.events",
    "EventFlow": "eventflow.app",
    "EventModel": "eventflow.schemas",
    "EventflowError": "eventflow.errors",
    "Refuse": "eventflow.errors",
    "Retry": "eventflow.errors",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        try:
            return version("eventflow")
        except PackageNotFoundError:  # a checkout that was never installed
            return "0.0.0"
    if name not in _HOMES:
        message = f"module 'eventflow' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
