"""The store: dead letters, the journal and archived events in SQL, on SQLite or PostgreSQL.

The names load when they are asked for: an integration's worker never opens the store, and need not
pay for SQLAlchemy with a quarter of its start and of its memory.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eventflow.store.archive import ArchiveStore
    from eventflow.store.archived import (
        ArchiveCursor,
        ArchivedEvent,
        ArchivedSummary,
        ArchiveFilter,
        ArchiveHolding,
        Pruned,
    )
    from eventflow.store.dead_letters import DeadLetterStore
    from eventflow.store.engine import open_engine, store_exists
    from eventflow.store.health import StoreFacts, read_store
    from eventflow.store.journal import JournalCursor, JournalFilter, JournalStore
    from eventflow.store.letters import (
        Cursor,
        DeadLetterCount,
        DeadLetterFilter,
        DeadLetterSummary,
        State,
        StoredDeadLetter,
        redrive_refusal,
    )

__all__ = [
    "ArchiveCursor",
    "ArchiveFilter",
    "ArchiveHolding",
    "ArchiveStore",
    "ArchivedEvent",
    "ArchivedSummary",
    "Cursor",
    "DeadLetterCount",
    "DeadLetterFilter",
    "DeadLetterStore",
    "DeadLetterSummary",
    "JournalCursor",
    "JournalFilter",
    "JournalStore",
    "Pruned",
    "State",
    "StoreFacts",
    "StoredDeadLetter",
    "open_engine",
    "read_store",
    "redrive_refusal",
    "store_exists",
]

_LETTERS = "eventflow.store.letters"
_ARCHIVED = "eventflow.store.archived"
_HOMES = {
    "ArchiveCursor": _ARCHIVED,
    "ArchiveFilter": _ARCHIVED,
    "ArchiveHolding": _ARCHIVED,
    "ArchiveStore": "eventflow.store.archive",
    "ArchivedEvent": _ARCHIVED,
    "ArchivedSummary": _ARCHIVED,
    "DeadLetterStore": "eventflow.store.dead_letters",
    "JournalCursor": "eventflow.store.journal",
    "JournalFilter": "eventflow.store.journal",
    "JournalStore": "eventflow.store.journal",
    "Pruned": _ARCHIVED,
    "StoreFacts": "eventflow.store.health",
    "open_engine": "eventflow.store.engine",
    "read_store": "eventflow.store.health",
    "store_exists": "eventflow.store.engine",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        message = f"module 'eventflow.store' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES.get(name, _LETTERS)), name)
