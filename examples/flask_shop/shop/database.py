"""What the shop remembers, in SQLite."""

import os
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, scoped_session, sessionmaker

from eventflow.contrib.sqlalchemy import outbox_table

__all__ = ["BASE_DIR", "DATABASE", "Base", "Order", "Session", "engine"]

BASE_DIR = Path(__file__).resolve().parents[1]
DATABASE = os.environ.get("SHOP_DATABASE", f"sqlite:///{BASE_DIR / 'shop.db'}")

# Several processes write: each waits for the others.
engine = create_engine(DATABASE, connect_args={"timeout": 20})
Session = scoped_session(sessionmaker(engine))


class Base(DeclarativeBase):
    """The tables."""


class Order(Base):
    """Somebody wants something."""

    __tablename__ = "orders"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - as SQLAlchemy writes it

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    product: Mapped[str]
    quantity: Mapped[int]
    total_cents: Mapped[int]
    status: Mapped[str] = mapped_column(default="placed")


outbox_table(Base.metadata)  # beside the shop's own, so that an event is committed with its order
