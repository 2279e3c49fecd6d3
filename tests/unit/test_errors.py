"""Errors say what is wrong, where, and what to do, and keep it all when they travel."""

import pytest

from eventflow.errors import (
    EventError,
    EventflowError,
    PatternError,
    Problem,
    PublishError,
    Refuse,
    Retry,
    RuleError,
)

PROBLEM = Problem("rules/doors.yaml", 4, 7, "rules.unlock", "no target is named 'door'")


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(
            PROBLEM,
            "rules/doors.yaml:4:7: rules.unlock: no target is named 'door'",
            id="every part",
        ),
        pytest.param(Problem("a.yaml", 4, 0, "", "bad"), "a.yaml:4: bad", id="no column, no path"),
        pytest.param(Problem("a.yaml", 0, 0, "rules", "bad"), "a.yaml: rules: bad", id="no line"),
        pytest.param(Problem("", 1, 2, "", "bad"), "<input>:1:2: bad", id="no file"),
    ],
)
def test_problem_text(problem: Problem, expected: str) -> None:
    """A problem is one line that begins with its place, as an editor can follow it."""
    assert expected == str(problem)


def test_problems_sort_by_place() -> None:
    """Problems sort by file, line and column as numbers, not as text."""
    tenth, second = Problem("a", 10, 1, "", "x"), Problem("a", 2, 1, "", "x")
    assert [second, tenth] == sorted([tenth, second])


def test_rule_error_lists_every_problem() -> None:
    """A rule error says each problem on a line of its own."""
    error = RuleError("2 faults", [PROBLEM, Problem("b.yaml", 1, 0, "", "bad")])
    assert f"2 faults\n  {PROBLEM}\n  b.yaml:1: bad" == str(error)


def test_rule_error_rebuilds_its_problems_from_lists() -> None:
    """A problem that became a list on its way through JSON is a problem again."""
    fields = ("rules/doors.yaml", 4, 7, "rules.unlock", "no target is named 'door'")
    assert (PROBLEM,) == RuleError("1 fault", [fields]).problems


@pytest.mark.parametrize("cls", [EventError, PatternError])
def test_path_comes_first(cls: type[EventError | PatternError]) -> None:
    """An error with a path begins with it, and without one it is the message alone."""
    assert "data.door: is nothing" == str(cls("is nothing", "data.door"))
    assert "is nothing" == str(cls("is nothing"))


def test_publish_error_names_both_sides() -> None:
    """A publish error keeps which events are safe and which are not."""
    error = PublishError("1 of 2", ["a"], ["b"])
    assert (("a",), ("b",)) == (error.accepted, error.rejected)


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        pytest.param(Retry(), "retry by policy", id="nothing said"),
        pytest.param(Retry(after=30), "retry after 30 s", id="seconds"),
        pytest.param(Retry(after=0), "retry after 0 s", id="zero is at once, not by policy"),
        pytest.param(Retry(0.5, "429"), "retry after 0.5 s: 429", id="reason"),
    ],
)
def test_retry_text(retry: Retry, expected: str) -> None:
    """A retry says when, and why where a reason is given."""
    assert expected == str(retry)


@pytest.mark.parametrize("cls", [Retry, Refuse])
def test_control_flow_is_no_error(cls: type[Exception]) -> None:
    """Retry and Refuse stand outside the error base: whoever catches that does not swallow them."""
    assert not issubclass(cls, EventflowError)


def test_refuse_keeps_its_reason() -> None:
    """A refusal is its reason, also as text."""
    assert ("unknown door", "unknown door") == (
        str(Refuse("unknown door")),
        Refuse("unknown door").reason,
    )
