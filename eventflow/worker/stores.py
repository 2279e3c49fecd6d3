"""A process's stores: one engine for all of them, opened when the first is needed."""

import os
from functools import cached_property

import eventflow.store as sql
from eventflow.settings import Settings

__all__ = ["ProcessStores"]


class ProcessStores:
    """The stores of one process; after a fork, of the child.

    Args:
        settings: Where the store is, and the archive's keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: tuple[int, _Stores] | None = None

    @property
    def dead_letters(self) -> "sql.DeadLetterStore":
        """The dead letters.

        Raises:
            StoreError: When the store cannot be opened.
        """
        return self._of_process().dead_letters

    @property
    def archive(self) -> "sql.ArchiveStore":
        """The archive.

        Raises:
            StoreError: When the store cannot be opened.
        """
        return self._of_process().archive

    @property
    def journal(self) -> "sql.JournalStore":
        """The journal.

        Raises:
            StoreError: When the store cannot be opened.
        """
        return self._of_process().journal

    def _of_process(self) -> "_Stores":
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = (os.getpid(), _Stores(self._settings))
        return self._opened[1]


class _Stores:
    """The stores, over one engine."""

    def __init__(self, settings: Settings) -> None:
        self._keys = settings.archive_keys
        self._engine = sql.open_engine(settings.store_url)

    @cached_property
    def dead_letters(self) -> "sql.DeadLetterStore":
        return sql.DeadLetterStore(self._engine)

    @cached_property
    def journal(self) -> "sql.JournalStore":
        return sql.JournalStore(self._engine)

    @cached_property
    def archive(self) -> "sql.ArchiveStore":
        return sql.ArchiveStore(self._engine, self._keys)
