"""`eventflow rules check` and `eventflow rules list`, as the command line runs them."""

import json

import pytest

from eventflow.cli.main import main

GOOD = """\
targets:
  audit: {task: workers.audit.keep, owner: security-team, description: "Keeps\\nall."}
  mail: {task: workers.mail.send, timeout: 5s, retry: {max_attempts: 0}}
rules:
  all: {description: Everything., owner: ops, pattern: {source: [{exists: true}]}, targets: [audit]}
  greet:
    bus: lab
    enabled: false
    pattern: {source: [x]}
    targets: [mail, {target: audit, input: {path: $.detail}}]
"""
CLEAN = GOOD.replace("    enabled: false\n", "")


@pytest.fixture
def run(capsys):
    """Run the command; returns exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["rules", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_check_says_that_all_is_well(run, write_rules):
    """Good rules are counted, and the exit code is 0."""
    write_rules(main=CLEAN)
    assert run("check") == (0, "2 rules, 2 targets: no problems\n", "")


def test_check_counts_one_as_one(run, write_rules):
    """One is not called several."""
    write_rules(main="targets: {a: {task: x}}")
    assert run("check", "--ignore", "unused-target")[1] == "0 rules, 1 target: no problems\n"
    assert run("check")[2] == "0 rules, 1 target: 1 warning\n"


def test_check_prints_each_problem_on_a_line(run, write_rules):
    """Problems are data, one a line, and the exit code is 1."""
    write_rules(main="targets: {a: {tsk: x}, b: {}}\nrule: {}\n")
    code, out, err = run("check", "rules")
    assert code == 1
    assert out.splitlines() == [
        "rules/main.yaml:1:15: error fault: targets.a.tsk: 'tsk' is an unknown key; did you mean 'task'?",
        "rules/main.yaml:1:24: error fault: targets.b: 'task' is missing",
        "rules/main.yaml:2:1: error fault: rule: 'rule' is an unknown key; did you mean 'rules'?",
    ]
    assert err == "3 problems in rules; routers keep the last good rules.\n"


def test_check_as_json(run, write_rules):
    """Programs read the same as JSON, with the same exit code."""
    write_rules(main=CLEAN)
    code, out, _ = run("check", "--json")
    assert (code, json.loads(out)) == (
        0,
        {"ok": True, "rules": 2, "targets": 2, "archives": 0, "problems": []},
    )
    write_rules(main="rule: {}")
    code, out, err = run("check", "--json")
    assert (code, err) == (1, "")
    assert json.loads(out) == {
        "ok": False,
        "problems": [
            {
                "severity": "error",
                "code": "fault",
                "file": "rules/main.yaml",
                "line": 1,
                "column": 1,
                "path": "rule",
                "message": "'rule' is an unknown key; did you mean 'rules'?",
            }
        ],
    }


def test_warnings_fail_when_strict(run, write_rules):
    """Warnings are told one a line with their codes; they fail with --strict alone."""
    write_rules(main=GOOD)
    code, out, err = run("check")
    assert (code, err) == (0, "2 rules, 2 targets: 2 warnings\n")
    assert out.splitlines() == [
        (
            "rules/main.yaml:3:3: warning unused-target: targets.mail: only rules that are not in "
            "force name this target"
        ),
        (
            "rules/main.yaml:8:5: warning disabled-rule: rules.greet.enabled: the rule is not in "
            "force; remove it when it is not coming back"
        ),
    ]
    assert run("check", "--strict")[0] == 1
    ignored = ["--ignore", "disabled-rule", "--ignore", "unused-target"]
    assert run("check", "--strict", *ignored)[:2] == (0, "2 rules, 2 targets: no problems\n")


def test_warnings_as_json(run, write_rules):
    """Programs tell warnings from errors by their severity."""
    write_rules(main=GOOD)
    code, out, _ = run("check", "--json", "--ignore", "unused-target")
    document = json.loads(out)
    assert (code, document["ok"]) == (0, True)
    assert [(item["severity"], item["code"], item["line"]) for item in document["problems"]] == [
        ("warning", "disabled-rule", 8)
    ]
    code, out, _ = run("check", "--json", "--strict")
    assert (code, json.loads(out)["ok"]) == (1, False)


def test_unknown_code_is_wrong_use(run, write_rules):
    """A code that there is not, or that of errors, cannot be ignored."""
    write_rules(main=GOOD)
    assert run("check", "--ignore", "nonsense")[0] == 2
    assert run("check", "--ignore", "fault")[0] == 2


def test_check_takes_the_directory_from_the_setting(run, write_rules, monkeypatch):
    """Without a path EVENTFLOW_RULES says where the rules are."""
    write_rules(main=GOOD).rename("elsewhere")
    monkeypatch.setenv("EVENTFLOW_RULES", "elsewhere")
    assert run("check")[0] == 0


def test_check_of_a_missing_directory(run, tmp_path, monkeypatch):
    """A directory that is not there was checked and is not so."""
    monkeypatch.chdir(tmp_path)
    code, out, _ = run("check")
    assert code == 1
    assert out.startswith("rules: error fault: there is no such directory")


def test_control_characters_of_a_file_are_not_obeyed(run, write_rules):
    """A name in a faulty file cannot drive the terminal."""
    write_rules(main='"\\e[31m": 1')
    assert "\x1b" not in run("check")[1]


def test_wrong_use(run):
    """An option that there is not is wrong use."""
    assert run("check", "--nonsense")[0] == 2


def test_list_shows_rules_and_targets(run, write_rules):
    """The table names every rule and target with what matters about it."""
    write_rules(main=GOOD)
    code, out, err = run("list")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines == [
        ["RULE", "BUS", "ENABLED", "TARGETS", "OWNER", "DESCRIPTION"],
        ["all", "default", "yes", "audit", "ops", "Everything."],
        ["greet", "lab", "no", "mail,", "audit"],
        [],
        ["TARGET", "TASK", "QUEUE", "INTEGRATION", "TIMEOUT", "RETRY", "OWNER", "DESCRIPTION"],
        [
            "audit",
            "workers.audit.keep",
            "audit",
            "audit",
            "30s",
            "185",
            "in",
            "1d",
            "security-team",
            "Keeps",
            "all.",
        ],
        ["mail", "workers.mail.send", "mail", "mail", "5s", "0", "in", "1d"],
    ]


def test_list_as_json(run, write_rules):
    """Programs get everything that a rule and a target say."""
    write_rules(main=GOOD)
    document = json.loads(run("list", "--json")[1])
    assert document["rules"][1] == {
        "name": "greet",
        "description": "",
        "owner": "",
        "bus": "lab",
        "enabled": False,
        "pattern": {"source": ["x"]},
        "targets": [
            {"target": "mail", "input": None},
            {"target": "audit", "input": {"path": "$.detail"}},
        ],
        "file": "rules/main.yaml",
        "line": 6,
    }
    assert [target["name"] for target in document["targets"]] == ["audit", "mail"]
    assert document["targets"][1]["retry"]["max_attempts"] == 0


@pytest.mark.parametrize(
    ("options", "rules", "targets"),
    [
        ([], ["all", "greet"], ["audit", "mail"]),
        (["--bus", "lab"], ["greet"], ["audit", "mail"]),
        (["--target", "mail"], ["greet"], ["audit", "mail"]),
        (["--owner", "ops"], ["all"], ["audit"]),
        (["--enabled"], ["all"], ["audit"]),
        (["--disabled"], ["greet"], ["audit", "mail"]),
        (["--bus", "none"], [], []),
        (["--limit", "1"], ["all"], ["audit"]),
        (["--limit", "1", "--after", "all"], ["greet"], ["audit", "mail"]),
    ],
)
def test_list_some(run, write_rules, options, rules, targets):
    """Filters and pages choose rules, and the targets are those of the rules that are shown."""
    write_rules(main=GOOD)
    code, out, err = run("list", "--json", *options)
    document = json.loads(out)
    assert code == 0
    assert [rule["name"] for rule in document["rules"]] == rules
    assert sorted(target["name"] for target in document["targets"]) == targets
    assert ("--after all" in err) == (options == ["--limit", "1"])


def test_list_of_faulty_rules(run, write_rules):
    """Faulty rules are not listed; the problems are told instead."""
    write_rules(main="rule: {}")
    code, out, err = run("list")
    assert (code, out) == (1, "")
    assert "rules/main.yaml:1:1: rule: 'rule' is an unknown key" in err


def test_check_against_schemas(run, write_rules):
    """Rules are held against the repository of schemas: what can never be is an error."""
    text = (
        "targets: {audit: {task: workers.audit.keep}}\n"
        "rules: {r: {pattern: {source: [shop], detail-type: [Sold], detail: {m: [x]}}, "
        "targets: [audit]}}\n"
    )
    file = write_rules(main=text).parent / "schemas" / "shop" / "Sold" / "1.0.json"
    file.parent.mkdir(parents=True)
    schema = {"type": "object", "additionalProperties": False, "properties": {"n": {}}}
    file.write_text(json.dumps(schema))
    assert run("check") == (
        1,
        (
            "rules/main.yaml:2:69: error unknown-field: rules.r.pattern.detail.m: shop/Sold has no "
            "field detail.m; detail has n; no event can have it, so that this never matches\n"
        ),
        "1 rule, 1 target: 1 error, 0 warnings\n",
    )
    assert run("check", "--ignore", "unknown-field")[0] == 0
    assert run("check", "--schemas", "elsewhere")[0] == 0
    file.write_text("nonsense")
    code, _, err = run("check")
    assert code == 1
    assert "schemas/shop/Sold/1.0.json:1" in err
