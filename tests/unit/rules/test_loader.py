"""Loading rule files: what is read, and every fault with its file, line and column."""

from pathlib import Path

import pytest

from eventflow.errors import Problem, RuleError
from eventflow.rules import RetryPolicy, load_rules
from eventflow.rules.files import MAX_FILES
from eventflow.rules.reader import MAX_BYTES
from eventflow.units import Rate

EXAMPLE = """\
targets:
  device-vendor:
    task: workers.device_vendor.unlock_door
    owner: devices-team
    timeout: 10s
    retry: {max_attempts: 20, max_age: 24h, backoff: exponential, initial: 1s, factor: 2, max: 15m, jitter: full}
    circuit_breaker: {failure_rate: 0.5, min_calls: 20, window: 60s, open_for: 30s}
    rate_limit: 50/s
  notifications: {task: workers.notifications.send}
rules:
  unlock-garage-on-arrival:
    description: The garage opens when the courier stands before it.
    bus: default
    enabled: true
    pattern: {source: [courier.app], detail-type: [CourierArrived], detail: {door: {kind: [garage]}}}
    targets:
      - device-vendor
      - target: notifications
        input: {paths: {who: $.detail.recipient}, template: {message: "Your package, <who>"}}
"""

TWELVE_FAULTS = """\
targets:
  audit:
    task: workers.audit.keep
    timeout: 10 parsecs
    retires: {max_attempts: 3}
  vendor:
    task: workers.vendor.open
    rate_limit: 50 a second
    retry:
      max_attempts: -1
rules:
  first:
    pattern: {source: [courier.app], detail: {door: {kind: garage}}}
    targets: [vendr]
  second:
    targets: [audit]
  third:
    enabled: NO
    pattern: {source: [x]}
    targets:
      - target: audit
        input: {path: detail.door}
      - target: vendor
        input:
          paths: {who: $.detail.recipient}
          template:
            text: Hello <whom>
  third:
    pattern: {source: [x]}
    targets: []
"""


def test_the_designs_example_is_read(write_rules):
    """Every key of a target and a rule arrives in the rule set."""
    rule_set = load_rules(write_rules(main=EXAMPLE))
    target = rule_set.targets["device-vendor"]
    (rule,) = rule_set.rules
    assert ["device-vendor", "notifications"] == list(rule_set.targets)
    assert (10.0, "devices-team", Rate(50.0, 1.0)) == (
        target.timeout,
        target.owner,
        target.rate_limit,
    )
    assert target.retry == RetryPolicy(max_attempts=20)
    assert target.circuit_breaker is not None
    assert (rule.name, rule.bus, rule.enabled, rule.owner) == (
        "unlock-garage-on-arrival",
        "default",
        True,
        "",
    )
    assert (rule.file, rule.line) == ("rules/main.yaml", 11)
    assert [each.target for each in rule.targets] == ["device-vendor", "notifications"]
    assert rule.targets[0].input is None
    assert rule.targets[1].input is not None
    assert rule.pattern.matches(
        {
            "source": "courier.app",
            "detail-type": "CourierArrived",
            "detail": {"door": {"kind": "garage"}},
        }
    )


def test_twelve_faults_are_twelve_problems(write_rules):
    """A file with twelve different faults yields each with its line and column."""
    with pytest.raises(RuleError) as caught:
        load_rules(write_rules(main=TWELVE_FAULTS))
    found = [(problem.line, problem.column, problem.path) for problem in caught.value.problems]
    assert found == [
        (4, 14, "targets.audit.timeout"),
        (5, 5, "targets.audit.retires"),
        (8, 17, "targets.vendor.rate_limit"),
        (10, 21, "targets.vendor.retry.max_attempts"),
        (13, 60, "rules.first.pattern.detail.door.kind"),
        (14, 15, "rules.first.targets[0]"),
        (15, 3, "rules.second"),
        (18, 14, "rules.third.enabled"),
        (22, 23, "rules.third.targets[0].input.path"),
        (27, 19, "rules.third.targets[1].input.template.text"),
        (28, 3, ""),
        (30, 14, "rules.third.targets"),
    ]
    messages = [problem.message for problem in caught.value.problems]
    for expected, message in zip(
        [
            "'10 parsecs' is not a duration",
            "'retires' is an unknown key; did you mean 'retry'?",
            "'50 a second' is not a rate",
            "must be greater than or equal to 0, not -1",
            "",  # the pattern's own words
            "no target goes by the name 'vendr'; did you mean 'vendor'?",
            "'pattern' is missing",
            'must be true or false, not "NO"',
            "'detail.door' is not a path",
            "<whom> is no placeholder here",
            "'third' is written twice in one mapping; it is at line 17 too",
            "is empty: name at least one target",
        ],
        messages,
        strict=True,
    ):
        assert expected in message
    assert str(caught.value).splitlines()[0] == "the rules in 'rules' have 12 faults:"


