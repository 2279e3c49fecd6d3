"""The store: dead letters in SQL, on SQLite or PostgreSQL."""

from eventflow.store.dead_letters import DeadLetterStore
from eventflow.store.engine import open_engine, store_exists
from eventflow.store.health import StoreFacts, read_store
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
    "Cursor",
    "DeadLetterCount",
    "DeadLetterFilter",
    "DeadLetterStore",
    "DeadLetterSummary",
    "State",
    "StoreFacts",
    "StoredDeadLetter",
    "open_engine",
    "read_store",
    "redrive_refusal",
    "store_exists",
]
