"""The benchmark's histogram: few buckets, small errors, nothing forgotten."""

import math
import random

import pytest

from benchmarks.end_to_end.histogram import BUCKETS, Histogram, bucket_of, upper_edge


def test_every_duration_is_within_a_thirtieth_of_its_buckets_edge():
    """A value lies at most a microsecond, or a thirtieth of itself, below its bucket's edge."""
    chance = random.Random(5)
    for _ in range(5_000):
        seconds = 10 ** chance.uniform(-6, 3)
        edge = upper_edge(bucket_of(seconds))
        assert seconds - 1e-6 <= edge <= seconds * (1 + 1 / 30) + 1e-6


def test_buckets_follow_each_other_without_a_gap():
    """The first moment after a bucket's edge is in the next bucket, up to the last one."""
    for bucket in range(BUCKETS - 1):
        assert bucket == bucket_of(upper_edge(bucket) + 1e-7)
        assert bucket + 1 == bucket_of(upper_edge(bucket) + 1.1e-6)


@pytest.mark.parametrize(("seconds", "bucket"), [(-1.0, 0), (0.0, 0), (1e9, BUCKETS - 1)])
def test_what_is_out_of_range_counts_at_the_end_of_it(seconds: float, bucket: int):
    """Neither a clock's step back nor a day's wait is lost or raises."""
    assert bucket == bucket_of(seconds)


def test_quantiles_are_those_of_the_sorted_values():
    """Each quantile is within a thirtieth of the one that sorting all values gives."""
    chance = random.Random(7)
    values = sorted(chance.lognormvariate(-4, 1.5) for _ in range(9_999))
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    for share in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = values[max(math.ceil(share * len(values)), 1) - 1]
        assert exact - 1e-6 <= histogram.quantile(share) <= exact * (1 + 1 / 30) + 1e-6


def test_what_has_not_ended_is_longer_than_everything():
    """A system that does a tenth of its work at once has no p99 but infinity."""
    histogram = Histogram()
    for _ in range(90):
        histogram.record(0.001)
    histogram.endless = 10
    assert 100 == histogram.total
    assert 0.0015 > histogram.quantile(0.9)
    assert math.inf == histogram.quantile(0.91)


def test_an_empty_histogram_has_no_quantile():
    """Nothing measured is not zero."""
    assert math.isnan(Histogram().quantile(0.5))


def test_a_reading_less_an_earlier_one_is_what_came_between():
    """Runs on one deployment do not see each other's durations."""
    earlier, later = Histogram(), Histogram()
    for seconds in (0.001, 0.002):
        earlier.record(seconds)
        later.record(seconds)
    later.record(0.5)
    between = later.since(earlier)
    assert 1 == between.total
    assert 0.5 <= between.quantile(1.0) < 0.52