HEAD = "targets: {audit: {task: workers.audit.keep}}\nrules:\n"
RULE = "  r: {pattern: {source: [x]}, targets: [audit]"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "rule: {}", "1:1: rule: 'rule' is an unknown key; did you mean 'rules'?", id="section"
        ),
        pytest.param(
            "version: 2",
            "1:1: version: 'version' is an unknown key; there are archives, rules, targets",
            id="section unlike any",
        ),
        pytest.param(
            "", " holds no rules and no targets: write them, or remove the file", id="empty"
        ),
        pytest.param(
            "# later",
            " holds no rules and no targets: write them, or remove the file",
            id="comment",
        ),
        pytest.param(
            "- a", "1:1: holds no rules and no targets: write them, or remove the file", id="list"
        ),
        pytest.param(
            "rules: [a]",
            "1:8: rules: must be a mapping of names to definitions",
            id="section a list",
        ),
        pytest.param("rules: {a: b: c}", "1:13: is not YAML", id="syntax"),
        pytest.param(
            "targets: {a: }",
            "1:11: targets.a: must be a mapping of a target's keys",
            id="no definition",
        ),
        pytest.param(
            "targets: {a: x.y}",
            "1:11: targets.a: must be a mapping of a target's keys",
            id="text for a target",
        ),
        pytest.param(
            "rules: {a: [x]}",
            "1:9: rules.a: must be a mapping of a rule's keys",
            id="list for a rule",
        ),
        pytest.param(
            "targets: {'a:b': {task: x}}",
            "1:11: targets.a:b: 'a:b' cannot be a name",
            id="name with a colon",
        ),
        pytest.param(
            "targets: {a: {task: x, name: b}}",
            "1:24: targets.a.name: 'name' is an unknown key",
            id="a second name",
        ),
        pytest.param("targets: {a: {}}", "1:11: targets.a: 'task' is missing", id="no task"),
        pytest.param(
            "targets: {a: {task: 5}}",
            "1:21: targets.a.task: must be text, not 5",
            id="number for a text",
        ),
        pytest.param(
            "targets: {a: {task: ~}}",
            "1:21: targets.a.task: must be text, not null",
            id="null for a text",
        ),
        pytest.param(
            "targets: {eventflow.x: {task: y}}",
            "1:11: targets.eventflow.x: 'eventflow.x': names that begin with eventflow. are reserved",
            id="reserved name",
        ),
        pytest.param(
            "targets: {a: {task: y, queue: eventflow.route}}",
            "1:31: targets.a.queue: 'eventflow.route': names that begin with eventflow. are reserved",
            id="reserved queue",
        ),
        pytest.param(
            "targets: {a: {task: y}, b: {task: z, queue: a}}",
            "1:45: targets.b.queue: the queue 'a' is that of the target 'a' already",
            id="one queue, two targets",
        ),
        pytest.param(
            "targets: {a: {task: y, timeout: 0s}}",
            '1:33: targets.a.timeout: must be greater than 0, not "0s"',
            id="no timeout",
        ),
        pytest.param(
            "targets: {a: {task: y, timeout: [1]}}",
            "1:33: targets.a.timeout: must be a number, not a list",
            id="list for a duration",
        ),
        pytest.param(
            "targets: {a: {task: y, timeout: .inf}}",
            "1:33: .inf is a number that JSON does not have",
            id="told once",
        ),
        pytest.param(
            "targets: {a: {task: y, retry: 5}}",
            "1:31: targets.a.retry: must be a mapping, not 5",
            id="number for a policy",
        ),
        pytest.param(
            "targets: {a: {task: y, retry: {maxattempts: 5}}}",
            "1:32: targets.a.retry.maxattempts: 'maxattempts' is an unknown key; did you mean 'max_attempts'?",
            id="key of a policy",
        ),
        pytest.param(
            "targets: {a: {task: y, retry: {initial: 2s, max: 1s}}}",
            "1:31: targets.a.retry: max (1s) is shorter than initial (2s)",
            id="order of waits",
        ),
        pytest.param(
            "targets: {a: {task: y, retry: {max_attempts: 5.0}}}",
            "1:46: targets.a.retry.max_attempts: must be a whole number, not 5.0",
            id="not whole",
        ),
        pytest.param(
            "targets: {a: {task: y, circuit_breaker: {failure_rte: 1}}}",
            "1:42: targets.a.circuit_breaker.failure_rte: 'failure_rte' is an unknown key; did you mean 'failure_rate'?",
            id="key of a breaker",
        ),
        pytest.param(
            "targets: {a: {task: y, arguments: kwargs}}",
            "1:35: targets.a.arguments: must be 'event' or 'keywords', not \"kwargs\"",
            id="choice",
        ),
        pytest.param(
            HEAD + "  'a b': {pattern: {source: [x]}, targets: [audit]}",
            "3:3: rules.a b: 'a b' cannot be a name",
            id="rule's name",
        ),
        pytest.param(
            HEAD + RULE + ", target: audit}",
            "3:49: rules.r.target: 'target' is an unknown key; did you mean 'targets'?",
            id="key of a rule",
        ),
        pytest.param(
            HEAD + RULE + ", bus: a b}", "3:54: rules.r.bus: 'a b' cannot be a bus", id="bus"
        ),
        pytest.param(
            HEAD + RULE + ", owner: 5}", "3:56: rules.r.owner: must be text, not 5", id="owner"
        ),
        pytest.param(
            HEAD + "  r: {pattern: [x], targets: [audit]}",
            "3:16: rules.r.pattern: must be a mapping, not a list",
            id="pattern a list",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}}",
            "3:3: rules.r: 'targets' is missing",
            id="no targets key",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: []}",
            "3:40: rules.r.targets: is empty: name at least one target",
            id="no targets",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: audit}",
            '3:40: rules.r.targets: must be a list, not "audit"',
            id="text for targets",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [audit, audit]}",
            "3:48: rules.r.targets[1]: the rule names 'audit' twice",
            id="target twice",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [{input: {path: $}}]}",
            "3:41: rules.r.targets[0]: 'target' is missing",
            id="target without a name",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [5]}",
            "3:41: rules.r.targets[0]: must be a mapping, not 5",
            id="number for a target",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [{target: audit, inputs: 1}]}",
            "3:57: rules.r.targets[0].inputs: 'inputs' is an unknown key; did you mean 'input'?",
            id="key of a rule's target",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [{target: audit, input: }]}",
            "3:64: rules.r.targets[0].input: is empty: write constant",
            id="empty input",
        ),
        pytest.param(
            HEAD + "  r: {pattern: {source: [x]}, targets: [{target: audit, input: {const: 1}}]}",
            "3:65: rules.r.targets[0].input.const: 'const' is an unknown key; did you mean 'constant'?",
            id="key of an input",
        ),
        pytest.param(
            HEAD
            + "  r: {pattern: {source: [x]}, targets: [{target: audit, input: {constant: 1, path: $}}]}",
            "3:64: rules.r.targets[0].input: takes one of constant, path and template",
            id="two kinds of input",
        ),
        pytest.param(
            HEAD
            + "  r: {pattern: {source: [x]}, targets: [{target: audit, input: {template: {<a>: 1}}}]}",
            "3:76: rules.r.targets[0].input.template.<a>: a placeholder may not be in a key",
            id="placeholder as key",
        ),
        pytest.param(
            HEAD
            + "  r: {pattern: {source: [x]}, targets: [{target: audit, input: {paths: {a: b}, template: x}}]}",
            "3:76: rules.r.targets[0].input.paths.a: 'b' is not a path",
            id="path of a template",
        ),
        pytest.param(
            b"targets: {a: {task: \xff}}", "1:21: is not UTF-8: byte 0xff", id="not UTF-8"
        ),
        pytest.param("#" * (MAX_BYTES + 1), " the file has 1,048,577 bytes", id="too large"),
    ],
)
def test_each_fault_is_told(faults_of, text, problem):
    """One fault is one problem, where it stands, saying what is wrong."""
    (line,) = faults_of(main=text)
    assert line.startswith(f"rules/main.yaml:{problem}")


