"""One process's way to the ledgers: one for each bus, all on one connection pool."""

import os
from collections.abc import Sequence

import redis

from eventflow.delivery.accepting import Accepted, WriteCall
from eventflow.delivery.canaries import CanaryBook
from eventflow.delivery.gauges import Gauges
from eventflow.delivery.keys import BUSES
from eventflow.delivery.ledger import Ledger
from eventflow.delivery.processes import ProcessBook
from eventflow.delivery.reconciliation import Reconciliation, hold_overseer
from eventflow.delivery.redis_ledger import RedisLedger
from eventflow.delivery.scripts import connect_redis, guarded
from eventflow.delivery.silence import Silence
from eventflow.delivery.watch import Watch
from eventflow.settings import Settings
from eventflow.tls import ledger_tls

__all__ = ["Ledgers"]


class Ledgers:
    """Opens each bus's ledger when first asked for. Safe in threads and after a fork.

    Args:
        settings: Where they are.
        patient: Whether a call that met silence is made once more.
        write_call: Writes the message that calls a router, for those who publish where the ledger's
            server may be the broker too.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        patient: bool = True,
        write_call: WriteCall | None = None,
    ) -> None:
        self._settings = settings
        self._write_call = write_call
        self._journal_most = settings.journal_most if settings.journal else 0
        self._patient = patient
        # By process: redis-py notices a fork, and yet has locks that another thread may have held.
        self._clients: dict[int, redis.Redis] = {}
        self._by_bus: dict[tuple[int, str], Ledger] = {}

    def of(self, bus: str) -> Ledger:
        """Return the ledger of *bus*.

        Raises:
            LedgerError: When the settings' address cannot be read.
        """
        place = (os.getpid(), bus)
        ledger = self._by_bus.get(place)
        if ledger is None:
            client = self._connect()
            ledger = self._by_bus[place] = RedisLedger(
                client,
                bus=bus,
                window=self._settings.deduplication_window,
                most=self._settings.max_backlog,
                journal_most=self._journal_most,
                write_call=self._write_call,
            )
        return ledger

    def accept_at_once(
        self, bus: str, events: Sequence[tuple[str, bytes, str]], seconds: float
    ) -> Accepted | None:
        """Have the ledger of *bus* take events here and now; see `RedisLedger.accept_at_once`."""
        ledger = self._by_bus.get((os.getpid(), bus))
        return ledger.accept_at_once(events, seconds) if isinstance(ledger, RedisLedger) else None

    async def accept_in_loop(
        self, bus: str, events: Sequence[tuple[str, bytes, str]], seconds: float
    ) -> Accepted | None:
        """Have the ledger of *bus* take events now; see `RedisLedger.accept_in_loop`."""
        ledger = self._by_bus.get((os.getpid(), bus))
        if not isinstance(ledger, RedisLedger):
            return None
        return await ledger.accept_in_loop(events, seconds)

    def be_ready(self, bus: str) -> None:
        """Have a connection open for `accept_at_once`; this may take long."""
        ledger = self._by_bus.get((os.getpid(), bus))
        if isinstance(ledger, RedisLedger):
            ledger.be_ready()

    def buses(self) -> list[str]:
        """Return the buses that were ever published to, in order.

        Raises:
            LedgerError: When the server cannot be reached.
        """
        client = self._connect()
        names = guarded(client, lambda: client.smembers(BUSES))
        return sorted(name.decode() for name in names)  # type: ignore[union-attr]

    def watch(self, bus: str) -> Watch:
        """Return the numbers and alarms of *bus*."""
        return Watch(self._connect(), bus)

    def gauges(self, bus: str) -> Gauges:
        """Return what a monitor draws of *bus*."""
        return Gauges(self._connect(), bus)

    def silence(self, bus: str) -> Silence:
        """Return what has long been silent on *bus*."""
        return Silence(self._connect(), bus)

    def processes(self) -> ProcessBook:
        """Return the reports of the processes."""
        return ProcessBook(self._connect())

    def canaries(self) -> CanaryBook:
        """Return what is known of the queues' canaries."""
        return CanaryBook(self._connect())

    def reconciliation(self, bus: str) -> Reconciliation:
        """Return the repairs of *bus*."""
        return Reconciliation(self._connect(), bus, journal_most=self._journal_most)

    def oversee(self, identity: str, seconds: float) -> bool:
        """Take or keep the place of the one router that oversees; False when another has it.

        Raises:
            LedgerError: When the server cannot be reached.
        """
        return hold_overseer(self._connect(), identity, seconds)

    def _connect(self) -> redis.Redis:
        # No lock: a fork while another thread held it would hold it for ever in the child. Of two
        # clients that two threads make at once, one is used.
        client = self._clients.get(os.getpid())
        if client is None:
            made = connect_redis(
                self._settings.ledger_url,
                timeout=self._settings.publish_deadline,
                tls=ledger_tls(self._settings),
                patient=self._patient,
            )
            client = self._clients.setdefault(os.getpid(), made)
        return client
