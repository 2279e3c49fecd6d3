"""The pytest plugin: a user's project is tested by a pytest of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from eventflow.errors import BusError
from eventflow.testing.finding import find_flow, find_rules

ROOT = Path(__file__).resolve().parents[3]

RULES = """
targets:
  doors: {task: shop.doors.open_door}
rules:
  open: {pattern: {source: [shop]}, targets: [doors]}
"""

TESTS = """
from eventflow import Event

def test_published(eventflow_bus):
    eventflow_bus.publish(Event(source="shop", type="Arrived", data={}))
    [attempt] = eventflow_bus.deliver_all()
    assert attempt.outcome == "done"

def test_each_has_its_own(eventflow_bus):
    assert eventflow_bus.published() == []
    assert eventflow_bus.deliver_all() == []
"""


def run_pytest(place: Path) -> subprocess.CompletedProcess[str]:
    """Run pytest on a project, with a broker in the environment that nobody could reach."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        cwd=place,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "EVENTFLOW_REDIS_URL": "redis://127.0.0.1:1/0",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Rules and tests, and no code."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "shop.yaml").write_text(RULES)
    (tmp_path / "test_shop.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\neventflow_rules = policies\n")
    return tmp_path


def test_a_flow_and_its_subscribers(project: Path) -> None:
    """The module that is named is imported from pytest's root, and all that it discovers too."""
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").write_text(
        "from eventflow import EventFlow\nflow = EventFlow()\nflow.discover(__name__)\n"
    )
    (project / "shop" / "doors.py").write_text(
        "from shop import flow\n@flow.subscriber('doors')\ndef open_door(event):\n"
        "    open('opened', 'w').close()\n"
    )
    with (project / "pytest.ini").open("a") as file:
        file.write("eventflow_workers = shop\n")
    done = run_pytest(project)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert (project / "opened").exists()


def test_a_module_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is named and missing is an error that says what to set."""
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BusError, match=r"no module 'shops' in .* set eventflow_workers in pytest"):
        find_flow("shops", tmp_path)


def test_a_module_without_a_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is named and holds none is an error that says where it was looked for."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "flowless.py").write_text("")
    with pytest.raises(BusError, match=r"'flowless' \(.*flowless.py\) holds no EventFlow"):
        find_flow("flowless", tmp_path)


def test_rules_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no module is named, and the project has none of the usual name, there is no flow."""
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_flow("", tmp_path) is None
    assert find_rules("policies", None, tmp_path) == tmp_path / "policies"
    assert find_rules("", None, tmp_path) == tmp_path / "rules"


def test_it_costs_nothing_unless_used() -> None:
    """Loading the plugin imports nothing of eventflow but itself, nor what eventflow stands on."""
    program = (
        "import json, sys, eventflow.testing.plugin;"
        "print(json.dumps(sorted(name for name in sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = json.loads(done.stdout)
    assert not {"celery", "kombu", "redis", "pydantic", "sqlalchemy", "yaml"} & set(loaded)
    assert [name for name in loaded if name.startswith("eventflow.")] == [
        "eventflow.testing",
        "eventflow.testing.plugin",
    ]