@pytest.mark.parametrize(
    ("pattern", "places"),
    [
        pytest.param("{}", [(16, "")], id="empty"),
        pytest.param("{source: x}", [(25, ".source")], id="no list"),
        pytest.param(
            "{source: [{prefixx: a}], detail: {a: [1, {prefix: 5}], b: c}}",
            [(26, ".source[0]"), (57, ".detail.a[1]"), (74, ".detail.b")],
            id="one in each field",
        ),
        pytest.param(
            "{detail: {'x.y': [{numeric: ['>', a]}], $or: [{a: [1]}, {b: [{cidr: x}]}]}}",
            [(34, ".detail.x.y[0]"), (77, ".detail.$or[1].b[0]")],
            id="a dotted key and an alternative",
        ),
        pytest.param("{" + "a: {" * 105 + "b: [1]}" + "}" * 105, [(16, "")], id="too deep"),
    ],
)
def test_pattern_faults_stand_at_the_very_element(write_rules, pattern, places):
    """Each field's fault is told, at the element of the pattern that has it."""
    rules = write_rules(main=HEAD + f"  r: {{pattern: {pattern}, targets: [audit]}}")
    with pytest.raises(RuleError) as caught:
        load_rules(rules)
    assert [(problem.line, problem.column, problem.path) for problem in caught.value.problems] == [
        (3, column, f"rules.r.pattern{path}") for column, path in places
    ]


