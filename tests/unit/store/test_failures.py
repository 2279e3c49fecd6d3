"""By what fault a delivery died: the place in the user's code, and what makes a group."""

import traceback
from typing import Any

import pytest

from eventflow.records import DeadLetter, Reason
from eventflow.store.failures import MOST_PATTERN, failure_of, pattern_of

USERS = (
    '  File "/srv/app/releases/42/workers/doors.py", line 17, in unlock\n    vendor.open(door)\n'
)
LIBRARY = (
    '  File "/srv/app/.venv/lib/python3.11/site-packages/vendor/client.py", line 90, in open\n'
)
OWN = '  File "/srv/eventflow/worker/deliver.py", line 60, in _call\n'
STANDARD = '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode\n'
FROZEN = '  File "<frozen importlib._bootstrap>", line 1204, in _gcd_import\n'
HEAD = "Traceback (most recent call last):\n"


def letter_of(trace: str = HEAD + OWN + USERS + LIBRARY, **changes: Any) -> DeadLetter:
    """Return a letter that died in the user's code."""
    values: dict[str, object] = {
        "id": "e1:doors",
        "target": "doors",
        "reason": Reason.MAX_ATTEMPTS,
        "error": "door 17 of garage 5 does not answer",
        "error_type": "VendorError",
        "traceback": trace,
    }
    return DeadLetter.model_validate(values | changes)


def test_the_place_is_the_innermost_frame_of_the_users_code() -> None:
    """Libraries, Python's own and this package are passed over, inside and outside of it."""
    for inner in ("", LIBRARY, STANDARD, FROZEN, LIBRARY + STANDARD):
        assert (
            "workers/doors.py:17 unlock" == failure_of(letter_of(HEAD + OWN + USERS + inner)).place
        )


def test_where_nothing_is_the_users_the_innermost_frame_stands() -> None:
    """A fault of a library's own task has a place, too."""
    assert "vendor/client.py:90 open" == failure_of(letter_of(HEAD + OWN + LIBRARY)).place


def test_of_a_chain_the_last_exceptions_frames_count() -> None:
    """What ended the attempt is the place, not what it was raised from."""
    cause = HEAD + '  File "/srv/app/workers/socket.py", line 3, in read\n' + "OSError: no\n"
    for words in (
        "The above exception was the direct cause of the following exception:",
        "During handling of the above exception, another exception occurred:",
    ):
        trace = f"{cause}\n{words}\n\n{HEAD}{USERS}VendorError: no\n"
        assert "workers/doors.py:17 unlock" == failure_of(letter_of(trace)).place


def test_a_cause_stands_where_the_last_exception_is_a_librarys() -> None:
    """The user's own frame is looked for in the whole chain before a library's is taken."""
    words = "The above exception was the direct cause of the following exception:"
    trace = f"{HEAD}{USERS}OSError: no\n\n{words}\n\n{HEAD}{LIBRARY}VendorError: no\n"
    assert "workers/doors.py:17 unlock" == failure_of(letter_of(trace)).place


def test_without_a_traceback_there_is_no_place() -> None:
    """A delivery that ended its worker, or was too old, has none; it has a group all the same."""
    failure = failure_of(letter_of(""))
    assert ("", 12) == (failure.place, len(failure.group_id))


def test_a_real_traceback_is_read() -> None:
    """As Python writes it, in groups of exceptions as well."""

    def fails() -> None:
        raise ValueError

    def fails_in_a_group() -> None:
        try:
            fails()
        except ValueError as error:
            raise ExceptionGroup("several", [error]) from None

    for deed in (fails, fails_in_a_group):
        with pytest.raises((ValueError, ExceptionGroup)) as caught:
            deed()
        place = failure_of(letter_of("".join(traceback.format_exception(caught.value)))).place
        assert place.startswith("store/test_failures.py:")
        assert place.endswith(" fails")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"error": "door 18 of garage 6 does not answer"}, True),
        ({"id": "e2:doors", "died_at": 5.0, "attempts": 3}, True),
        ({"reason": Reason.MAX_AGE}, True),
        ({"traceback": (HEAD + USERS).replace("line 17", "line 18")}, True),
        ({"traceback": (HEAD + USERS).replace("releases/42", "releases/43")}, True),
        ({"error": "door 17 of garage 5 is locked"}, False),
        ({"error_type": "VendorTimeout"}, False),
        ({"target": "doors-2"}, False),
        ({"traceback": (HEAD + USERS).replace("in unlock", "in lock")}, False),
    ],
    ids=str,
)
def test_what_makes_a_group(changes: dict[str, Any], *, same: bool) -> None:
    """Error, function and message without numbers do, for each target; line and release do not."""
    one, other = failure_of(letter_of()), failure_of(letter_of(**changes))
    assert same is (one.group_id == other.group_id)


def test_deaths_without_an_exception_are_told_apart_by_their_reason() -> None:
    """Too old and poison are two failures."""
    groups = {
        failure_of(letter_of("", error="", error_type="", reason=reason)).group_id
        for reason in Reason
    }
    assert len(Reason) == len(groups)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("no door 17", "no door …"),
        ("17.5 s, 1,000 calls", "… s, … calls"),
        ("parcel 3f2504e0-4f89-11d3-9a0c-0305e82c3301 is gone", "parcel … is gone"),
        ("at 0x7f3c2a", "at …"),
        ("key 01ARZ3NDEKTSV4RRFFQ69G5FAV, digest 9f86d081884c7d65", "key …, digest …"),
        ("visit-1 at 2026-11-23T19:56:00Z", "visit-… at …-…-…T…Z"),
        ("unknown door 'garage'\n  twice", "unknown door 'garage' twice"),
        ("", ""),
    ],
)
def test_a_message_without_numbers_and_ids(message: str, expected: str) -> None:
    """What differs from one event to the next is a hole; the words stay."""
    assert expected == pattern_of(message)


def test_a_long_message_is_cut() -> None:
    """A message that quotes a page does not make a group of its own by its end."""
    assert MOST_PATTERN == len(pattern_of("word " * 1_000))
