"""One ledger for whatever bus, in place of a process's own way to ledgers."""

from eventflow.delivery import Ledger, Ledgers
from eventflow.settings import Settings

__all__ = ["OneLedger"]


class OneLedger(Ledgers):
    """One ledger in memory, whatever the bus."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        super().__init__(settings)
        self.ledger = ledger

    def of(self, bus: str) -> Ledger:
        """Return it."""
        return self.ledger

    def buses(self) -> list[str]:
        """Return its own."""
        return [self.ledger.bus]
