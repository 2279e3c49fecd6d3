"""What the router makes of a replayed event: which rules and targets it is for."""

import time
from typing import Any

from eventflow.delivery import Ledgers
from eventflow.errors import EventError
from eventflow.events import Event
from eventflow.rules import UNRESTRICTED, Restriction, RuleSet

__all__ = ["NotYet", "Restrictions"]

_FRESH_FOR = 1.0  # seconds


class NotYet(Exception):  # noqa: N818 - no error: another router, or this one later, routes the event
    """An event that this router cannot route before it has read newer rules."""


class Restrictions:
    """What the ledger says of the replays that run; kept for a second."""

    def __init__(self, ledgers: Ledgers) -> None:
        self._ledgers = ledgers
        self._known: tuple[float, dict[tuple[str, str], Restriction]] = (0.0, {})

    def of(self, bus: str, replay_name: str) -> Restriction:
        """Return what a replay is restricted to; nothing where the ledger does not know it.

        Raises:
            LedgerError: When the ledger cannot be reached.
            RuleError: When what it keeps cannot be read.
        """
        since, known = self._known
        if time.monotonic() - since > _FRESH_FOR:
            # No lock: a fork while another thread held it would hold it for ever in the child.
            known = {}
            self._known = (time.monotonic(), known)
        found = known.get((bus, replay_name))
        if found is None:
            text = self._ledgers.of(bus).restriction(replay_name)
            found = Restriction.from_json(text) if text is not None else UNRESTRICTED
            known[bus, replay_name] = found
        return found

    def for_event(
        self, bus: str, event: Event[Any], rules: RuleSet, *, is_last: bool
    ) -> Restriction:
        """Return which rules and targets an event is for; all of them, unless a replay sent it.

        Args:
            bus: The event's bus.
            event: The event.
            rules: The rules that this router has.
            is_last: Whether it is the last time that the event is begun to be routed.

        Raises:
            NotYet: When the replay is for a rule or target that this router does not know: its
                files may be behind. The event is handed out again once its lease ends.
            EventError: When that is so the last time.
            LedgerError: When the ledger cannot be reached.
        """
        if event.replay_name is None:
            return UNRESTRICTED
        only = self.of(bus, event.replay_name)
        missing = only.missing(rules)
        if not missing:
            return only
        message = (
            f"the replay {event.replay_name!r} sends it for {missing}, which the rules of this "
            "router do not have"
        )
        if is_last:
            raise EventError(message)
        message = f"event {event.id}: {message} yet; it is routed later, or by another"
        raise NotYet(message)
