"""The places where an event's story is read: ledgers, store, rules; any of them may be away."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from eventflow.delivery import Ledger, Ledgers
from eventflow.errors import EventflowError, LedgerError, StoreError
from eventflow.rules import RuleSet, load_rules
from eventflow.settings import Settings
from eventflow.store import (
    ArchiveStore,
    DeadLetterStore,
    JournalStore,
    open_engine,
    store_exists,
)

__all__ = ["Asking", "Sources", "open_sources"]

T = TypeVar("T")


class Asking:
    """One round of questions: a place that fails once is not asked again, and says why.

    Attributes:
        away: The places that failed, each with what it said.
    """

    def __init__(self) -> None:
        self.away: dict[str, str] = {}

    def ask(self, place: str, question: Callable[[], T]) -> T | None:
        """Ask a place; None where it is away.

        Args:
            place: `ledger`, `store` or `archive`.
            question: What to ask.
        """
        if place in self.away:
            return None
        try:
            return question()
        except (LedgerError, StoreError) as error:
            self.away[place] = str(error)
            return None


class Sources:
    """Where stories are read.

    Args:
        settings: Where everything is.
        ledgers: The ledgers.
        journal: The journal's store; None where there is no store yet.
        letters: The store of dead letters; likewise.
        archive: The store of archived events; likewise.
    """

    def __init__(
        self,
        settings: Settings,
        ledgers: Ledgers,
        *,
        journal: JournalStore | None = None,
        letters: DeadLetterStore | None = None,
        archive: ArchiveStore | None = None,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self.letters = letters
        self.archive = archive
        self._ledgers = ledgers
        self._rules: tuple[RuleSet | None, str] | None = None

    def ledger(self, bus: str) -> Ledger:
        """Return the ledger of a bus."""
        return self._ledgers.of(bus)

    def buses(self) -> list[str]:
        """Return the buses that were ever published to.

        Raises:
            LedgerError: When the ledger cannot be asked.
        """
        return self._ledgers.buses()

    def rules(self) -> tuple[RuleSet | None, str]:
        """Return the rules as they are now, or None and why there are none; read once."""
        if self._rules is None:
            try:
                self._rules = (load_rules(self.settings.rules), "")
            except EventflowError as error:
                first = str(error).partition("\n")[0]
                self._rules = (None, first)
        return self._rules


@contextmanager
def open_sources(settings: Settings) -> Iterator[Sources]:
    """Open the places of a deployment; nothing is asked yet, and none is made.

    Args:
        settings: Where everything is.

    Raises:
        StoreError: When the store's address cannot be.
    """
    ledgers = Ledgers(settings)
    with ExitStack() as stack:
        if not store_exists(settings.store_url):
            yield Sources(settings, ledgers)
            return
        engine = open_engine(settings.store_url)
        stack.callback(engine.dispose)
        yield Sources(
            settings,
            ledgers,
            journal=JournalStore(engine),
            letters=DeadLetterStore(engine),
            archive=ArchiveStore(engine, settings.archive_keys),
        )
