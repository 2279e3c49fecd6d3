"""`eventflow rules explain`: the rules that match first, then the near ones, each with its reasons."""

import io
import json
import sys
from pathlib import Path

import pytest

from eventflow.cli.main import main

RULES = """\
targets: {audit: {task: workers.audit.keep}, vendor: {task: workers.vendor.open}}
rules:
  far: {pattern: {source: [shop], detail-type: [Sold]}, targets: [audit]}
  lab: {bus: lab, pattern: {source: [courier.app]}, targets: [audit]}
  off: {enabled: false, pattern: {source: [courier.app], detail-type: [Left]}, targets: [audit]}
  misspelt: {pattern: {detail_type: [CourierArrived]}, targets: [audit]}
  near:
    pattern: {source: [courier.app], detail-type: [CourierArrived], detail: {door: {kind: [garage]}}}
    targets: [vendor]
  all: {pattern: {source: [{exists: true}]}, targets: [audit, vendor]}
"""
EVENT = '{"source": "courier.app", "type": "CourierArrived", "data": {"door": {"kind": "Garage"}}}'


@pytest.fixture
def run(capsys, write_rules):
    """Run the command on RULES and EVENT; returns exit code, stdout and stderr."""
    write_rules(main=RULES)
    Path("event.json").write_text(EVENT)

    def call(*arguments: str) -> tuple[object, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["rules", "explain", *arguments])
        captured = capsys.readouterr()
        return done.value.code, captured.out, captured.err

    return call


def test_rules_are_sorted_by_nearness(run):
    """What matches comes first, then near misses with their reasons, then all that is not asked."""
    code, out, err = run("--event", "event.json")

    assert (0, "") == (code, err)
    assert out.splitlines() == [
        "CourierArrived from courier.app on the bus default: 1 of 6 rules match",
        "",
        "matches  all → audit, vendor",
        "",
        "no match  near: 2 of 3 conditions met",
        "  detail.door.kind",
        '    wanted  "garage"',
        '    found   "Garage"',
        (
            '    hint    only the case differs, and case counts; {"equals-ignore-case": …} takes the '
            "text in any"
        ),
        "",
        "no match  misspelt: 0 of 1 condition met",
        "  detail_type",
        '    wanted  "CourierArrived"',
        "    found   nothing: the field is absent",
        "    hint    there is detail-type; did you mean it?",
        "",
        "nothing fits  far",
        "",
        "other bus  lab: it is of the bus lab; its pattern matches",
        "disabled  off: enabled is false; 1 of 2 conditions met",
    ]


def test_many_near_misses_are_cut(run, write_rules):
    """Of very many near misses the nearest are told, and how many there are besides."""
    rules = "".join(
        f"  r{number}: {{pattern: {{source: [courier.app], detail-type: [t{number}]}}, targets: [a]}}\n"
        for number in range(30)
    )
    write_rules(main=f"targets: {{a: {{task: x}}}}\nrules:\n{rules}")
    _, out, _ = run("--event", "event.json")

    assert out.count("no match  ") == 20
    assert out.endswith("10 more rules fit in part; --rule NAME explains one, --json prints all\n")


def test_one_rule_is_explained_whole(run):
    """With --rule the rule is explained, however far from the event it is."""
    code, out, _ = run("--event", "event.json", "--rule", "far", "rules")

    assert code == 0
    assert out.splitlines() == [
        "no match  far: 0 of 2 conditions met",
        "  detail-type",
        '    wanted  "Sold"',
        '    found   "CourierArrived"',
        "  source",
        '    wanted  "shop"',
        '    found   "courier.app"',
    ]


def test_json_has_all_of_it(run):
    """Programs get every rule in the same order, with every condition."""
    code, out, _ = run("--event", "event.json", "--json")
    document = json.loads(out)

    assert code == 0
    assert document["event"]["detail-type"] == "CourierArrived"
    assert [(rule["rule"], rule["status"]) for rule in document["rules"]] == [
        ("all", "matches"),
        ("near", "no match"),
        ("misspelt", "no match"),
        ("far", "no match"),
        ("lab", "other bus"),
        ("off", "disabled"),
    ]
    near = document["rules"][1]
    assert (near["file"], near["line"], near["targets"]) == ("rules/main.yaml", 7, ["vendor"])
    assert (near["matched"], near["nearness"]) == (False, 0.6667)
    assert [item["path"] for item in near["conditions"] if not item["passed"]] == [
        "detail.door.kind"
    ]


def test_event_from_standard_input(run, monkeypatch):
    """A dash reads the event from standard input, with EventBridge's names as well."""
    event = '{"version": "0", "source": "shop",\n "detail-type": "Sold", "detail": {}}'
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(event.encode())))
    _, out, _ = run("--event", "-", "--rule", "far")

    assert out == "matches  far → audit\n"


def test_unknown_rule_is_wrong_use(run):
    """A rule that there is not is wrong use, and the near name is offered."""
    code, _, err = run("--event", "event.json", "--rule", "neer")

    assert code == 2
    assert "no rule goes by the name 'neer'; did you mean 'near'?" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "event.json is not one event as JSON"),
        ("[" * 100_000, "event.json is not one event as JSON"),
        (f"{EVENT}\n{EVENT}\n", "event.json is not one event as JSON: Extra data"),
        ("[]", "event.json holds no event: an event is a JSON object, not an array"),
        ('{"source": "x", "detail": {}}', "event.json holds no event: type: is missing"),
        (EVENT.replace("Garage", "\\ud800"), "event.json holds no event: data.door.kind"),
    ],
)
def test_what_is_no_event_is_refused(run, content, words):
    """A file that holds no event is told, with what is wrong, and exit code 1."""
    Path("event.json").write_text(content)
    code, out, err = run("--event", "event.json")

    assert (1, "") == (code, out)
    assert words in err


def test_event_cannot_drive_the_terminal(run):
    """Control characters of an event are shown, never obeyed."""
    Path("event.json").write_text(
        EVENT.replace("Garage", "\\u001b[31m").replace("door", "dö\\u009b")
    )
    _, out, _ = run("--event", "event.json")

    assert not {"\x1b", "\x9b"} & set(out)
