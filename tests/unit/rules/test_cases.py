"""`eventflow rules test`: tests beside the rules, run as the command line runs them."""

import json
from pathlib import Path

import pytest

from eventflow.cli.main import main
from eventflow.rules import load_rules

RULES = """\
targets:
  vendor: {task: workers.vendor.open}
  mail: {task: workers.mail.send}
  audit: {task: workers.audit.keep}
  idle: {task: workers.idle.wait}
rules:
  open:
    pattern: {source: [courier.app], detail: {door: {kind: [garage]}}}
    targets: [vendor]
  tell:
    pattern: {source: [courier.app]}
    targets:
      - target: mail
        input:
          paths: {door: $.detail.door, at: $.time}
          template: {text: "Arrived: <at>", door: <door>, id: <aws.events.event.ingestion-time>}
  keep:
    pattern: {source: [courier.app]}
    targets: [{target: audit, input: {path: $.detail.missing, missing: fail}}]
"""
CASE = """\
tests:
  a garage opens:
    event: {source: courier.app, detail-type: Arrived, detail: {door: {kind: garage}, missing: 1}}
    targets: %s
"""


@pytest.fixture
def run(capsys, write_rules):
    """Run the command on RULES and tests; returns exit code, stdout and stderr."""

    def call(tests: str = "", *options: str) -> tuple[object, str, str]:
        write_rules(main=RULES)
        if tests:
            (Path("rules") / "main.test.yaml").write_text(tests)
        with pytest.raises(SystemExit) as done:
            main(["rules", "test", *options])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_event_reaches_its_targets(run):
    """A test whose event reaches just its targets, in any order, passes."""
    assert run(CASE % "[mail, audit, vendor]") == (0, "1 test: all passed\n", "")


def test_eventflow_names_and_a_bus(run):
    """An event may have eventflow's names; on another bus it reaches nothing."""
    tests = "tests: {t: {event: {source: courier.app, type: x, data: {}, bus: lab}, targets: []}}"
    assert run(tests)[0] == 0


def test_difference_of_targets(run):
    """A target that is not reached is told with what is nearest, one too many with its rules."""
    code, out, err = run(CASE.replace("garage}", "Garage}") % "[vendor, idle, audit]")
    assert (code, err) == (1, "1 test: 1 failed\n")
    assert out.splitlines() == [
        "rules/main.test.yaml:2: a garage opens",
        "  missing     vendor",
        "    nearest is the rule open:",
        '    detail.door.kind: wanted "garage"; found "Garage"',
        (
            "      hint: only the case differs, and case counts; "
            '{"equals-ignore-case": …} takes the text in any'
        ),
        "  missing     idle",
        "    no rule in force on the bus default names it",
        "  unexpected  mail, by tell",
        "",
    ]


def test_difference_of_inputs(run):
    """An input is compared where a test states it, and told by path."""
    targets = """
      - vendor
      - audit
      - target: mail
        input: {text: "Arrived: 2000-01-01T00:00:00Z", door: {kind: gate, open: true}}
"""
    code, out, _ = run(CASE % targets)
    assert code == 1
    assert out.splitlines() == [
        "rules/main.test.yaml:2: a garage opens",
        "  input       mail at $.door.kind",
        '    expected  "gate"',
        '    actual    "garage"',
        "  input       mail at $.door.open",
        "    expected  true",
        "    actual    nothing",
        "  input       mail at $.id",
        "    expected  nothing",
        '    actual    "2000-01-01T00:00:00.000Z"',
        "",
    ]


@pytest.mark.parametrize(
    ("stated", "passes"), [("1", True), ("1.0", True), ("true", False), ("'1'", False)]
)
def test_input_is_compared_by_value_and_kind(run, stated, passes):
    """Numbers are compared by value; true is not 1."""
    targets = f"[vendor, mail, {{target: audit, input: {stated}}}]"
    assert run(CASE % targets)[0] == (0 if passes else 1)


def test_target_without_input_gets_the_event(run):
    """Where a rule shapes no input, a test may state the event itself."""
    targets = "[mail, audit, {target: vendor, input: {id: test-event}}]"
    _, out, _ = run(CASE % targets)
    assert "  input       vendor at $.detail\n" in out
    assert "$.id" not in out


def test_input_that_cannot_be_made(run):
    """An input that cannot be made fails a test, whether or not it states one."""
    code, out, _ = run(CASE.replace(", missing: 1", "") % "[mail, audit, vendor]")
    assert code == 1
    assert "  fault       audit: the input of rule 'keep' could not be made" in out


