"""How many calls at once a loop has shown to carry."""

import pytest

from eventflow.worker.loop_pace import HELD_FOR, LoopPace


def test_it_doubles_while_the_loop_goes_on_freely() -> None:
    """From one at a time to the most that its target allows, and no further."""
    pace = LoopPace(10)
    seen = []
    for _ in range(6):
        seen.append(pace.allowed)
        pace.free(pace.allowed)
    assert seen == [1, 2, 4, 8, 10, 10]


def test_a_loop_that_is_not_filled_shows_nothing() -> None:
    """One call in flight does not say that two would go on as freely."""
    pace = LoopPace(10)
    pace.free(1)
    pace.free(1)
    assert pace.allowed == 2


def test_a_loop_that_was_held_up_has_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a while; then it doubles again."""
    now = 100.0
    monkeypatch.setattr("eventflow.worker.loop_pace.time.monotonic", lambda: now)
    pace = LoopPace(10)
    for _ in range(4):
        pace.free(10)
    pace.held_up()
    pace.free(1)
    assert pace.allowed == 1
    now += HELD_FOR
    pace.free(1)
    assert pace.allowed == 2


def test_rules_that_change_are_followed() -> None:
    """Less is allowed at once when a target's `concurrency` is lowered."""
    pace = LoopPace(10)
    for _ in range(4):
        pace.free(10)
    pace.most = 3
    assert pace.allowed == 3
