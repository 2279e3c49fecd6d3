"""`eventflow schemas export`, as the command line runs it."""

import json
import sys
from pathlib import Path

import pytest

from eventflow.cli.main import main

MODULE = '''
from eventflow import EventModel


class Opened(EventModel, source="door", type="Opened", version="1.0"):
    """A door was opened."""

    door: str
'''


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Run the command on a package `exported_events` of this text; exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "exported_events").mkdir()
    (tmp_path / "exported_events" / "__init__.py").write_text("")

    def call(text: str, *options: str) -> tuple[object, str, str]:
        for name in [name for name in sys.modules if name.startswith("exported_events")]:
            del sys.modules[name]
        (tmp_path / "exported_events" / "doors.py").write_text(text)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        # As in a new process: the classes of the last run are forgotten.
        from eventflow.schemas import EventModel

        for model in EventModel.__subclasses__():
            if model.__module__.startswith("exported_events"):
                model.event_declared = False
        with pytest.raises(SystemExit) as done:
            main(["schemas", "export", "exported_events", *options])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


FILE = Path("schemas/door/Opened/1.0.json")


def test_second_run_changes_nothing(export) -> None:
    """The first run writes a draft, the second finds all the same and touches no file."""
    code, out, err = export(MODULE)
    assert (0, f"new {FILE}\n1 typed event: 1 written, 0 the same\n") == (code, out)
    assert "New ones are drafts" in err
    before = FILE.stat()
    assert (0, "1 typed event: 0 written, 1 the same\n", "") == export(MODULE)
    assert (before.st_mtime_ns, before.st_ino) == (FILE.stat().st_mtime_ns, FILE.stat().st_ino)
    assert [FILE] == [path for path in Path("schemas").rglob("*") if path.is_file()]


def test_check_writes_nothing(export) -> None:
    """With --check a difference is a diff and exit code 1, and nothing is written."""
    code, out, err = export(MODULE, "--check")
    assert (1, False) == (code, FILE.exists())
    assert f"+++ {FILE}" in out
    assert "1 of 1 typed event and their files disagree." in err
    export(MODULE)
    assert (0, "1 typed event: all agree with their files\n", "") == export(MODULE, "--check")


def test_published_version_is_refused_unless_forced(export) -> None:
    """A version that others rely on is written over with --force alone."""
    export(MODULE)
    document = json.loads(FILE.read_text())
    FILE.write_text(json.dumps({**document, "x-eventflow": {"status": "active", "owner": "us"}}))
    changed = MODULE.replace("door: str", "door: int")
    before = FILE.read_text()
    code, out, err = export(changed)
    assert (1, before) == (code, FILE.read_text())
    assert "raise the version that the class names" in out
    assert "Nothing was written: 1 published version would change." in err
    assert 0 == export(changed, "--force")[0]
    assert "integer" in FILE.read_text()
    assert "us" == json.loads(FILE.read_text())["x-eventflow"]["owner"]


def test_raised_version_is_a_file_of_its_own(export) -> None:
    """A model of a new version leaves the file of the last one as it is."""
    export(MODULE)
    before = FILE.read_text()
    assert 0 == export(MODULE.replace("1.0", "1.1").replace("door: str", "door: int"))[0]
    assert before == FILE.read_text()
    assert FILE.with_name("1.1.json").exists()


def test_module_without_events(export) -> None:
    """A module in which there is none is said; nothing was checked, so it is no success."""
    code, _, err = export("")
    assert (1, True) == (code, "no EventModel with a source and a type in exported_events" in err)


def test_module_that_is_not_there(export, capsys) -> None:
    """A module that cannot be imported is one line, without a traceback."""
    with pytest.raises(SystemExit) as done:
        main(["schemas", "export", "no_such_module"])
    assert 1 == done.value.code
    assert "there is no module 'no_such_module'" in capsys.readouterr().err
