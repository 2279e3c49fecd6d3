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


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_begins_where_the_one_before_ended(engine: Engine, newest_first: bool) -> None:
    """SQLite begins at one bound alone: where the filter begins is none once it is passed."""
    archive = ArchiveStore(engine)
    archive.write([event_of(f"e{n}", accepted_at=START + n) for n in range(5)])
    filters = ArchiveFilter(bus="default", since=START + 1, until=START + 4)
    query = page(
        filters,
        ArchiveCursor(START + 2, "e2", "default"),
        10,
        newest_first=newest_first,
        with_body=False,
    )
    bound, other = ("accepted_at <", "accepted_at >")
    if not newest_first:
        bound, other = other, bound
    statement = str(query).partition("WHERE")[2].partition("ORDER")[0].replace("(eventflow", "")
    assert (1, 1) == (statement.count(bound), statement.count(other))
    with reading(engine) as connection:
        found = [row.event_id for row in connection.execute(query)]
    assert (["e1"] if newest_first else ["e3"]) == found


def test_a_cursor_from_elsewhere_widens_no_range(engine: Engine) -> None:
    """A page behind an event that is not in the range has nothing that is not in it, either."""
    archive = ArchiveStore(engine)
    archive.write([event_of(f"e{n}", accepted_at=START + n) for n in range(5)])
    filters = ArchiveFilter(bus="default", since=START + 2, until=START + 3)
    for place, newest_first in ((START, False), (START + 9, True)):
        after = ArchiveCursor(place, "e", "default")
        query = page(filters, after, 10, newest_first=newest_first, with_body=False)
        with reading(engine) as connection:
            assert ["e2"] == [row.event_id for row in connection.execute(query)]
