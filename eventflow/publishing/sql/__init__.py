"""The outbox on a database that SQLAlchemy reaches: its table, and what a relay claims of it.

Imported only where it is needed: who publishes without an outbox need not pay for SQLAlchemy.
"""

from eventflow.publishing.sql.address import open_outbox
from eventflow.publishing.sql.outbox import SqlOutbox
from eventflow.publishing.sql.table import OUTBOX_NAME, outbox_table, rows_of

__all__ = ["OUTBOX_NAME", "SqlOutbox", "open_outbox", "outbox_table", "rows_of"]
