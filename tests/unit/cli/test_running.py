"""One run per data directory, and a worker for each integration."""

import json
import os
from pathlib import Path

import pytest

from eventflow.cli.deployment import integrations_of, worker_name
from eventflow.cli.running import RunLock
from eventflow.errors import StartError
from eventflow.rules import load_rules


def test_a_second_run_is_told_about_the_first(tmp_path: Path) -> None:
    """The second to come learns the first's process, its start, its Flower, and how to stop it."""
    with RunLock(tmp_path / "data" / "up.lock", "eventflow up") as lock:
        lock.note(flower="http://127.0.0.1:5555")
        with pytest.raises(StartError) as caught:
            RunLock(tmp_path / "data" / "up.lock", "eventflow up").__enter__()
    message = str(caught.value)
    assert f"`eventflow up` is running in {tmp_path / 'data'} already" in message
    assert f"process {os.getpid()}, since 20" in message
    assert "Flower: http://127.0.0.1:5555." in message
    assert f"`kill {os.getpid()}`" in message


def test_a_run_that_has_said_nothing_yet_is_respected(tmp_path: Path) -> None:
    """A lock that is held, with nothing written beside it, is held all the same."""
    path = tmp_path / "up.lock"
    with RunLock(path, "eventflow up"):
        path.write_text("")
        with pytest.raises(StartError, match=r"`eventflow up` is running in .* already$"):
            RunLock(path, "eventflow up").__enter__()


def test_the_lock_is_free_after_the_run(tmp_path: Path) -> None:
    """After a run, and after one that failed, the next one may begin."""
    path = tmp_path / "up.lock"
    with pytest.raises(ZeroDivisionError), RunLock(path, "eventflow up"):
        raise ZeroDivisionError
    with RunLock(path, "eventflow up"):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert path.read_text() == ""


def test_what_a_killed_run_left_is_overwritten(tmp_path: Path) -> None:
    """What is written beside a lock that nobody holds is not believed."""
    path = tmp_path / "up.lock"
    path.write_text(json.dumps({"pid": 1, "since": "long ago", "flower": "x" * 200}))
    with RunLock(path, "eventflow up"):
        assert sorted(json.loads(path.read_text())) == ["pid", "since"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """Where a file stands in the way, the message names the lock and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=r"file/data/up\.lock cannot be opened: Not a directory"):
        RunLock(tmp_path / "file" / "data" / "up.lock", "eventflow up").__enter__()


def test_integrations_have_the_queues_of_their_targets(tmp_path: Path) -> None:
    """Targets of one integration share its worker; a target alone is its own integration."""
    (tmp_path / "rules.yaml").write_text(
        "targets:\n"
        "  unlock: {task: a.b, integration: vendor}\n"
        "  lock: {task: a.c, integration: vendor, queue: locking}\n"
        "  audit: {task: a.d}\n"
    )
    found = integrations_of(load_rules(tmp_path))
    assert found == {"audit": ("audit",), "vendor": ("locking", "unlock")}


@pytest.mark.parametrize(
    ("integration", "expected"), [("audit", "audit"), ("router", "router-worker")]
)
def test_a_worker_is_named_after_its_integration(integration: str, expected: str) -> None:
    """A worker bears its integration's name, unless that is the name of another process."""
    assert worker_name(integration) == expected
