"""What is kept of a message that nobody can read."""

import base64
import hashlib
from typing import Any

from eventflow.records import DeadLetter, Reason
from eventflow.worker.letters import (
    MOST_BODY,
    MOST_ERROR,
    MOST_HEADERS,
    MOST_TRACEBACK,
    letter_of_message,
    one_line,
    write_traceback,
)


def letter(body: bytes, headers: object = None, error: str = "no message") -> DeadLetter:
    """Return the dead letter of a message."""
    return letter_of_message(
        queue="mail",
        tag="1",
        body=body,
        headers=headers,
        content_type="x/y",
        reason=Reason.UNDECODABLE,
        error=error,
    )


def message(body: bytes, headers: object = None) -> dict[str, Any]:
    """Return what is kept of a message."""
    kept = letter(body, headers).message
    assert kept is not None
    return kept


def test_a_message_is_kept_whole():
    """Up to the bound, the bytes are all there, and nothing is said of their number."""
    body = b"\x00" * MOST_BODY
    kept = message(body, {"task": "x"})
    assert base64.b64decode(kept["body_base64"]) == body
    assert (kept["queue"], kept["headers"]) == ("mail", {"task": "x"})
    assert kept.keys() == {"queue", "content_type", "headers", "body_base64"}


def test_of_a_vast_message_the_beginning_is_kept():
    """Beyond the bound, the beginning is there, with the length and the digest of the whole."""
    body = b"a" * MOST_BODY + b"tail"
    kept = message(body)
    assert base64.b64decode(kept["body_base64"]) == b"a" * MOST_BODY
    assert kept["body_bytes"] == MOST_BODY + 4
    assert kept["body_sha256"] == hashlib.sha256(body).hexdigest()


def test_vast_messages_that_begin_alike_are_two():
    """What is cut off still counts in a dead letter's id."""
    first, second = (letter(b"a" * MOST_BODY + end) for end in (b"1", b"2"))
    assert first.id != second.id


def test_vast_headers_are_cut():
    """Headers beyond the bound are kept as the beginning of their text."""
    kept = message(b"", {"note": "h" * MOST_HEADERS})
    assert isinstance(kept["headers"], str)
    assert len(kept["headers"]) == MOST_HEADERS + 1


def test_texts_of_errors_are_cut():
    """An error keeps its beginning, a traceback its end."""
    assert len(one_line("e" * 10 * MOST_ERROR)) == MOST_ERROR
    try:
        raise OSError("x" * 2 * MOST_TRACEBACK + "END")
    except OSError as error:
        text = write_traceback(error)
    assert (len(text), text[0], text.endswith("END\n")) == (MOST_TRACEBACK + 1, "…", True)
