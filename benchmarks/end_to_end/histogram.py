"""Durations counted in buckets of a few per cent, so that memory does not grow with their number."""

import math
from collections.abc import Iterable
from typing import Self

__all__ = ["BUCKETS", "Histogram", "bucket_of", "upper_edge"]

_FINE = 5
"""Each doubling has 2**5 buckets: a value is off by at most 1/32."""
_LARGEST = 2**32 - 1
"""Microseconds, an hour and a bit; what is longer counts as this."""
BUCKETS = ((32 - _FINE) << _FINE) + (1 << _FINE)


def bucket_of(seconds: float) -> int:
    """Return the bucket of a duration; what is negative is taken for nothing."""
    value = min(max(int(seconds * 1e6), 0), _LARGEST)
    shift = max(value.bit_length() - _FINE - 1, 0)
    return (shift << _FINE) + (value >> shift)


def upper_edge(bucket: int) -> float:
    """Return the longest duration of a bucket, in seconds."""
    shift = max((bucket >> _FINE) - 1, 0)
    value = bucket - (shift << _FINE)
    return (((value + 1) << shift) - 1) / 1e6


class Histogram:
    """Durations by bucket, and those of which only is known that they have not ended.

    Args:
        counts: How many of each bucket; all zero if not given.
        endless: How many have not ended.
    """

    def __init__(self, counts: Iterable[int] = (), endless: int = 0) -> None:
        self.counts = list(counts) or [0] * BUCKETS
        self.endless = endless

    @property
    def total(self) -> int:
        """How many durations there are, the endless ones among them."""
        return sum(self.counts) + self.endless

    def record(self, seconds: float) -> None:
        """Count a duration."""
        self.counts[bucket_of(seconds)] += 1

    def add(self, other: "Histogram") -> Self:
        """Count all that another has counted."""
        pairs = zip(self.counts, other.counts, strict=True)
        self.counts = [mine + theirs for mine, theirs in pairs]
        self.endless += other.endless
        return self

    def since(self, earlier: "Histogram") -> "Histogram":
        """Return what was counted after *earlier*, an older reading of the same."""
        pairs = zip(self.counts, earlier.counts, strict=True)
        return Histogram((now - then for now, then in pairs), self.endless - earlier.endless)

    def quantile(self, share: float) -> float:
        """Return the duration, in seconds, that this share does not exceed.

        Args:
            share: From 0 to 1; 1 asks for the longest.

        Returns:
            The upper edge of its bucket; infinity where it has not ended, NaN where there is none.
        """
        if not self.total:
            return math.nan
        wanted = max(math.ceil(share * self.total), 1)
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return upper_edge(bucket)
        return math.inf
