"""The store's tables as SQLAlchemy sees them; `migrations/` makes them, and a test compares."""

from sqlalchemy import BigInteger, Column, Double, Integer, LargeBinary, MetaData, Table, Text

__all__ = ["ARCHIVE", "AUDIT", "DEAD_LETTERS", "JOURNAL", "METADATA", "REPLAYS", "SCHEMA"]

METADATA = MetaData()

SCHEMA = Table(
    # Prefixed, as all are: on PostgreSQL the store may share a database with the application.
    "eventflow_schema",
    METADATA,
    Column("only", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)

DEAD_LETTERS = Table(
    "eventflow_dead_letters",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("bus", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rules", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("first_attempt_at", Double, nullable=False),
    Column("first_died_at", Double, nullable=False),
    Column("died_at", Double, nullable=False),
    Column("state", Text, nullable=False),
    Column("redrives", BigInteger, nullable=False),
    Column("redriven_at", Double, nullable=False),
    # The redrives that the letter last recorded had seen: tells a new death from an old message.
    Column("recorded_redrives", BigInteger, nullable=False),
    # Text, not JSONB: PostgreSQL's JSONB refuses the character NUL, which an event may hold.
    Column("record", Text, nullable=False),
    Column("group_id", Text, nullable=False, server_default=""),
    Column("place", Text, nullable=False, server_default=""),
)

AUDIT = Table(
    "eventflow_audit",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
)

JOURNAL = Table(
    "eventflow_journal",
    METADATA,
    Column("bus", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("step", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("replay_name", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("duration", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("error_type", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("facts", Text, nullable=False),
)

ARCHIVE = Table(
    "eventflow_archive",
    METADATA,
    Column("bus", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("accepted_at", Double, primary_key=True),
    Column("source", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("archives", Text, nullable=False),
    Column("kept_until", Double, nullable=False),  # infinity for ever
    Column("size", BigInteger, nullable=False),  # of the event itself, in bytes
    Column("coding", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("targets", Text, nullable=False),  # those that it was sent to
)

REPLAYS = Table(
    "eventflow_replays",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("bus", Text, nullable=False),
    Column("arguments", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("cursor_at", Double, nullable=False),
    Column("cursor_id", Text, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("updated_at", Double, nullable=False),
    Column("ended_at", Double, nullable=False),
)
