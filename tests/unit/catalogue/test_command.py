"""`eventflow schemas docs`, as the command line runs it."""

import json
from pathlib import Path

import pytest

from eventflow.cli.main import main
from tests.unit.catalogue.conftest import MakeRepository

RULES = """\
targets: {audit: {task: workers.audit.keep}}
rules: {all: {pattern: {source: [shop]}, targets: [audit]}}
"""


@pytest.fixture
def run(capsys, monkeypatch, tmp_path: Path, make_repository: MakeRepository):
    """Run the command in a folder with one schema; returns exit code, stdout and stderr."""
    repository = make_repository({"shop/Paid/1.0.json": {"description": "The shop was paid."}})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTFLOW_SCHEMAS", str(repository.root))

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["schemas", "docs", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_docs_writes_a_folder_and_counts(run, tmp_path: Path) -> None:
    """The command writes pages and document, and says how many files are other than before."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/all.yaml").write_text(RULES)
    expected = "1 event in site/index.html: 3 files, 3 changed, 0 removed\n"
    assert (0, expected, "") == run("-o", "site", "--no-models")
    expected = "1 event in site/index.html: 4 files, 1 changed, 0 removed\n"
    assert (0, expected, "") == run("-o", "site", "--no-models", "--yaml")
    document = json.loads((tmp_path / "site/asyncapi.json").read_text())
    assert "audit.receives.default" in document["operations"]
    assert (tmp_path / "site/asyncapi.yaml").exists()


def test_docs_says_what_it_leaves_out(run, monkeypatch) -> None:
    """Without rules and without the workers' module, it says so and writes the rest."""
    monkeypatch.setenv("EVENTFLOW_WORKERS", "no_such_workers")
    code, out, err = run("-o", "site", "--title", "Shop")
    assert (0, "1 event in site/index.html: 3 files, 3 changed, 0 removed\n") == (code, out)
    assert "There are no rules at rules: who receives is left out." in err
    assert "The classes that publish are left out: there is no module 'no_such_workers'" in err


def test_docs_of_faulty_rules_writes_nothing(run, tmp_path: Path) -> None:
    """Faulty rules are an error as everywhere, and no folder is made."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/all.yaml").write_text("rules: {a: {pattern: {}, targets: [none]}}")
    code, _, err = run("-o", "site", "--no-models")
    assert (1, True) == (code, err.startswith("Error: "))
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("amqps://guest:secret@host.example:5671//", "amqps"),
        ("rediss://:secret@host.example/0", "redis"),
    ],
)
def test_docs_tell_the_brokers_protocol_alone(
    run, monkeypatch, tmp_path: Path, url: str, protocol: str
) -> None:
    """Neither host nor password of the broker stands in what is written."""
    monkeypatch.setenv("EVENTFLOW_BROKER_URL", url)
    monkeypatch.setenv("EVENTFLOW_REDIS_URL", "redis://:secret@host.example/0")
    run("-o", "site", "--no-models")
    written = (tmp_path / "site/asyncapi.json").read_text()
    assert protocol == json.loads(written)["servers"]["broker"]["protocol"]
    assert "secret" not in written
    assert "host.example" not in written
