"""The share of failures: what counts, and when it is too large."""

from eventflow.redrive import Fate, Standing
from eventflow.redrive.share import WINDOW, FailureShare

WELL = Standing(Fate.SUCCEEDED)


def died(error: str = "E: no") -> Standing:
    """Return a death."""
    return Standing(Fate.DIED, error=error)


def share_of(*standings: Standing, most: float = 0.1) -> FailureShare:
    """Return the share after some outcomes."""
    share = FailureShare(most)
    for standing in standings:
        share.settle(standing)
    return share


def test_nothing_is_not_too_large() -> None:
    """Before any outcome there is nothing to judge."""
    assert (False, 0, "") == (
        share_of().is_too_large,
        share_of().judged,
        share_of().commonest_error,
    )


def test_as_many_as_may_fail_are_well() -> None:
    """One of ten is ten percent; two are more."""
    assert not share_of(*[WELL] * 9, died()).is_too_large
    assert share_of(*[WELL] * 8, died(), died()).is_too_large


def test_zero_is_a_share() -> None:
    """Where none may fail, one is too many."""
    assert share_of(*[WELL] * 99, died(), most=0).is_too_large


def test_all_may_fail() -> None:
    """A share of one stops nothing."""
    assert not share_of(died(), died(), most=1).is_too_large


def test_early_successes_hide_no_fault() -> None:
    """Only the last outcomes count."""
    share = share_of(*[WELL] * 1_000, *[died()] * 11)
    assert (11, WINDOW, True) == (share.failed, share.judged, share.is_too_large)


def test_what_fails_now_counts_until_it_succeeds() -> None:
    """Those that will be tried again count as failures, once each, in place of the last count."""
    share = share_of(*[WELL] * 8)
    failing = Standing(Fate.FAILING, failures=1, error="E: slow")
    share.note_failing([failing, failing])
    assert (2, 10, True) == (share.failed, share.judged, share.is_too_large)
    assert "E: slow" == share.commonest_error
    share.note_failing([])
    share.settle(WELL)
    assert (0, 9, False) == (share.failed, share.judged, share.is_too_large)


def test_twenty_are_enough() -> None:
    """One failure at the start of a long run says little yet."""
    assert not share_of(*[WELL] * 18, died()).has_enough
    assert share_of(*[WELL] * 19, died()).has_enough


def test_the_commonest_error_is_named() -> None:
    """Of those that count."""
    assert "E: b" == share_of(died("E: a"), died("E: b"), died("E: b")).commonest_error
