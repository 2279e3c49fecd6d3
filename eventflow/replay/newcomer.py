"""A target that begins in the past: each event once, though routers learn of it one by one.

Some router knows the new target first and sends it what it routes; another one still does not. So
there is no moment at which the live events begin, and none is looked for. Instead the archive says of
each event whether it was sent to the target when it was routed, in the same step of the ledger that
routed it; and the replay sends those that were not. What makes that complete, in this order:

1. every router has read the rules that name the target;
2. what one of them had begun to route before, by the older rules, is routed: a lease's length later;
3. every event that was routed until then is in the archive.

From 1 and 2 on the live events reach the target; what was accepted before is, by 3, in the archive,
with what became of it.
"""

import time
from collections.abc import Callable

from eventflow.delivery import Ledger, Ledgers
from eventflow.errors import ReplayError
from eventflow.rules import RuleSet
from eventflow.transport.messages import ARCHIVE, ROUTE

__all__ = ["Wait", "await_archived", "await_routers"]

Wait = Callable[[str], None]
"""Passes a moment; given what is waited for."""

_MOST = 5_000  # deliveries to the archive, of each state, that are waited for one by one


def await_routers(ledgers: Ledgers, rules: RuleSet, wait: Wait, *, patience: float) -> None:
    """Wait until every router runs these rules.

    Args:
        ledgers: Where routers report.
        rules: The rules.
        wait: Passes a moment.
        patience: The longest that it may take, in seconds.

    Raises:
        ReplayError: When there is no router, or one still runs other rules.
        LedgerError: When the ledger cannot be reached.
    """
    deadline = time.monotonic() + patience
    while True:
        routers = [one for one in ledgers.processes().roster().alive if ROUTE in one.queues]
        behind = sorted(one.name for one in routers if one.rules != rules.fingerprint)
        if routers and not behind:
            return
        who = ", ".join(behind)
        if time.monotonic() > deadline:
            message = (
                f"{who} still runs other rules than those here: have the same files everywhere, "
                "then try again"
                if routers
                else "no router runs: start one, so that live events reach the target from now on"
            )
            raise ReplayError(message)
        wait(f"{who} to read the rules" if routers else "a router to report")


def await_archived(ledgers: Ledgers, bus: str, until: float, wait: Wait) -> None:
    """Wait until a moment has passed, and all that had been routed by then is in the archive.

    Args:
        ledgers: The way to the ledger.
        bus: The bus.
        until: The moment, by the ledger's clock, in seconds since the epoch.
        wait: Passes a moment.

    Raises:
        LedgerError: When the ledger cannot be reached.
    """
    while ledgers.processes().clock()[0] < until:
        wait("the routers to finish what they began by older rules")
    ledger = ledgers.of(bus)
    left = _unfinished(ledger, wait)
    while left:
        left = [one for one, (kind, _) in zip(left, ledger.describe(left), strict=True) if kind]
        if left:
            wait(f"the recorder to archive {len(left):,} events")


def _unfinished(ledger: Ledger, wait: Wait) -> list[str]:
    """Return what is on its way to the archive, once that can be counted."""
    while True:
        found = ledger.unfinished(ARCHIVE, _MOST)
        if len(found) < _MOST:
            return found
        wait(f"the recorder to archive more than {_MOST:,} events")
