"""What Celery is shown of a delivery."""

import pickle

import pytest
from celery.exceptions import Ignore
from celery.exceptions import Retry as CeleryRetry

from eventflow.delivery import Claim, Finish, Outcome, Verdict
from eventflow.worker.chain import Attempt
from eventflow.worker.fate import _plain, show_fate
from eventflow.worker.made import Made
from eventflow.worker.singles import Singles

IDENTITY = "e1:vendor"


class Unpicklable(Exception):  # noqa: N818 - a stranger's
    """Cannot be built from its arguments."""

    def __init__(self, *, text: str) -> None:
        super().__init__(text)


def test_an_exception_goes_to_the_parent_whatever_it_holds() -> None:
    """What cannot be pickled is shown by what it says."""
    shown = _plain(Unpicklable(text="it broke"))
    assert "it broke" in str(pickle.loads(pickle.dumps(shown)))


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("40 GiB")])
def test_a_lack_of_memory_does_not_reach_the_parent_as_one(error: MemoryError) -> None:
    """Celery's parent process raises a MemoryError of its child as its own; this is none."""
    assert not isinstance(_plain(error), MemoryError)
    assert str(error) in str(_plain(error))


def show(shown: Singles, outcome: Outcome | None, target: str = "vendor") -> None:
    """Show the fate of a delivery that one task was sent alone."""
    made = Made([IDENTITY])
    if outcome is not None:
        attempt = Attempt(Finish(IDENTITY, 1, outcome, delay=7.0), OSError("down"))
        made.note(Claim(IDENTITY, Verdict.RUN), attempt)
    show_fate(made, IDENTITY, shown, "default", target)


def test_few_retries_are_the_tasks_own_fate() -> None:
    """Of more of a target within a second its results tell; of another's nothing changes."""
    shown = Singles(2)
    with pytest.raises(CeleryRetry, match="7"):
        show(shown, Outcome.RETRY)
    with pytest.raises(Ignore):
        show(shown, None)
    show(shown, Outcome.RETRY)
    show(shown, None)
    with pytest.raises(CeleryRetry):
        show(shown, Outcome.RETRY, "mail")


def test_a_second_message_is_shown_for_what_its_task_took_along() -> None:
    """Its own delivery is done already; the others are found by its result, and by nothing else."""
    made = Made([IDENTITY])
    made.note(Claim("e-2:vendor", Verdict.RUN), Attempt(None))
    show_fate(made, IDENTITY, Singles(), "default", "vendor")
    assert made.result() == {"also": "e-2"}


def test_each_death_is_the_tasks_own_fate() -> None:
    """However many there are."""
    shown = Singles(0)
    for _ in range(3):
        with pytest.raises(OSError, match="down"):
            show(shown, Outcome.DEAD)
