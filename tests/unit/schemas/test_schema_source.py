"""The schemas in force: hot reload, faulty sets refused, the last good one kept."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventflow.errors import SchemaError
from eventflow.schemas.source import SchemaSource

FILE = "shop/Sold/1.0.json"
GOOD = {FILE: {}}
FAULTY = {FILE: {"type": "nothing"}}
WriteSchemas = Callable[[dict[str, Any]], Path]


class Clock:
    """A clock that stands until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the source's clock."""
    return Clock()


@pytest.fixture
def source(write_schemas: WriteSchemas, clock: Clock) -> SchemaSource:
    """Return a source over one good file, nothing loaded yet."""
    return SchemaSource(write_schemas(GOOD), interval=1.0, clock=clock)


def look(source: SchemaSource, clock: Clock, times: int = 1) -> list[str]:
    """Let the interval pass so many times; return the schemas in force after."""
    for _ in range(times):
        clock.now += 1.0
        source.current()
    return [str(item.name) for item in source.current().repository.documents]


def test_no_directory(tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    """Where there is none there are no schemas, and nothing is said; one that comes is seen."""
    source = SchemaSource(tmp_path / "schemas", clock=clock)
    with caplog.at_level(logging.INFO):
        assert source.current().repository.documents == ()
    assert caplog.records == []
    (tmp_path / "schemas/shop/Sold").mkdir(parents=True)
    (tmp_path / "schemas" / FILE).write_text("{}")
    assert look(source, clock, 2) == ["shop/Sold/1.0"]


def test_nothing_is_looked_at_within_the_interval(
    source: SchemaSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks a call costs no system call of the directory."""
    first = source.current()

    def fail(path: object) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("eventflow.schemas.source.list_files", fail)
    clock.now += 0.999
    assert source.current() is first


def test_a_change_is_loaded_once_it_is_stable(
    source: SchemaSource, clock: Clock, write_schemas: WriteSchemas
) -> None:
    """A change is in force when two looks have seen the same."""
    first = source.current()
    write_schemas({"shop/Sold/1.1.json": {}})
    assert look(source, clock) == ["shop/Sold/1.0"]
    assert look(source, clock) == ["shop/Sold/1.0", "shop/Sold/1.1"]
    assert source.current() is not first


def test_a_faulty_change_is_refused(
    source: SchemaSource,
    clock: Clock,
    write_schemas: WriteSchemas,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The last good set stays, the faults are logged once, and mended files are taken."""
    good = source.current()
    write_schemas(FAULTY)
    look(source, clock, 4)
    assert source.current() is good
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.__dict__["action"] == "schemas_refused"
    assert "the last good schemas stay in force" in record.getMessage()
    assert [problem.path for problem in source.problems] == ["type"]
    write_schemas({FILE: {"type": "object"}})
    look(source, clock, 2)
    assert source.current() is not good
    assert source.problems == ()


def test_faulty_from_the_start(write_schemas: WriteSchemas, clock: Clock) -> None:
    """Nothing is passed unchecked: every call says what is wrong until it is mended."""
    source = SchemaSource(write_schemas(FAULTY), clock=clock)
    for _ in range(2):
        with pytest.raises(SchemaError, match="no schemas could be loaded from"):
            source.current()
    write_schemas(GOOD)
    clock.now += 1.0
    assert len(source.current().repository.documents) == 1


def test_after_a_fork_with_the_lock_held(
    source: SchemaSource, clock: Clock, write_schemas: WriteSchemas
) -> None:
    """A process forked while a thread of its parent looked still sees changes."""
    source.current()
    write_schemas({"shop/Sold/1.1.json": {}})
    with source._lock:  # a thread that is not in the child
        child = os.fork()
        if child == 0:
            os._exit(0 if len(look(source, clock, 2)) == 2 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
