"""What Celery is shown of a delivery."""

import pickle

import pytest

from eventflow.worker.fate import _plain


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
