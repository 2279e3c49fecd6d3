"""`eventflow schemas generate`, as the command line runs it."""

import json
from pathlib import Path

import pytest

from eventflow.cli.main import main


@pytest.fixture
def generate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """Run the command in a folder with two sources; returns exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    schema = {"type": "object", "properties": {"door": {"type": "string"}}}
    for source in ("door.sensor", "courier.app"):
        file = Path("schemas") / source / "Opened" / "1.0.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(schema))

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["schemas", "generate", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_package_has_a_module_for_each_source(generate) -> None:
    """The second run changes nothing, and --check finds nothing to say."""
    code, out, _ = generate("--output", "events")
    assert (0, "2 schemas: 3 written, 0 the same") == (code, out.splitlines()[-1])
    assert ["__init__.py", "courier_app.py", "door_sensor.py"] == sorted(
        file.name for file in Path("events").iterdir()
    )
    assert (0, "2 schemas: 0 written, 3 the same\n", "") == generate("--output", "events")
    assert (0, "events: as the schemas say\n", "") == generate("--output", "events", "--check")


def test_check_shows_what_differs(generate) -> None:
    """With --check a module that somebody has edited is a diff and exit code 1."""
    generate("--output", "events.py")
    module = Path("events.py")
    edited = module.read_text().replace("door: str", "door: int")
    module.write_text(edited)
    code, out, err = generate("--output", "events.py", "--check")
    assert (1, edited) == (code, module.read_text())
    assert "-    door: int" in out
    assert "Write them anew" in err


def test_module_of_a_source_that_is_gone(generate) -> None:
    """A module whose schemas are gone is told by --check and removed; others are left alone."""
    generate("--output", "events")
    Path("events/mine.py").write_text("x = 1\n")
    Path("schemas/door.sensor/Opened/1.0.json").unlink()
    code, out, _ = generate("--output", "events", "--check")
    assert 1 == code
    assert "events/door_sensor.py: no schema is the source of this any more" in out
    assert "removed events/door_sensor.py" in generate("--output", "events")[1]
    assert Path("events/mine.py").exists()


def test_own_file_is_not_written_over(generate) -> None:
    """A file that somebody wrote is refused, and stays."""
    Path("events.py").write_text("x = 1\n")
    code, _, err = generate("--output", "events.py")
    assert (1, "x = 1\n") == (code, Path("events.py").read_text())
    assert "events.py was not written by `eventflow schemas generate`" in err


def test_nothing_to_generate(generate) -> None:
    """A repository without schemas is no success, and says where was looked."""
    code, _, err = generate("--schemas", "elsewhere", "--output", "events.py")
    assert (1, True) == (code, "There are no schemas in elsewhere" in err)
    assert not Path("events.py").exists()
