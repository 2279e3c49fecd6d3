"""`eventflow schemas check`, as the command line runs it, in a git work tree of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventflow.cli.main import main

ONE: dict[str, Any] = {
    "type": "object",
    "properties": {"door": {"enum": ["garage", "gate"]}, "parcel": {"type": "string"}},
    "required": ["door", "parcel"],
    "x-eventflow": {"owner": "devices-team", "status": "active"},
}
RULES = """\
targets:
  vendor: {task: app.unlock}
  mail: {task: app.tell}
  audit: {task: app.keep}
rules:
  unlock:
    pattern: {source: [courier.app], detail-type: [Arrived], detail: {door: [garage]}}
    targets: [vendor, audit]
  tell:
    pattern: {source: [courier.app], detail-type: [{prefix: Arr}]}
    targets:
      - {target: mail, input: {paths: {what: $.detail.parcel}, template: {text: <what>}}}
  other:
    pattern: {source: [shop], detail: {door: [garage]}}
    targets: [mail]
"""
APP = """\
from eventflow import Event, EventFlow, EventModel

flow = EventFlow()
app = flow.celery


class Arrived(EventModel, source="courier.app", type="Arrived", version="1.0"):
    door: str
    parcel: str


@flow.subscriber("vendor")
def unlock(event: Event[Arrived]) -> None: ...


@flow.subscriber("mail")
def tell(text: dict) -> None: ...


@flow.subscriber("audit")
def keep(event: Event) -> None: ...
"""


def write(version: str, schema: object) -> None:
    file = Path("schemas/courier.app/Arrived") / f"{version}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(schema))


def change(version: str, **changes: object) -> None:
    write(version, {**ONE, **changes})


def git(*arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run the command where version 1.0 was committed; gives exit code, stdout and stderr."""
    for name in [name for name in os.environ if name.startswith(("GIT_", "EVENTFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    write("1.0", ONE)
    Path("rules").mkdir()
    Path("rules/main.yaml").write_text(RULES)
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["schemas", "check", "--no-code", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_nothing_changed(run) -> None:
    """Where all is well, the schemas are counted and the exit code is 0."""
    assert run("--against", "HEAD") == (0, "1 schema of 1 event: no problems\n", "")
    assert run() == (0, "1 schema of 1 event: no problems\n", "")


def test_a_published_version_is_immutable(run) -> None:
    """A change of a committed version is an error that says what to do."""
    change("1.0", required=["door"])
    code, out, err = run("--against", "HEAD")
    assert (1, "1 schema of 1 event: 1 error\n") == (code, err)
    assert out == (
        "schemas/courier.app/Arrived/1.0.json: error immutable: version 1.0 was published in HEAD "
        "and is changed now in more than words: put it back, and write the change as a new version\n"
    )


def test_what_breaks_names_the_rules_that_read_it(run) -> None:
    """Below each difference stand the rules whose patterns and inputs read the field."""
    change("1.1", properties={**ONE["properties"], "parcel": {"type": "integer"}})
    code, out, _ = run("--against", "HEAD")
    assert 1 == code
    lines = out.splitlines()
    assert lines[0] == (
        "schemas/courier.app/Arrived/1.1.json: error incompatible: data.parcel: is integer by 1.1: "
        "writers of 1.0 may send string: breaks readers by 1.1 of events by 1.0. Its mode is "
        "backward: mend it, or make it version 2.0"
    )
    assert lines[1] == (
        "  read by rule tell: the input of target mail reads detail.parcel (rules/main.yaml:9)"
    )
    assert "note beyond-the-mode" in lines[2]
    assert 4 == len(lines)


def test_a_major_version_is_a_warning(run) -> None:
    """A new major may break, which is told; --strict lets it fail."""
    change("2.0", properties={**ONE["properties"], "door": {"enum": ["garage"]}})
    code, out, err = run("--against", "HEAD")
    assert (0, "2 schemas of 1 event: 1 warning\n") == (code, err)
    assert 'warning new-major: data.door: may be "gate" by 1.0, which 2.0 does not take' in out
    assert "read by rule unlock: its pattern reads detail.door (rules/main.yaml:6)" in out
    assert 1 == run("--against", "HEAD", "--strict")[0]


def test_json(run) -> None:
    """Programs get the same, with the direction, both versions and who reads the field."""
    change("1.1", required=["door", "parcel", "weight"])
    code, out, _ = run("--against", "HEAD", "--json")
    document = json.loads(out)
    problem = document["problems"][0]
    assert (1, False, "HEAD", 2) == (code, document["ok"], document["against"], document["schemas"])
    assert {
        "code": "incompatible",
        "path": "data.weight",
        "direction": "backward",
        "verdict": "breaks",
        "old": "courier.app/Arrived/1.0",
        "new": "courier.app/Arrived/1.1",
        "read_by": [],
    }.items() <= problem.items()


def test_faults_are_told_first(run) -> None:
    """Where a file is no schema, that is all that is told."""
    write("1.1", {"type": "text"})
    code, out, err = run()
    assert (1, True) == (code, out.startswith("schemas/courier.app/Arrived/1.1.json:"))
    assert "error fault: " in out
    assert "processes keep the last good schemas" in err


def test_an_unknown_revision_is_wrong_use(run) -> None:
    """A revision that git does not know is exit code 2, with a word on shallow clones."""
    code, _, err = run("--against", "origin/main")
    assert 2 == code
    assert "git knows no revision 'origin/main' here" in err
    assert "git fetch origin main" in err


def test_a_revision_without_schemas(run) -> None:
    """Before there were schemas, none was published, and that is said."""
    git("rm", "-r", "--quiet", "--cached", "schemas")
    git("commit", "--quiet", "-m", "without")
    change("1.0", required=["door"])
    code, out, err = run("--against", "HEAD")
    assert (0, "1 schema of 1 event: no problems\n") == (code, out)
    assert "HEAD has no schemas: every version is new." in err


def test_a_revision_whose_schemas_are_faulty(run) -> None:
    """Faults of the revision are told as its own, and another is asked for."""
    write("1.1", {"type": "text"})
    git("commit", "--quiet", "-a", "-m", "x", "--allow-empty")
    git("add", ".")
    git("commit", "--quiet", "-m", "faulty")
    Path("schemas/courier.app/Arrived/1.1.json").unlink()
    code, _, err = run("--against", "HEAD")
    assert 1 == code
    assert "the schemas of HEAD cannot be read; name a revision in which they can" in err
    assert "HEAD:courier.app/Arrived/1.1.json" in err


def test_the_code_is_looked_at(run) -> None:
    """The subscribers that break, missing upcasters and a typed event that disagrees are told."""
    Path("app.py").write_text(APP)
    write("0.9", {"type": "object", "x-eventflow": {"owner": "o"}})
    change("1.1", properties={"door": {"type": "string"}, "parcel": {"type": "string"}})
    done = subprocess.run(
        [sys.executable, "-m", "eventflow", "schemas", "check", "--against", "HEAD"],
        env={
            **os.environ,
            "EVENTFLOW_WORKERS": "app",
            "PYTHONPATH": str(Path(__file__).parents[3]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert 1 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert "  read by subscriber app.unlock (target vendor), as Arrived of 1.0" in lines
    assert "app.keep (target audit), perhaps: it names no version" in done.stdout
    assert "app.tell" not in done.stdout  # its input has no door
    assert "1.0.json: error model: app.Arrived differs from this version" in done.stdout
    assert (
        "0.9.json: warning no-upcaster: subscribers ask for courier.app/Arrived/1.0, and no chain "
        "of upcasters leads there from 0.9"
    ) in done.stdout
