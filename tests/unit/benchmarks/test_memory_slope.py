"""How fast a process grows, from looks at it now and again."""

import pytest

from benchmarks.end_to_end.memory import slope


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([(0.0, 5.0), (1.0, 7.0), (2.0, 9.0)], 2.0),
        ([(0.0, 5.0), (1.0, 5.0)], 0.0),
        ([(0.0, 1.0), (1.0, 3.0), (2.0, 2.0)], 0.5),
        ([(3.0, 5.0)], 0.0),
        ([], 0.0),
    ],
)
def test_the_slope_is_that_of_the_best_line(points: list[tuple[float, float]], expected: float):
    """Growth is told by all points together, not by the first and the last."""
    assert expected == pytest.approx(slope(points))
