"""Groups of failures on SQLite: the contract."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventflow.store import open_engine
from tests.contracts.groups import GroupsContract


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty store."""
    return open_engine(f"sqlite:///{tmp_path}/eventflow.db")


class TestSqliteGroups(GroupsContract):
    """The contract, on SQLite."""
