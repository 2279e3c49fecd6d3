"""Adding an integration: the tutorial's two files in a copy of the project, and nothing else."""

import hashlib
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eventflow.app import EventFlow
from eventflow.cli.deployment import Roll, deployment_processes
from eventflow.cli.supervisor import Supervisor
from eventflow.embedded import running_server
from eventflow.events import Event
from eventflow.rules import load_rules
from eventflow.settings import load_settings
from tests.deployment import ROOT, TIMEOUT

_TUTORIAL = ROOT / "docs" / "tutorial" / "add-an-integration.md"


def _block(title: str) -> str:
    """Return a file as the tutorial shows it."""
    found = re.search(rf'```\w+ title="{title}"\n(.*?)```', _TUTORIAL.read_text(), re.DOTALL)
    assert found, f"the tutorial has no block {title}"
    return found[1]


def test_it_is_five_lines_of_python() -> None:
    """The tutorial's subscriber is five lines, blank ones apart."""
    code = [line for line in _block("workers/door_board.py").splitlines() if line]

    assert len(code) == 5


def test_its_event_is_delivered_by_a_real_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two new files, no other touched: a worker of its own hands the event to the subscriber."""
    for folder in ("workers", "rules"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    before = _digests(tmp_path)
    for title in ("workers/door_board.py", "rules/door-board.yaml"):
        (tmp_path / title).write_text(_block(title))
    monkeypatch.chdir(tmp_path)
    settings = load_settings(data_dir=tmp_path / "data", rules=tmp_path / "rules")
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "EVENTFLOW_DATA_DIR": str(settings.data_dir),
    }
    said: list[str] = []

    def note(name: str, line: str) -> None:
        said.append(f"{name}: {line}")

    flow = EventFlow(settings)
    supervisor = Supervisor(on_line=note, on_note=note)
    roll = Roll(flow.celery)
    for process in deployment_processes(load_rules(settings.rules), roll, environment=environment):
        if process.name in {"router", "door-board"}:
            supervisor.add(process)
    with running_server(settings), supervisor:
        supervisor.wait_until_ready(TIMEOUT)
        data = {"door": {"id": "garage-7"}, "open_for_seconds": 300}
        flow.publish(Event(source="door.sensor", type="DoorLeftOpen", data=data))
        board = tmp_path / "board.txt"
        _wait(lambda: board.exists() and bool(board.read_text()), said)

    assert board.read_text() == "Door garage-7 is open."
    assert {name: _digests(tmp_path)[name] for name in before} == before


def _digests(place: Path) -> dict[str, str]:
    files = [file for file in place.rglob("*") if file.suffix in {".py", ".yaml"}]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _wait(condition: Callable[[], bool], said: list[str]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline, "\n".join(said)
        threading.Event().wait(0.05)
