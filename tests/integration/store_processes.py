"""What other processes do to a store in its tests; run as `python -m`, with the store's address."""

import sys
from collections.abc import Callable

from sqlalchemy import event

from eventflow.store import DeadLetterStore, open_engine
from tests.contracts.store import letter_of

__all__: list[str] = []


def _record(url: str, batches: int, size: int) -> None:
    """Record the same letters as everybody else, in batches."""
    store = DeadLetterStore(open_engine(url, patience=60))
    _say("ready")
    sys.stdin.readline()  # all start at once
    for batch in range(batches):
        store.record([letter_of(f"e{batch}-{number}") for number in range(size)])


def _flood(url: str, size: int) -> None:
    """Record batch after batch, each of its own letters, saying each statement and each batch."""
    engine = open_engine(url, patience=60)
    event.listen(engine, "after_cursor_execute", lambda *_: _say("statement"))
    store = DeadLetterStore(engine)
    batch = 0
    while True:
        _say("begin")
        store.record([letter_of(f"{number}", target=f"b{batch}") for number in range(size)])
        _say(str(batch))
        batch += 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the test reads


if __name__ == "__main__":
    deed, address, *numbers = sys.argv[1:]
    deeds: dict[str, Callable[..., None]] = {"record": _record, "flood": _flood}
    deeds[deed](address, *map(int, numbers))
