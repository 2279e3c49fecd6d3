"""A worker's memory: what its tasks leave in cycles is freed before it is much."""

import gc

__all__ = ["collect_often"]


def collect_often() -> None:
    """Have Python free what tasks leave in cycles before tens of MiB of it have come together.

    It waits for a quarter of what it looked through the last time, which in a worker is every module and
    model. What is there by now is left out of that, as it stays anyway; and is not written to by a
    collection, so that the processes of a pool go on sharing it.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # by what this finds, the next one's moment is chosen
