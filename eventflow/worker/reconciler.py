"""The reconciler: compares what was registered with what is there, and repairs what it can.

Each target's balance is one moment's numbers, so that a difference is never one of timing: something
was taken out of the ledger by other hands, or was lost with a part of its server's data. One that is
still there at the next look is searched for, a slice of the keys at a time: deliveries that are in no
place are queued and sent again, entries whose delivery is gone are taken away and counted. What then
remains is said, and stays a finding of `eventflow doctor` until a person settles it.
"""

import logging
from collections.abc import Iterator

from eventflow.delivery import Balance, Reconciliation
from eventflow.transport import record_message, route_message
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.worker.context import WorkerContext
from eventflow.worker.hand_back import single_messages
from eventflow.worker.route import groups

__all__ = ["Reconciler"]

_log = logging.getLogger("eventflow.reconciler")


class Reconciler:
    """Looks at every bus. For one router at a time.

    Args:
        context: The process's parts.
    """

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        self._before: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}

    def look(self) -> Iterator[None]:
        """Compare, and repair what has differed twice; the caller may pause between the steps.

        Yields:
            After each step.

        Raises:
            LedgerError, TransportError: When either cannot be reached.
        """
        before, self._before = self._before, {}
        for bus in self._context.ledgers.buses():
            ledger = self._context.ledgers.of(bus)
            names = [ROUTE, DEAD_LETTERS, *sorted(self._context.book.of(bus))]
            differing = {
                name: balance
                for name, balance in ledger.balances(names).items()
                if balance.difference
            }
            for name, balance in differing.items():
                self._before[bus, name] = balance.difference
            lasting = [name for name in differing if (bus, name) in before]
            # What was searched for in vain is not searched for again until it changes.
            sought = [
                name for name in lasting if self._told.get((bus, name)) != self._before[bus, name]
            ]
            if sought:
                yield from self._repair(bus, sought)
                self._tell(bus, ledger.balances(sought))
            self._told = {
                key: number
                for key, number in self._told.items()
                if key[0] != bus or key[1] in differing
            }
            yield

    def _repair(self, bus: str, names: list[str]) -> Iterator[None]:
        repairs = self._context.ledgers.reconciliation(bus)
        if targets := [name for name in names if name not in (ROUTE, DEAD_LETTERS)]:
            yield from self._repair_targets(bus, repairs, targets)
        if DEAD_LETTERS in names:
            for ids in repairs.restore_letters():
                self._send_letters(bus, ids)
                yield
        if ROUTE in names:
            for ids in repairs.restore_events():
                self._send_events(bus, ids)
                yield

    def _repair_targets(
        self, bus: str, repairs: Reconciliation, targets: list[str]
    ) -> Iterator[None]:
        for name in targets:
            for gone in repairs.forget_vanished(name):
                self._tell_gone(name, gone)
                yield
        for name, ids in repairs.restore_deliveries(targets):
            self._send_deliveries(bus, name, ids)
            yield

    def _send_deliveries(self, bus: str, name: str, ids: list[str]) -> None:
        if not ids:
            return
        _log.warning(
            "%d deliveries of target %s were registered and nowhere, and are queued again: %s",
            len(ids),
            name,
            _some(ids),
            extra={"action": "deliveries_restored", "target": name, "count": len(ids)},
        )
        ledger, target = self._context.ledgers.of(bus), self._context.book.get(bus, name)
        self._context.sender.send(single_messages(ledger, target, ids))

    def _send_events(self, bus: str, ids: list[str]) -> None:
        if not ids:
            return
        _log.warning(
            "%d events were accepted and nowhere, and are queued again: %s",
            len(ids),
            _some(ids),
            extra={"action": "events_restored", "bus": bus, "count": len(ids)},
        )
        size = self._context.settings.group_size
        events = [[(event_id, "") for event_id in group] for group in groups(ids, size)]
        self._context.sender.send([route_message(bus, group) for group in events])

    def _send_letters(self, bus: str, ids: list[str]) -> None:
        if not ids:
            return
        _log.warning(
            "%d dead letters waited for the recorder, and on no list, and are queued again: %s",
            len(ids),
            _some(ids),
            extra={"action": "letters_restored", "bus": bus, "count": len(ids)},
        )
        size = self._context.settings.group_size
        self._context.sender.send([record_message(bus, group) for group in groups(ids, size)])

    def _tell_gone(self, name: str, ids: list[str]) -> None:
        if not ids:
            return
        _log.error(
            "the records of %d deliveries of target %s are gone from the ledger: %s",
            len(ids),
            name,
            _some(ids),
            extra={"action": "deliveries_vanished", "target": name, "count": len(ids)},
        )

    def _tell(self, bus: str, balances: dict[str, Balance]) -> None:
        for name, balance in balances.items():
            if not balance.difference:
                self._before.pop((bus, name), None)
                continue
            self._told[bus, name] = self._before[bus, name] = balance.difference
            _log.error(
                "the balance of %s on the bus '%s' is not even: %d registered, %d accounted for, so "
                "%d are %s; `eventflow doctor` says more",
                name,
                bus,
                balance.registered,
                balance.accounted,
                abs(balance.difference),
                "missing" if balance.difference > 0 else "too many",
                extra={
                    "action": "balance_difference",
                    "bus": bus,
                    "target": name,
                    "difference": balance.difference,
                },
            )


def _some(ids: list[str]) -> str:
    """Name the first few."""
    shown = ", ".join(ids[:5])
    return f"{shown} and {len(ids) - 5} more" if ids[5:] else shown
