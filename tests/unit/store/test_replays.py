"""The store of replays on SQLite."""

from pathlib import Path

import pytest

from eventflow.store import open_engine
from eventflow.store.replays import ReplayStore
from tests.contracts.replays import ReplayStoreContract


class TestSqliteReplays(ReplayStoreContract):
    """The contract, on SQLite."""

    @pytest.fixture
    def replays(self, tmp_path: Path) -> ReplayStore:
        """An empty store."""
        return ReplayStore(open_engine(f"sqlite:///{tmp_path}/eventflow.db"))
