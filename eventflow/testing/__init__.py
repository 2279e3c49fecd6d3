"""Testing rules and subscribers without a broker, a ledger or a worker.

Each name loads only when it is asked for: the pytest plugin lies in this package, and every run of
pytest loads that.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventflow.testing.attempts import Attempt
    from eventflow.testing.bus import MemoryBus

__all__ = ["Attempt", "MemoryBus"]

_HOMES = {
    "Attempt": "eventflow.testing.attempts",
    "MemoryBus": "eventflow.testing.bus",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module 'eventflow.testing' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
