"""How many deliveries a worker takes at once."""

import pytest

from eventflow.worker.pace import MOST_AT_ONCE, Pace, Paces


def grown(pace: Pace, each: float) -> list[int]:
    """Take lists until their size stays; return their sizes."""
    sizes: list[int] = []
    while not sizes[1:] or sizes[-1] != sizes[-2]:
        sizes.append(pace.size())
        pace.took(sizes[-1] * each, sizes[-1])
    return sizes


@pytest.mark.parametrize(
    ("each", "sizes"),
    [
        (0.0, [1, 2, 4, 8, 16, 32, 64, 100, 100]),
        (0.002, [1, 2, 4, 8, 16, 32, 50, 50]),
        (0.05, [1, 2, 2]),
        (0.2, [1, 1]),
        (60.0, [1, 1]),
    ],
)
def test_a_list_takes_a_tenth_of_a_second(each: float, sizes: list[int]) -> None:
    """It grows twofold until it does; a slow subscriber gets one at a time."""
    assert sizes == [min(size, MOST_AT_ONCE) for size in grown(Pace(), each)]


def test_one_that_slows_down_gets_short_lists_at_once() -> None:
    """And long ones again only bit by bit."""
    pace = Pace()
    grown(pace, 0.001)
    pace.took(1.0, 3)
    assert 1 == pace.size()
    sizes = []
    for _ in range(20):
        sizes.append(pace.size())
        pace.took(sizes[-1] * 0.001, sizes[-1])
    assert sizes == sorted(sizes)
    assert (1, 1) == tuple(sizes[:2])
    assert 50 < sizes[-1]


def test_each_target_has_its_own() -> None:
    """What is slow makes nothing else slow."""
    paces = Paces()
    paces.of("default", "a").took(0.001, 8)
    assert 16 == paces.of("default", "a").size()
    assert 1 == paces.of("default", "b").size() == paces.of("other", "a").size()
