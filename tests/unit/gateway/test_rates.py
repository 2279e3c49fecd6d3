"""A publisher's rate: what is saved up, what is owed, and how long to wait."""

import pytest

from eventflow.gateway.rates import Rates
from eventflow.gateway.refusals import Refusal
from eventflow.units import Rate

EIGHT = Rate(8, 1)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    """As many as the rate counts go at once, then one for each share of time."""
    clock = Clock()
    rates = Rates(clock)
    for _ in range(8):
        rates.take("a", EIGHT, 1)
    with pytest.raises(Refusal) as caught:
        rates.take("a", EIGHT, 1)
    assert caught.value.status == 429
    assert caught.value.headers["Retry-After"] == "1"
    clock.now += 0.125
    rates.take("a", EIGHT, 1)


def test_a_long_list_goes_and_is_owed() -> None:
    """A list longer than the bucket goes through once, and what follows waits until it is paid."""
    clock = Clock()
    rates = Rates(clock)
    rates.take("a", EIGHT, 32)
    with pytest.raises(Refusal) as caught:
        rates.take("a", EIGHT, 1)
    assert caught.value.retry_after == 3.125
    clock.now += 3.125
    rates.take("a", EIGHT, 1)


def test_publishers_do_not_share() -> None:
    """What one publisher sends costs another nothing; without a rate nothing is counted."""
    rates = Rates(Clock())
    rates.take("a", EIGHT, 100)
    rates.take("b", EIGHT, 1)
    for _ in range(100):
        rates.take("c", None, 1000)
