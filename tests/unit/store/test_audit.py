"""The audit on SQLite: the contract."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventflow.store import open_engine
from tests.contracts.audit import AuditContract


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty store."""
    return open_engine(f"sqlite:///{tmp_path}/eventflow.db")


class TestSqliteAudit(AuditContract):
    """The contract, on SQLite."""
