"""The rules in force: hot reload, faulty sets refused, the last good one kept."""

import logging
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from eventflow.errors import RuleError
from eventflow.rules import RuleSource

GOOD = "targets: {a: {task: x}}"
BETTER = "targets: {a: {task: x}, bb: {task: y}}"
FAULTY = "targets: {a: {tsk: x}}"


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
def source(write_rules: Callable[..., Path], clock: Clock) -> RuleSource:
    """Return a source over one good file, nothing loaded yet."""
    return RuleSource(write_rules(a=GOOD), interval=1.0, clock=clock)


def look(source: RuleSource, clock: Clock, times: int = 1) -> list[str]:
    """Let the interval pass so many times; return the targets in force after."""
    for _ in range(times):
        clock.now += 1.0
        source.current()
    return list(source.current().targets)


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the actions that were logged."""
    return [record.action for record in caplog.records if hasattr(record, "action")]


def test_constructing_loads_nothing(tmp_path):
    """A source of a directory that is not there yet can be made."""
    assert RuleSource(tmp_path / "none").problems == ()


def test_first_call_loads_at_once(source, caplog):
    """The first set is in force at once, and it is said."""
    with caplog.at_level(logging.INFO):
        assert list(source.current().targets) == ["a"]
    (record,) = caplog.records
    assert (record.levelname, record.action, record.rules, record.targets) == (
        "INFO",
        "rules_loaded",
        0,
        1,
    )


def test_unchanged_files_are_not_loaded_again(source, clock):
    """The same set is returned as long as nothing changes."""
    first = source.current()
    look(source, clock, times=3)
    assert source.current() is first


def test_nothing_is_looked_at_within_the_interval(source, clock, write_rules, monkeypatch):
    """Between two looks a call costs no system call."""
    first = source.current()
    write_rules(a=FAULTY)

    def fail(path: object) -> None:
        raise AssertionError(path)

    monkeypatch.setattr("eventflow.rules.source.list_files", fail)
    clock.now += 0.999
    assert source.current() is first


def test_a_change_is_loaded_once_it_is_stable(source, clock, write_rules):
    """A change is in force when two looks have seen the same."""
    source.current()
    write_rules(a=BETTER)
    assert look(source, clock) == ["a"]
    assert look(source, clock) == ["a", "bb"]


def test_a_change_that_goes_on_is_waited_for(source, clock, write_rules):
    """While a file grows from look to look, the old rules stay."""
    source.current()
    write_rules(a=BETTER[:12])
    assert look(source, clock) == ["a"]
    write_rules(a=BETTER[:20])
    assert look(source, clock) == ["a"]
    write_rules(a=BETTER)
    assert look(source, clock) == ["a"]
    assert look(source, clock) == ["a", "bb"]
    assert source.problems == ()


def test_a_change_taken_back_is_none(source, clock, write_rules, caplog):
    """Files that are as before after one look are not loaded again."""
    first = source.current()
    folder = write_rules()
    (folder / "b.yaml").write_text(FAULTY)
    look(source, clock)
    (folder / "b.yaml").unlink()
    look(source, clock, times=2)
    assert source.current() is first


def test_new_and_removed_files_are_seen(source, clock, write_rules):
    """A file that comes or goes is a change."""
    source.current()
    folder = write_rules(b="targets: {c: {task: x}}")
    assert look(source, clock, times=2) == ["a", "c"]
    (folder / "a.yaml").unlink()
    assert look(source, clock, times=2) == ["c"]


def test_a_file_put_in_place_is_seen(source, clock, write_rules):
    """A file of the same size and time that takes another's place is a change."""
    source.current()
    folder = write_rules()
    before = (folder / "a.yaml").stat()
    new = folder / "new"
    new.write_text(GOOD.replace("a:", "z:"))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(folder / "a.yaml")
    assert look(source, clock, times=2) == ["z"]


def test_a_faulty_set_is_refused_loudly_and_once(source, clock, write_rules, caplog):
    """The last good set stays; one error tells every problem, once for each change."""
    good = source.current()
    write_rules(a=FAULTY, b="nonsense: 1")
    with caplog.at_level(logging.INFO):
        look(source, clock, times=5)
    assert source.current() is good
    (record,) = caplog.records
    assert (record.levelname, record.action) == ("ERROR", "rules_refused")
    assert len(record.problems) == len(source.problems) == 2
    assert "the last good rules stay in force" in record.getMessage()
    for problem in source.problems:
        assert str(problem) in record.getMessage()
        assert str(problem) in record.problems

    caplog.clear()
    write_rules(a=FAULTY + " ")
    look(source, clock, times=3)
    assert actions(caplog) == ["rules_refused"]


def test_a_repaired_set_is_loaded(source, clock, write_rules, caplog):
    """Once the files are good again they are in force, and there are no problems."""
    source.current()
    write_rules(a=FAULTY)
    look(source, clock, times=2)
    assert len(source.problems) == 1
    caplog.clear()
    with caplog.at_level(logging.INFO):
        write_rules(a=BETTER)
        assert look(source, clock, times=2) == ["a", "bb"]
    assert source.problems == ()
    assert actions(caplog) == ["rules_loaded"]


def test_a_directory_that_vanishes_is_a_faulty_set(source, clock, write_rules, caplog):
    """Without its directory the rules stay in force, and it is said."""
    good = source.current()
    shutil.rmtree(write_rules())
    look(source, clock, times=3)
    assert source.current() is good
    assert "there is no such directory" in source.problems[0].message
    assert actions(caplog) == ["rules_refused"]


def test_an_emptied_directory_is_a_faulty_set(source, clock, write_rules):
    """Rules do not vanish because their files do."""
    good = source.current()
    (write_rules() / "a.yaml").unlink()
    look(source, clock, times=2)
    assert source.current() is good
    assert "holds no rule file" in source.problems[0].message


def test_faulty_from_the_start_raises(write_rules, clock, caplog):
    """With no good set there is nothing to route by: each call raises, logged once."""
    source = RuleSource(write_rules(a=FAULTY), clock=clock)
    for _ in range(3):
        with pytest.raises(RuleError, match="no rules could be loaded from 'rules'") as caught:
            source.current()
        assert len(caught.value.problems) == 1
        clock.now += 1.0
    assert actions(caplog) == ["rules_refused"]
    write_rules(a=GOOD)
    clock.now += 1.0
    assert list(source.current().targets) == ["a"]


def test_a_directory_may_come_later(tmp_path, clock):
    """A source whose directory appears loads it at the next look."""
    source = RuleSource(tmp_path / "rules", clock=clock)
    with pytest.raises(RuleError):
        source.current()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(GOOD)
    assert look(source, clock) == ["a"]


def test_threads_share_one_source(source, clock, write_rules):
    """Many threads that ask at once get whole sets, old or new, and end with the new one."""
    source.current()
    write_rules(a=BETTER)
    seen: set[tuple[str, ...]] = set()
    faults: list[Exception] = []
    start = threading.Barrier(8)

    def ask() -> None:
        try:
            start.wait()
            for _ in range(200):
                clock.now += 0.5
                seen.add(tuple(source.current().targets))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert seen <= {("a",), ("a", "bb")}
    assert look(source, clock) == ["a", "bb"]
