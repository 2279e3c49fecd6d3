"""`eventflow schemas list`, `show` and `validate`, as the command line runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventflow.cli.main import main

SCHEMA = {
    "description": "Something\nwas sold.",
    "properties": {"price": {"$ref": "price.json"}},
    "required": ["price"],
    "x-eventflow": {"owner": "shop-team"},
}
FILES = {"shop/Sold/1.0.json": SCHEMA, "shop/Sold/price.json": {"type": "integer"}}
GOOD = {"source": "shop", "type": "Sold", "data": {"price": 5}}
BAD = {"source": "shop", "detail-type": "Sold", "detail": {"price": "secret"}}
Run = Callable[..., tuple[object, str, str]]


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    write_schemas: Callable[[dict[str, Any]], Path],
) -> Run:
    """Run the command over a repository of one schema; returns exit code, stdout and stderr."""
    monkeypatch.setenv("EVENTFLOW_SCHEMAS", str(write_schemas(FILES)))

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["schemas", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_list(run: Run) -> None:
    """One line a schema, or JSON."""
    code, out, _ = run("list")
    assert code == 0
    assert out.splitlines()[1].split() == (
        ["shop/Sold/1.0", "active,", "current", "enforce", "shop-team", "Something", "was", "sold."]
    )
    (item,) = json.loads(run("list", "--json")[1])
    assert (item["name"], item["status"], item["current"]) == ("shop/Sold/1.0", "active", True)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--source", "shop"], ["shop/Sold/1.0"]),
        (["--type", "Bought"], []),
        (["--owner", "shop-team", "--status", "active"], ["shop/Sold/1.0"]),
        (["--owner", "others"], []),
        (["--status", "deprecated"], []),
        (["--after", "shop/Sold/1.0"], []),
    ],
)
def test_list_some(run: Run, options: list[str], expected: list[str]) -> None:
    """Filters and pages choose schemas; that none fits is said."""
    code, out, _ = run("list", "--json", *options)
    assert (code, [item["name"] for item in json.loads(out)]) == (0, expected)
    assert ("is like that" in run("list", *options)[2]) == (not expected)


def test_list_of_nothing(run: Run, tmp_path: Path) -> None:
    """That there are none is said, and is no fault."""
    code, out, err = run("list", "--schemas", str(tmp_path / "none"))
    assert (code, out) == (0, "")
    assert err.startswith("There are no schemas in ")


def test_faulty_schemas(run: Run, write_schemas: Callable[[dict[str, Any]], Path]) -> None:
    """Every fault is one line, and the exit code is 1."""
    write_schemas({"shop/Sold/1.1.json": {"type": 5}, "shop/Sold/x.json": "{"})
    code, out, err = run("list")
    assert (code, out) == (1, "")
    assert "have 2 faults:" in err.splitlines()[0]


@pytest.mark.parametrize("name", ["shop/Sold/1.0", "shop/Sold", "shop/Sold/1.0.0"])
def test_show(run: Run, name: str) -> None:
    """A schema is shown by its name, the current version where none is said."""
    code, out, _ = run("show", name)
    assert code == 0
    assert '"$ref": "price.json"' in out
    shown = json.loads(run("show", name, "--whole", "--json")[1])
    assert shown["schema"]["properties"]["price"] == {"$ref": "#/$defs/price"}


def test_show_of_what_is_not_there(run: Run) -> None:
    """The nearest name is said."""
    code, _, err = run("show", "shop/Solt")
    assert code == 1
    assert "goes by the name 'shop/Solt': did you mean 'shop/Sold'?" in err


def test_validate(run: Run, tmp_path: Path) -> None:
    """Each event that would be refused is told with its line and every fault; exit code 1."""
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([json.dumps(GOOD), "", json.dumps(BAD), "{"]))
    code, out, err = run("validate", str(file))
    assert code == 1
    assert f"{file}:3: refuse: event 'Sold' of 'shop' does not fit its schema" in out
    assert "data.price: must be an integer; it is a string of 6 characters" in out
    assert f"{file}:4: refuse: not JSON" in out
    assert err == "3 events: 2 refused, 0 warned of\n"
    told = json.loads(run("validate", str(file), "--json")[1])
    assert told["ok"] is False
    assert [(item["line"], item["action"]) for item in told["events"]] == [
        (1, "pass"),
        (3, "refuse"),
        (4, "refuse"),
    ]
    assert told["events"][1]["faults"][0]["path"] == "data.price"


@pytest.mark.parametrize("document", [GOOD, [GOOD, GOOD]])
@pytest.mark.parametrize("indent", [None, 2])
def test_validate_one_document(run: Run, tmp_path: Path, document: object, indent: int) -> None:
    """A file may be one event, or a list of them, however it is laid out."""
    file = tmp_path / "events.json"
    file.write_text(json.dumps(document, indent=indent))
    count = "2 events" if isinstance(document, list) else "1 event"
    assert run("validate", str(file)) == (0, "", f"{count}: 0 refused, 0 warned of\n")


def test_validate_strictly(
    run: Run, tmp_path: Path, write_schemas: Callable[[dict[str, Any]], Path]
) -> None:
    """With --strict a warning fails too."""
    write_schemas({"repository.yaml": "unknown: warn"})
    file = tmp_path / "events.json"
    file.write_text(json.dumps({**GOOD, "type": "Other"}))
    assert run("validate", str(file))[0] == 0
    assert run("validate", "--strict", str(file))[0] == 1


def test_validate_an_empty_file(run: Run, tmp_path: Path) -> None:
    """A file without an event is told."""
    file = tmp_path / "events.json"
    file.write_text("\n")
    code, _, err = run("validate", str(file))
    assert code == 1
    assert "has no event: it takes one JSON object per line" in err