def test_faults_of_all_files_are_told_at_once(faults_of):
    """Each file's faults are found, whatever is wrong with the others."""
    lines = faults_of(a="rules: [", b="targets: {x: {}}", c="else: 1")
    assert [line.split(":")[0] for line in lines] == [
        "rules/a.yaml",
        "rules/b.yaml",
        "rules/c.yaml",
    ]


def test_a_name_defined_twice_says_where_the_first_is(faults_of):
    """Names are unique across files; the second one is at fault."""
    lines = faults_of(
        a="targets: {x: {task: y}}\n",
        b="rules: {r: {pattern: {source: [s]}, targets: [x]}}\n",
        c="\ntargets: {x: {task: z}}\nrules: {r: {pattern: {source: [s]}, targets: [x]}}\n",
    )
    assert lines == [
        "rules/c.yaml:2:11: targets.x: 'x' is defined already, at rules/a.yaml:1",
        "rules/c.yaml:3:9: rules.r: 'r' is defined already, at rules/b.yaml:1",
    ]


def test_a_rule_and_a_target_may_share_a_name(write_rules):
    """Rules and targets are named apart."""
    rule_set = load_rules(
        write_rules(a=HEAD + "  audit: {pattern: {source: [x]}, targets: [audit]}")
    )
    assert rule_set.rules[0].name == "audit"


def test_a_target_of_another_file_is_found(write_rules):
    """A rule may name targets of any file."""
    rule_set = load_rules(
        write_rules(
            a="rules: {r: {pattern: {source: [s]}, targets: [x]}}", b="targets: {x: {task: y}}"
        )
    )
    assert rule_set.rules[0].targets[0].target == "x"


def test_targets_of_an_unreadable_file_are_not_called_missing(faults_of):
    """What may stand in a file that could not be read is no second fault."""
    lines = faults_of(
        a="rules: {r: {pattern: {source: [s]}, targets: [x]}}", b="targets: {x: {task: y}"
    )
    assert len(lines) == 1
    assert lines[0].startswith("rules/b.yaml:")


def test_a_section_written_twice_is_one_fault(faults_of):
    """The targets of a second `targets:` are known, so that rules are not blamed for it."""
    lines = faults_of(
        a="targets: {x: {task: y}}\ntargets: {z: {task: y}}\n"
        "rules: {r: {pattern: {source: [s]}, targets: [x, z]}}"
    )
    assert lines == [
        "rules/a.yaml:2:1: 'targets' is written twice in one mapping; it is at line 1 too"
    ]


def test_a_faulty_target_is_still_known(faults_of):
    """A rule is not blamed for the faults of the target that it names."""
    (line,) = faults_of(a=HEAD.replace("task", "tsk") + RULE + "}")
    assert "targets.audit.tsk: 'tsk' is an unknown key; did you mean 'task'?" in line


def test_an_empty_section_is_none(write_rules):
    """A section whose entries are all commented out is like none."""
    rule_set = load_rules(write_rules(a="rules:\n#  r: ...\ntargets:\n  x: {task: y}\n"))
    assert (len(rule_set.rules), len(rule_set.targets)) == (0, 1)


def test_norway_is_a_country(write_rules):
    """Words that YAML 1.1 takes for booleans, times and dates match as text."""
    text = HEAD + (
        "  r: {pattern: {detail: {country: [NO], on: [on], at: [12:30], day: [2026-11-23]}}, "
        "targets: [audit]}"
    )
    (rule,) = load_rules(write_rules(a=text)).rules
    assert rule.pattern.source == {
        "detail": {"country": ["NO"], "on": ["on"], "at": ["12:30"], "day": ["2026-11-23"]}
    }


