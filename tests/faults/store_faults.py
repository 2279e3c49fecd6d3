"""Stores that can be made to fail: SQLite locked or on a full disk, PostgreSQL locked or stopped."""

import contextlib
import io
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest

from eventflow.store.tables import DEAD_LETTERS
from tests.integration.postgres import MISSING as NO_POSTGRES
from tests.integration.postgres import PostgresServer, find_binaries, running_postgres
from tests.servers.server import require

__all__ = ["STORES", "FaultyStore", "store_of"]

_DISK = "64m"  # more than all dead letters of a test need
_NO_MOUNT = "a small disk to fill can be mounted by root alone, on Linux"


class FaultyStore(Protocol):
    """A store's address, and its faults."""

    @property
    def url(self) -> str:
        """Its address, as EVENTFLOW_DATABASE_URL has it; empty for the default."""

    def faults(self) -> dict[str, AbstractContextManager[None]]:
        """Return what can happen to it: each fault lasts for a `with` block."""


class _Sqlite:
    """SQLite on a small disk of its own."""

    def __init__(self, disk: Path) -> None:
        self._disk = disk
        self._file = disk / "eventflow.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self._file}"

    def faults(self) -> dict[str, AbstractContextManager[None]]:
        return {"locked": self._locked(), "on a full disk": self._full()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")

    @contextmanager
    def _full(self) -> Iterator[None]:
        filler = self._disk / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            _fill(file)
        yield
        filler.unlink()


class _Postgres:
    """A PostgreSQL of its own."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    @property
    def url(self) -> str:
        return self._server.url

    def faults(self) -> dict[str, AbstractContextManager[None]]:
        return {"locked": self._locked(), "stopped": self._stopped()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with psycopg.connect(self._server.url) as connection:
            connection.execute(f"LOCK TABLE {DEAD_LETTERS.name} IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    @contextmanager
    def _stopped(self) -> Iterator[None]:
        self._server.stop()
        yield
        self._server.start()


@contextmanager
def _sqlite() -> Iterator[FaultyStore]:
    with _small_disk() as disk:
        yield _Sqlite(disk)


@contextmanager
def _postgres() -> Iterator[FaultyStore]:
    with running_postgres(require(find_binaries(), NO_POSTGRES)) as server:
        yield _Postgres(server)


STORES = {"sqlite": _sqlite, "postgresql": _postgres}


def store_of(kind: str) -> AbstractContextManager[FaultyStore]:
    """Have a store of one of the `STORES` for a `with` block."""
    return STORES[kind]()


def _fill(file: io.FileIO) -> None:
    while True:
        file.write(bytes(4096))


@contextmanager
def _small_disk() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="ef-disk-"))
    try:
        options = ["-t", "tmpfs", "-o", f"size={_DISK},mode=700", "tmpfs", str(place)]
        if os.geteuid() != 0 or subprocess.call(["mount", *options], stderr=subprocess.DEVNULL):
            pytest.skip(_NO_MOUNT)
        try:
            yield place
        finally:
            subprocess.check_call(["umount", "--lazy", str(place)])
    finally:
        shutil.rmtree(place, ignore_errors=True)
