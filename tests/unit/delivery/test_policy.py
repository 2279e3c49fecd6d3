"""When a failed delivery is tried again."""

from functools import partial

import pytest

from eventflow.delivery import next_delay
from eventflow.rules import RetryPolicy


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [(1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 10.0), (100_000, 10.0)],
)
def test_it_grows_by_its_factor_up_to_its_maximum(attempt: int, expected: float) -> None:
    """Exponential: initial, times the factor each attempt, never past the maximum."""
    policy = RetryPolicy(initial=1, factor=2, max=10, jitter="none")
    assert expected == next_delay(policy, attempt, lambda: 0.5)


def test_full_jitter_takes_any_part_of_it() -> None:
    """Full jitter: evenly anywhere from zero to the whole."""
    policy = RetryPolicy(initial=1, factor=2, max=10)
    assert [next_delay(policy, 3, partial(float, chance)) for chance in (0.0, 0.5, 0.99)] == [
        0.0,
        2.0,
        3.96,
    ]


def test_constant_does_not_grow() -> None:
    """Constant: the same at each attempt."""
    policy = RetryPolicy(backoff="constant", initial=3, max=10, jitter="none")
    assert [next_delay(policy, attempt, lambda: 0.5) for attempt in (1, 9)] == [3.0, 3.0]


def test_zero_is_a_delay() -> None:
    """An initial wait of nothing stays nothing."""
    policy = RetryPolicy(initial=0, max=10, jitter="none")
    assert [next_delay(policy, attempt, lambda: 0.9) for attempt in (1, 50)] == [0.0, 0.0]
