"""eventflow in the transactions of SQLAlchemy's sessions, synchronous and asynchronous.

    outbox_table(Base.metadata)         # beside the models: your migrations make the table
    outbox = Outbox(flow)

    with Session.begin() as session:
        session.add(order)
        outbox.publish(session, OrderPlaced(order_id=order.id))

A relay publishes what is committed: `eventflow outbox relay --database-url …`. Without an outbox,
`publish_after_commit(flow, session, event)` waits for the commit, and is gone with a rollback.
"""

from eventflow.contrib.sqlalchemy.commit import publish_after_commit, publish_many_after_commit
from eventflow.contrib.sqlalchemy.outbox import Outbox
from eventflow.contrib.sqlalchemy.sessions import AnySession
from eventflow.publishing.sql import outbox_table

__all__ = [
    "AnySession",
    "Outbox",
    "outbox_table",
    "publish_after_commit",
    "publish_many_after_commit",
]
