"""The demo finds the reference deployment, and its processes find nothing but the demo's own."""

import re
from pathlib import Path

import pytest

from eventflow.cli.demo_place import Place, find_reference
from eventflow.errors import StartError


def _deploy(folder: Path) -> Path:
    (folder / "workers").mkdir(parents=True)
    (folder / "workers" / "simulated_vendor.py").touch()
    (folder / "rules").mkdir()
    return folder


def test_current_folder_first(tmp_path: Path) -> None:
    """A checkout's own files are the ones that run."""
    here = _deploy(tmp_path / "here")
    package = tmp_path / "site" / "eventflow"
    _deploy(package / "reference")

    assert here == find_reference(here, package)


def test_installed_copy_next(tmp_path: Path) -> None:
    """A project's own workers and rules are not the demo's; the wheel's copy is."""
    project = tmp_path / "project"
    (project / "workers").mkdir(parents=True)
    (project / "rules").mkdir()
    package = tmp_path / "site" / "eventflow"
    _deploy(package / "reference")

    assert package / "reference" == find_reference(project, package)


def test_source_tree_last(tmp_path: Path) -> None:
    """Run from anywhere, a source tree's package finds what lies beside it."""
    checkout = _deploy(tmp_path / "checkout")

    assert checkout == find_reference(tmp_path, checkout / "eventflow")


def test_nowhere(tmp_path: Path) -> None:
    """Where there is none, the message says where it was looked for."""
    with pytest.raises(StartError, match=f"is in none of {re.escape(str(tmp_path))}, "):
        find_reference(tmp_path, tmp_path / "site" / "eventflow")


def test_environment_keeps_the_demo_to_itself(tmp_path: Path) -> None:
    """Another broker, ledger or store in the environment does not reach the demo's processes."""
    place = Place(
        reference=tmp_path / "ref", data_dir=tmp_path / "data", vendor_port=81, flower_port=82
    )
    environment = place.environment(
        {
            "EVENTFLOW_BROKER_URL": "redis://production",
            "EVENTFLOW_REDIS_URL": "redis://production",
            "EVENTFLOW_DATABASE_URL": "postgresql://production",
            "EVENTFLOW_CONCURRENCY": "3",
            "PYTHONPATH": "/mine:here",
        }
    )

    assert not [value for value in environment.values() if "production" in value]
    assert environment["EVENTFLOW_CONCURRENCY"] == "3"
    assert f"{tmp_path / 'ref'}:/mine:{Path.cwd() / 'here'}" == environment["PYTHONPATH"]
    assert str(tmp_path / "ref" / "rules") == environment["EVENTFLOW_RULES"]
    assert environment["DEVICE_VENDOR_URL"] == "http://127.0.0.1:81/vendor"
