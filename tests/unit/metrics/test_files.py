"""The counters' files: those of processes that are gone are added up, and the folder is taken away."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from eventflow.metrics.files import FOLDER_VARIABLE, CounterFiles

NAME = "eventflow_attempts_total"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CounterFiles]:
    """The files of this process, in a folder of the test's; prometheus_client is left as it was."""
    from prometheus_client import values

    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    made = CounterFiles(tmp_path)
    yield made
    made.remove()


def write(folder: Path, pid: int, number: float) -> None:
    """Write what a process has counted."""
    kept = MmapedDict(str(folder / f"counter_{pid}.db"))
    kept.write_value(mmap_key(NAME[:-6], NAME, ["target"], ["door"], "Attempts."), number, 0.0)
    kept.close()


def total(files: CounterFiles) -> float:
    """Return the sum of what all have counted."""
    return sum(sample.value for metric in files.collect() for sample in metric.samples)


def dead_pid() -> int:
    """Return the number of a process that has just ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_all_processes_count_is_added_up(files: CounterFiles):
    """Those that live, and those that are gone."""
    write(files.folder, os.getpid(), 2)
    write(files.folder, dead_pid(), 3)
    assert total(files) == 5


def test_files_of_processes_that_are_gone_become_one(files: CounterFiles):
    """However many end, one file of them stays, and no count is lost or doubled."""
    write(files.folder, os.getpid(), 1)
    for _ in range(3):
        write(files.folder, dead_pid(), 10)
        total(files)
    names = sorted(file.name for file in files.folder.glob("*.db"))
    assert names == [f"counter_{os.getpid()}.db", "counter_gone.db"]
    assert [total(files), total(files)] == [31, 31]


def test_the_folder_is_private(files: CounterFiles):
    """Nobody else reads or writes what is counted."""
    assert files.folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_goes_with_its_process(files: CounterFiles):
    """So does the variable that names it."""
    assert os.environ[FOLDER_VARIABLE] == str(files.folder)
    files.remove()
    assert not files.folder.exists()
    assert FOLDER_VARIABLE not in os.environ


def test_a_killed_workers_folder_is_removed_by_the_next(
    tmp_path: Path, files: CounterFiles, monkeypatch: pytest.MonkeyPatch
):
    """Its lock is free; one that is held belongs to a worker that lives, or that just begins to."""
    left, held, new = (tmp_path / f"eventflow-metrics-{name}" for name in ("left", "held", "new"))
    for folder in (left, held, new):
        folder.mkdir()
        (folder / "lock").touch()
        if folder != new:
            os.utime(folder, (1.0, 1.0))
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.delenv(FOLDER_VARIABLE)
        other = CounterFiles(tmp_path)
        try:
            assert not left.exists()
            assert held.exists()
            assert new.exists()
            assert files.folder.exists()
        finally:
            other.remove()


def test_a_folder_that_is_given_is_used_and_kept(
    tmp_path: Path, files: CounterFiles, monkeypatch: pytest.MonkeyPatch
):
    """Where an application has its own folder, it is not ours to empty."""
    own = tmp_path / "own"
    monkeypatch.setenv(FOLDER_VARIABLE, str(own))
    given = CounterFiles(tmp_path)
    write(own, dead_pid(), 4)
    assert total(given) == 4
    given.remove()
    assert [file.suffix for file in own.iterdir()] == [".db"]
