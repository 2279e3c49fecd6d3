"""The demo's account adds up, and says what is missing, came twice or came unasked."""

import pytest

from eventflow.cli.demo_account import Account, TargetAccount, balance, percentile


def _balance(arrivals: dict[str, list[float]], dead: dict[str, str] | None = None) -> Account:
    return balance(
        {"e1": ["door", "audit"], "e2": ["audit"], "e3": []},
        published={"e1": 100.0, "e2": 101.0, "e3": 102.0},
        arrivals=arrivals,
        dead=dead or {},
    )


def test_all_delivered_is_balanced() -> None:
    """Every delivery accepted once: balanced, with each target's line and latencies."""
    account = _balance({"e1:door": [100.5], "e1:audit": [100.1], "e2:audit": [101.3]})

    assert account.balanced
    assert {
        "audit": TargetAccount(2, 2, 0, 0, 100.0, 300.0),
        "door": TargetAccount(1, 1, 0, 0, 500.0, 500.0),
    } == account.targets
    assert (account.events, account.unmatched) == (3, 1)


def test_dead_and_refused_are_told_apart() -> None:
    """A dead letter settles its delivery; refused ones have a column of their own."""
    account = _balance({"e2:audit": [101.0]}, {"e1:door": "refused", "e1:audit": "max_attempts"})

    assert account.balanced
    assert account.totals == {"expected": 3, "delivered": 1, "refused": 1, "dead": 1}
    assert TargetAccount(1, 0, 1, 0, None, None) == account.targets["door"]


def test_missing_is_named() -> None:
    """A delivery that neither arrived nor died is missing, and the account is not balanced."""
    account = _balance({"e1:door": [100.5], "e2:audit": [101.3]})

    assert not account.balanced
    assert account.missing == ("e1:audit",)


def test_accepted_twice_is_named() -> None:
    """A second acceptance is a twice, though the delivery counts once."""
    account = _balance({"e1:door": [100.5, 100.9], "e1:audit": [100.1], "e2:audit": [101.3]})

    assert not account.balanced
    assert account.twice == ("e1:door",)
    assert account.totals["delivered"] == 3


def test_accepted_and_dead_is_a_twice() -> None:
    """What arrived must not be a dead letter as well."""
    account = _balance(
        {"e1:door": [100.5], "e1:audit": [100.1], "e2:audit": [101.3]}, {"e1:door": "max_age"}
    )

    assert not account.balanced
    assert account.twice == ("e1:door",)


def test_unasked_is_named() -> None:
    """What no rule asked for is unexpected, arrived or dead."""
    account = _balance(
        {"e1:door": [100.5], "e1:audit": [100.1], "e2:audit": [101.3], "e3:door": [103.0]},
        {"message:abc": "undecodable"},
    )

    assert not account.balanced
    assert account.unexpected == ("e3:door", "message:abc")


def test_event_ids_may_hold_colons() -> None:
    """The event's id is all before the last colon."""
    account = balance(
        {"urn:a:1": ["audit"]},
        published={"urn:a:1": 5.0},
        arrivals={"urn:a:1:audit": [5.25]},
        dead={},
    )

    assert account.balanced
    assert account.targets["audit"].p50_ms == 250.0


def test_json_has_the_totals_and_the_lines() -> None:
    """The account as JSON has everything a script asks for."""
    document = _balance({"e1:door": [100.5], "e1:audit": [100.1]}).to_json()

    assert document == {
        "balanced": False,
        "events": 3,
        "unmatched": 1,
        "expected": 3,
        "delivered": 2,
        "refused": 0,
        "dead": 0,
        "missing": ["e2:audit"],
        "twice": [],
        "unexpected": [],
        "targets": {
            "audit": {
                "expected": 2,
                "delivered": 1,
                "refused": 0,
                "dead": 0,
                "p50_ms": 100.0,
                "p90_ms": 100.0,
            },
            "door": {
                "expected": 1,
                "delivered": 1,
                "refused": 0,
                "dead": 0,
                "p50_ms": 500.0,
                "p90_ms": 500.0,
            },
        },
    }


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([3.0], 0.9, 3.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        (list(range(1, 11)), 0.9, 9),
        ([0.0, 0.0], 0.5, 0.0),  # zero is a value
    ],
)
def test_percentile(values: list[float], share: float, expected: float | None) -> None:
    """The nearest rank: the smallest value that so many do not exceed."""
    assert expected == percentile(values, share)