def test_json(run):
    """Programs get every test with what is missing, unexpected and different."""
    tests = CASE % "[vendor, idle, {target: audit, input: 2}]"
    code, out, err = run(tests, "--json")
    document = json.loads(out)
    assert (code, err, document["ok"]) == (1, "", False)
    (test,) = document["tests"]
    assert test == {
        "name": "a garage opens",
        "file": "rules/main.test.yaml",
        "line": 2,
        "ok": False,
        "reached": ["vendor", "mail", "audit"],
        "missing": [{"target": "idle", "rule": None, "explanation": None}],
        "unexpected": [{"target": "mail", "rules": ["tell"]}],
        "inputs": [{"target": "audit", "path": "$", "expected": 2, "actual": 1}],
        "faults": [],
        "schema": None,
    }


def test_no_test_is_a_failure(run):
    """Rules without a test are told how to write one, with exit code 1."""
    code, out, err = run()
    assert (code, out) == (1, "")
    assert err == "rules holds no test: write one into a file that ends in .test.yaml\n"
    assert json.loads(run("tests: {}", "--json")[1]) == {"ok": False, "tests": []}


def test_every_fault_of_the_tests_is_told(run):
    """Faults of test files are told all at once, each with its place."""
    tests = """\
test: {}
tests:
  one: {event: {source: x, detail: {}}, targets: [vendor]}
  two: {evnt: {}, targets: [nobody, mail, mail]}
  three: 5
  four: {event: {source: x, type: y, data: {}, bus: a b}, targets: {}}
"""
    code, out, err = run(tests)
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "Error: the tests in 'rules' have 8 faults:",
        "  rules/main.test.yaml:1:1: test: 'test' is an unknown key; did you mean 'tests'?",
        "  rules/main.test.yaml:3:16: tests.one.event.type: is missing",
        (
            "  rules/main.test.yaml:4:9: tests.two.evnt: 'evnt' is an unknown key; did you mean "
            "'event'?"
        ),
        "  rules/main.test.yaml:4:29: tests.two.targets[0]: no target goes by the name 'nobody'",
        "  rules/main.test.yaml:4:43: tests.two.targets[2]: 'mail' is there twice",
        "  rules/main.test.yaml:5:3: tests.three: must be a mapping of a test's keys",
        (
            "  rules/main.test.yaml:6:53: tests.four.event.bus: String should match pattern "
            "'^[A-Za-z0-9._-]{1,64}$'"
        ),
        "  rules/main.test.yaml:6:68: tests.four.targets: must be a list, not a mapping",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- a\n", "holds no tests: write them below 'tests'"),
        ("tests: [", "is not YAML"),
        ("tests: 5\n", "must be a mapping of names to tests"),
        ("tests: {t: {targets: []}}\n", "'event' is missing"),
        ("tests: {t: {event: 5, targets: []}}\n", "must be a mapping, not 5"),
    ],
)
def test_what_is_no_test_file(run, content, words):
    """A file that holds something else is told what it should hold."""
    code, _, err = run(content)
    assert code == 1
    assert words in err


def test_path_is_a_directory(run):
    """A single file has no tests beside it that could be known: that is wrong use."""
    assert run(CASE % "[]", "rules/main.yaml")[0] == 2


def test_loader_passes_tests_over(run):
    """Tests are no rules: the loader does not read them, faulty or not."""
    run("nonsense: [")
    assert len(load_rules(Path("rules")).rules) == 3


def test_event_that_its_schema_refuses(run):
    """A test whose event could never be published fails, unless schemas are of no interest."""
    folder = Path("schemas/courier.app/Arrived")
    folder.mkdir(parents=True)
    schema = {"type": "object", "properties": {"missing": {"type": "string"}}}
    (folder / "1.0.json").write_text(json.dumps(schema))
    tests = CASE % "[mail, audit, vendor]"
    code, out, err = run(tests)
    assert (code, err) == (1, "1 test: 1 failed\n")
    assert out.splitlines()[:3] == [
        "rules/main.test.yaml:2: a garage opens",
        (
            "  schema      event 'Arrived' of 'courier.app' does not fit its schema "
            "schemas/courier.app/Arrived/1.0.json:"
        ),
        "    data.missing: must be a string; it is an integer;",
    ]
    assert json.loads(run(tests, "--json")[1])["tests"][0]["schema"].startswith("event 'Arrived'")
    assert run(tests, "--ignore", "schema") == (0, "1 test: all passed\n", "")
    (folder / "1.0.json").write_text(json.dumps({**schema, "x-eventflow": {"validation": "warn"}}))
    assert run(tests)[0] == 0
