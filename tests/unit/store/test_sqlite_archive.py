"""The archive on SQLite: the contract, and how it asks."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from eventflow.store import ArchiveCursor, ArchiveFilter, ArchiveStore, open_engine
from eventflow.store.archive_queries import page
from eventflow.store.engine import reading
from tests.contracts.archive import START, ArchiveContract, event_of


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine on an empty store."""
    return open_engine(f"sqlite:///{tmp_path}/eventflow.db")


class TestSqliteArchive(ArchiveContract):
    """The contract, on SQLite."""


@pytest.mark.parametrize(
    "filters",
    [
        ArchiveFilter(bus="default"),
        ArchiveFilter(bus="default", since=START, until=START + 9),
        ArchiveFilter(bus="default", types=("CourierArrived",)),
    ],
    ids=str,
)
def test_a_page_is_found_by_an_index_and_needs_no_sorting(
    engine: Engine, filters: ArchiveFilter
) -> None:
    """A page from the midst of a large archive costs no more than the first one."""
    ArchiveStore(engine).write([event_of()])
    after = ArchiveCursor(START + 1, "e1", "default")
    query = page(filters, after, 10, newest_first=False, with_body=True)
    statement = query.compile(engine, compile_kwargs={"literal_binds": True})
    with reading(engine) as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
    [step] = [row[3] for row in plan]
    assert "USING INDEX" in step
    assert "accepted_at>" in step
