"""What the archive costs: to write an event, to delete by age, and its room; on both databases.

python benchmarks/archive.py [--events 100000] [--list 50] [--skip-variants]

PostgreSQL is one of its own, which does not wait for its disk; SQLite does.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests use

from archived_events import DAY, batches, generate
from sqlalchemy import Engine, text

from eventflow.rules import ARCHIVE
from eventflow.store import ArchiveFilter, ArchiveStore, open_engine
from eventflow.store.engine import reading
from tests.integration.postgres import find_binaries, running_postgres

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


def measure(
    engine: Engine, count: int, size: int, *, keys: Sequence[str] = (), prune: bool = True
) -> None:
    """Write *count* events in lists of *size*, look at them, and delete a tenth by age."""
    archive = ArchiveStore(engine, keys)
    archive.count()  # makes the tables
    before, began = _cpu(), time.perf_counter()
    spent = 0.0
    for batch in batches(generate(count), size):
        start = time.perf_counter()
        archive.write(batch)
        spent += time.perf_counter() - start
    whole = time.perf_counter() - began
    made = _cost_of_making(count, size)
    cpu = _cpu() - before - made
    print(
        f"  write    {spent / count * 1e6:8.1f} us each, {count / spent:,.0f}/s in lists of {size}"
    )
    print(
        f"           {cpu / count * 1e6:8.1f} us of this process's CPU each; {whole:.1f} s in all"
    )
    start = time.perf_counter()
    [holding] = archive.holdings()
    print(f"  count    {(time.perf_counter() - start):8.2f} s for all of them (`archive list`)")
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


def _cost_of_making(count: int, size: int) -> float:
    start = _cpu()
    for _ in batches(generate(count), size):
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


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--list", type=int, default=50, help="events of a transaction")
    parser.add_argument("--skip-variants", action="store_true", help="only as it is by default")
    options = parser.parse_args()
    count, size = options.events, options.list
    print(f"{count:,} events for the target {ARCHIVE}")
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite")
        measure(open_engine(f"sqlite:///{folder}/one.db"), count, size)
        if not options.skip_variants:
            print("SQLite, encrypted, a fifth of the events")
            engine = open_engine(f"sqlite:///{folder}/two.db")
            measure(engine, count // 5, size, keys=[KEY], prune=False)
    binaries = find_binaries()
    if binaries is not None:
        print("PostgreSQL")
        with running_postgres(binaries) as server:
            engine = open_engine(server.url)
            measure(engine, count, size)
            engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
