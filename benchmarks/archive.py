"""What the archive costs: to write an event, to delete by age, and its room; on both databases.

python benchmarks/archive.py [--events 100000] [--postgres URL] [--skip-variants]
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from archived_events import DAY, batches, generate
from sqlalchemy import Engine, text

from eventflow.rules import ARCHIVE
from eventflow.store import ArchiveFilter, ArchiveStore, open_engine
from eventflow.store.engine import reading, writing

LIST = 50  # events of a message, and so of a transaction
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def measure(engine: Engine, count: int, *, keys: Sequence[str] = (), prune: bool = True) -> None:
    """Write *count* events in lists, look at them, and delete them by age."""
    archive = ArchiveStore(engine, keys)
    archive.count()  # makes the tables
    before, began = _cpu(), time.perf_counter()
    spent = 0.0
    for batch in batches(generate(count), LIST):
        start = time.perf_counter()
        archive.write(batch)
        spent += time.perf_counter() - start
    whole = time.perf_counter() - began
    made = _cost_of_making(count)
    cpu = _cpu() - before - made
    print(
        f"  write    {spent / count * 1e6:8.1f} us each, {count / spent:,.0f}/s in lists of {LIST}"
    )
    print(
        f"           {cpu / count * 1e6:8.1f} us of this process's CPU each; {whole:.1f} s in all"
    )
    [holding] = archive.holdings()
    print(
        f"  room     {holding.size / count:8.0f} bytes of JSON each, {holding.stored / count:.0f} "
        f"stored, {_room(engine) / count:.0f} with keys and indexes"
    )
    if not prune:
        return
    start = time.perf_counter()
    page = archive.read(ArchiveFilter(bus="default", types=("ParcelLost",)), limit=500)
    print(f"  read     {(time.perf_counter() - start) / len(page) * 1e6:8.1f} us each, by type")
    _measure_pruning(archive, count)


def _measure_pruning(archive: ArchiveStore, count: int) -> None:
    oldest, newest = archive.holdings()[0].oldest, archive.holdings()[0].newest
    tenth = oldest + (newest - oldest) / 10 + 90 * DAY
    deleted = days = longest = 0.0
    start = time.perf_counter()
    while True:
        step = time.perf_counter()
        pruned = archive.prune(tenth, most=2_000)
        longest = max(longest, time.perf_counter() - step)
        deleted, days = deleted + pruned.events, days + pruned.days
        if not sum(pruned):
            break
    spent = time.perf_counter() - start
    left = archive.count()
    print(
        f"  delete   {count - left:,} events in {spent:.2f} s: {deleted:,.0f} one by one, "
        f"{days:.0f} days whole; the longest step {longest * 1000:.0f} ms"
    )


def _cost_of_making(count: int) -> float:
    start = _cpu()
    for _ in batches(generate(count), LIST):
        pass
    return _cpu() - start


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _room(engine: Engine) -> float:
    if engine.dialect.name == "sqlite":
        return float(Path(str(engine.url.database)).stat().st_size)
    query = text(
        "SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits "
        "WHERE inhparent = 'eventflow_archive'::regclass"
    )
    with reading(engine) as connection:
        return float(connection.execute(query).scalar_one())


def _sqlite(count: int, title: str, *, keys: Sequence[str] = (), prune: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(f"SQLite, {title}")
        engine = open_engine(f"sqlite:///{folder}/eventflow.db")
        measure(engine, count, keys=keys, prune=prune)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--postgres", metavar="URL", help="an empty database of PostgreSQL's")
    parser.add_argument("--skip-variants", action="store_true", help="only as it is by default")
    options = parser.parse_args()
    print(f"{options.events:,} events for the target {ARCHIVE}")
    _sqlite(options.events, "compressed", prune=True)
    if not options.skip_variants:
        _sqlite(options.events // 5, "compressed and encrypted", keys=[KEY])
    if options.postgres:
        engine = open_engine(options.postgres)
        print("PostgreSQL, compressed")
        measure(engine, options.events)
        with writing(engine) as connection:
            connection.execute(text("DROP TABLE eventflow_archive"))
        engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
