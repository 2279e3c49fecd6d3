"""An outcome is said until the ledger hears it; what the ledger refuses is not said again."""

import pytest
import redis

from eventflow.delivery import insist
from eventflow.errors import LedgerError


class Ledger:
    """Fails with each of some causes in turn, then answers."""

    def __init__(self, *causes: Exception) -> None:
        self.causes = list(causes)

    def finish(self) -> str:
        """Answer, or fail."""
        if self.causes:
            raise LedgerError("no") from self.causes.pop(0)
        return "recorded"


@pytest.mark.parametrize(
    "cause",
    [redis.ConnectionError("reset"), redis.TimeoutError("silent"), redis.BusyLoadingError()],
)
def test_it_is_said_again_while_the_ledger_is_away(cause: Exception) -> None:
    """However the ledger is out of reach, the outcome arrives once it is back."""
    assert insist(Ledger(cause, cause).finish) == "recorded"


def test_it_is_not_said_again_where_there_is_a_reason() -> None:
    """A worker that stops does not wait for the ledger with what it has not begun."""
    ledger = Ledger(redis.ConnectionError("reset"))
    with pytest.raises(LedgerError):
        insist(ledger.finish, unless=lambda: True)


def test_a_refusal_is_the_end() -> None:
    """A ledger that answers, and does not want it, is not asked for ever."""
    ledger = Ledger(redis.ResponseError("NOPERM"))
    with pytest.raises(LedgerError):
        insist(ledger.finish)
    assert ledger.finish() == "recorded"
