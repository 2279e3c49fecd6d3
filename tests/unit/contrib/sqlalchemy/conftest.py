"""A database in a file of each test's own, and a flow whose ledger is nowhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, create_engine

from eventflow.app import EventFlow
from eventflow.contrib.sqlalchemy import outbox_table
from eventflow.settings import load_settings
from eventflow.testing import MemoryBus


@pytest.fixture(scope="module")
def flow() -> EventFlow:
    """A flow that reaches no ledger."""
    return EventFlow(load_settings(redis_url="redis://127.0.0.1:1/0", publish_deadline="200ms"))


@pytest.fixture
def bus(flow: EventFlow, tmp_path: Path) -> Iterator[MemoryBus]:
    """What the flow publishes, in memory."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "none.yaml").write_text("targets: {}\nrules: {}\n")
    with MemoryBus(flow, rules=rules) as bus:
        yield bus


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with an outbox."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    metadata = MetaData()
    outbox_table(metadata)
    metadata.create_all(engine)
    yield engine
    engine.dispose()
