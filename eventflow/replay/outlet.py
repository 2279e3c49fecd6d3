"""Where replayed events leave: into the ledger first, to the routers second, as a publisher's do."""

import logging
from collections import Counter
from collections.abc import Sequence

from eventflow.delivery import Acceptance, Ledger
from eventflow.errors import TransportError
from eventflow.events import ledger_id
from eventflow.store.archived import ArchivedEvent
from eventflow.transport import MessageSender, route_message
from eventflow.transport.calls import MOST_NAMED
from eventflow.transport.messages import ROUTE

__all__ = ["MOST_AT_ONCE", "Outlet"]

_log = logging.getLogger("eventflow.replay")

MOST_AT_ONCE = 500
"""Events in one call of the ledger."""


class Outlet:
    """Hands the events of one replay over, unless so much waits already that it had better not.

    All of them are in one lane, which is routed in turn with those of what is published meanwhile:
    so they keep their order, and a replay of any size delays nobody.

    Args:
        ledger: The bus's.
        sender: The way to the broker.
        name: The replay's name.
        targets: The targets that may get any of it.
        most_waiting: How many events may wait to be routed, or deliveries for one of the targets,
            before no more are handed over.
    """

    def __init__(
        self,
        ledger: Ledger,
        sender: MessageSender,
        name: str,
        *,
        targets: Sequence[str],
        most_waiting: int,
    ) -> None:
        self._ledger = ledger
        self._sender = sender
        self._name = name
        self._targets = targets
        self._most_waiting = most_waiting

    def crowd(self) -> str:
        """Say what there is too much of; empty where more may come.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        counts = self._ledger.status([ROUTE, *self._targets])
        unrouted = counts.pop(ROUTE).queued
        if unrouted >= self._most_waiting:
            return f"{unrouted:,} events wait to be routed"
        waiting: Counter[str] = Counter()
        for target, count in counts.items():
            waiting[target] = count.queued + count.waiting + count.parked
        for target, number in waiting.most_common(1):
            if number >= self._most_waiting:
                return f"{number:,} deliveries wait for {target}"
        return ""

    def offer(self, events: Sequence[ArchivedEvent]) -> int:
        """Have events accepted and routers told. Safe to repeat: each is sent once in a replay.

        Args:
            events: In order; at most `MOST_AT_ONCE`.

        Returns:
            How many were taken before the first that was not, since as many wait to be routed as
            may.

        Raises:
            LedgerError: When the ledger cannot be reached.
        """
        lane = f"eventflow.replay|{self._name}"
        identities = [ledger_id(event.event_id, self._name) for event in events]
        answers = self._ledger.accept(
            [
                (identity, self._marked(event.body), lane)
                for identity, event in zip(identities, events, strict=True)
            ]
        )
        told = [
            (identity, event.type)
            for identity, event, answer in zip(identities, events, answers, strict=True)
            if answer in {Acceptance.NEW, Acceptance.PENDING}
        ]
        if answers.is_call_due:
            self._tell(told)
        return answers.index(Acceptance.FULL) if Acceptance.FULL in answers else len(answers)

    def _tell(self, events: Sequence[tuple[str, str]]) -> None:
        messages = [route_message(self._ledger.bus, events[:MOST_NAMED])]
        try:
            self._sender.send(messages)
        except TransportError as error:
            # All is in the ledger: the routers find it once the broker is back.
            extra = {"action": "send_failed", "messages": len(messages)}
            _log.warning("%s", error, extra=extra)

    def _marked(self, body: bytes) -> bytes:
        # Not read and written anew: all else stays byte for byte. A replay's name needs no escape.
        return body.rstrip()[:-1] + f',"replay-name":"{self._name}"}}'.encode()