def test_aliases_may_share_a_policy(write_rules):
    """A policy that is written once may serve several targets."""
    rule_set = load_rules(
        write_rules(
            a="targets:\n  a: {task: x, retry: &patient {max_attempts: 7}}\n"
            "  b: {task: y, retry: *patient}\n"
        )
    )
    assert [7, 7] == [target.retry.max_attempts for target in rule_set.targets.values()]


def test_zero_values_arrive(write_rules):
    """Zero attempts and no initial wait are what the file says, not the defaults."""
    rule_set = load_rules(
        write_rules(a="targets: {a: {task: x, retry: {max_attempts: 0, initial: 0s}}}")
    )
    policy = rule_set.targets["a"].retry
    assert (policy.max_attempts, policy.initial) == (0, 0.0)


class TestFiles:
    """Which files are rule files."""

    def test_order_is_that_of_the_paths(self, write_rules):
        """Files count in the order of their paths, to the bottom of the directory."""
        folder = write_rules(b="rules: {b: {pattern: {source: [x]}, targets: [t]}}")
        (folder / "a").mkdir()
        (folder / "a" / "z.yml").write_text("rules: {z: {pattern: {source: [x]}, targets: [t]}}")
        (folder / "c.YAML").write_text("rules: {c: {pattern: {source: [x]}, targets: [t]}}")
        (folder / "targets.yaml").write_text("targets: {t: {task: x}}")
        rule_set = load_rules(folder)
        assert [rule.name for rule in rule_set.rules] == ["z", "b", "c"]
        assert rule_set.rules[0].file == "rules/a/z.yml"

    def test_what_is_hidden_or_else_is_passed_over(self, write_rules):
        """Hidden files and directories, and files of other names, are not read."""
        folder = write_rules(a="targets: {t: {task: x}}")
        (folder / ".git").mkdir()
        for name in (".hidden.yaml", ".git/x.yaml", "README.md", "x.yaml~", "x.json"):
            (folder / name).write_text("no: [rules")
        assert list(load_rules(folder).targets) == ["t"]

    def test_links_are_followed_once(self, write_rules):
        """A link to a directory is searched, a link back up ends."""
        folder = write_rules(a="targets: {t: {task: x}}")
        other = folder.parent / "other"
        other.mkdir()
        (other / "b.yaml").write_text("targets: {u: {task: x}}")
        (folder / "linked").symlink_to(other.absolute())
        (other / "up").symlink_to(folder.absolute())
        assert list(load_rules(folder).targets) == ["t", "u"]

    def test_a_single_file_is_a_rule_set(self, write_rules):
        """One file can be loaded alone."""
        folder = write_rules(a="targets: {t: {task: x}}", b="no: [rules")
        assert list(load_rules(folder / "a.yaml").targets) == ["t"]

    def test_no_directory(self, tmp_path):
        """A directory that is missing is named, with the setting that says where it is."""
        with pytest.raises(RuleError) as caught:
            load_rules(tmp_path / "none")
        (problem,) = caught.value.problems
        assert problem == Problem(
            str(tmp_path / "none"),
            0,
            0,
            "",
            "there is no such directory: make it, or set EVENTFLOW_RULES to where the rules are",
        )

    def test_an_empty_directory(self, tmp_path):
        """A directory without rule files is a fault: events would go nowhere in silence."""
        with pytest.raises(RuleError, match=r"holds no rule file: write one that ends in \.yaml"):
            load_rules(tmp_path)

    def test_what_is_no_file(self, write_rules):
        """A broken link is a fault, and what is no file does not hang the reader."""
        folder = write_rules(a="targets: {t: {task: x}}")
        (folder / "b.yaml").symlink_to("nowhere")
        import os

        os.mkfifo(folder / "c.yaml")
        with pytest.raises(RuleError) as caught:
            load_rules(folder)
        assert [str(problem) for problem in caught.value.problems] == [
            "rules/b.yaml: cannot be read: No such file or directory",
            "rules/c.yaml: is no regular file",
        ]

    def test_too_many_files(self, tmp_path):
        """The number of files is bounded."""
        for number in range(MAX_FILES + 1):
            (tmp_path / f"{number}.yaml").touch()
        with pytest.raises(RuleError, match="holds 1,001 rule files, and at most 1,000 may be"):
            load_rules(tmp_path)


def test_problems_survive_pickling(write_rules):
    """A rule error with its problems can cross processes."""
    import pickle

    with pytest.raises(RuleError) as caught:
        load_rules(write_rules(main="rule: {}"))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.problems == caught.value.problems
    assert Path(again.problems[0].file) == Path("rules/main.yaml")
