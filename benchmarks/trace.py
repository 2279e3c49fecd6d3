"""How long `eventflow trace` looks: an id in a journal of a million rows, a field in the archive.

`python benchmarks/trace.py [ROWS] [POSTGRESQL-URL]`; without an address, SQLite alone.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import text

from eventflow.delivery import RedisLedger, connect_redis
from eventflow.embedded import running_server
from eventflow.settings import load_settings
from eventflow.store import ArchivedEvent, ArchiveStore, JournalStore, open_engine
from eventflow.story.conditions import fits_all, read_condition

STEPS = 5  # of each event
ARCHIVED = 20_000
UNRECORDED = 100_000
ROUNDS = 15

_FILL = """
    INSERT INTO eventflow_journal
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :rows)
    SELECT 'default', {digits}, 1764000000 + i / 1000.0, 'attempt', 'event-' || (i / :steps), '',
           'device-vendor', 1, 'done', 0.01, 0, '', '', ''
    FROM n
"""
_DIGITS = {
    "sqlite": "printf('%013d-%010d', 1764000000000 + i, 0)",
    "postgresql": "lpad((1764000000000 + i)::text, 13, '0') || '-0000000000'",
}


def milliseconds(call: Callable[[], object]) -> float:
    """Return the median of a few calls."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return median(taken) * 1000


def measure_store(url: str, rows: int) -> None:
    """Print how long the store looks for an event."""
    engine = open_engine(url)
    journal, archive = JournalStore(engine), ArchiveStore(engine)
    journal.count()
    dialect = engine.dialect.name
    with engine.begin() as connection:
        connection.execute(
            text(_FILL.format(digits=_DIGITS[dialect])), {"rows": rows, "steps": STEPS}
        )
        if dialect == "postgresql":
            connection.execute(text("ANALYZE eventflow_journal"))
    wanted = f"event-{rows // STEPS // 2}"
    assert len(journal.of_event(wanted)) == STEPS
    print(f"{dialect}, {rows:,} rows of the journal")
    print(
        f"  an event's story by its id     {milliseconds(lambda: journal.of_event(wanted)):9.2f} ms"
    )
    print(f"  an id that is not there        {milliseconds(lambda: journal.of_event('x')):9.2f} ms")
    beginning = milliseconds(lambda: journal.find_events(wanted[:-1], limit=20))
    print(f"  ids that begin so              {beginning:9.2f} ms")
    archive.write(_event(number) for number in range(ARCHIVED))
    start = time.perf_counter()
    condition = [read_condition("detail.order_id=-1")]
    after, looked_at = None, 0
    while page := archive.read(limit=1000, after=after, newest_first=True):
        looked_at += sum(not fits_all(condition, json.loads(each.body)) for each in page)
        after = page[-1].cursor
    taken = time.perf_counter() - start
    print(f"  --where, archived events a second  {looked_at / taken:9,.0f}")
    engine.dispose()


def measure_ledger() -> None:
    """Print how long the ledger looks for an event among entries that are not recorded yet."""
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        settings = load_settings(data_dir=Path(place))
        with running_server(settings):
            client = connect_redis(settings.ledger_url, timeout=5.0)
            ledger = RedisLedger(client, journal_most=2 * UNRECORDED)
            for start in range(0, UNRECORDED, 500):
                part = range(start, start + 500)
                ledger.accept([(f"event-{number}", b"{}", "shop|Sold") for number in part])
            wanted = f"event-{UNRECORDED // 2}"
            whole = milliseconds(lambda: ledger.journal_of(wanted, 0.0, 2 * UNRECORDED))
            look = milliseconds(lambda: ledger.look(wanted, [f"t{n}" for n in range(50)]))
            print(f"ledger, {UNRECORDED:,} entries that are not recorded yet")
            print(f"  one event's among them all     {whole:9.2f} ms")
            print(f"  where it is, of 50 targets     {look:9.2f} ms")


def _event(number: int) -> ArchivedEvent:
    detail = {"order_id": number, "note": "x" * 300}
    body = {"id": f"event-{number}", "source": "shop", "detail-type": "Sold", "detail": detail}
    return ArchivedEvent(
        event_id=f"event-{number}",
        bus="default",
        source="shop",
        type="Sold",
        accepted_at=1_764_000_000.0 + number,
        archives=("all",),
        body=json.dumps(body).encode(),
    )


def main() -> None:
    """Measure all."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    measure_ledger()
    with tempfile.TemporaryDirectory(prefix="ef-") as place:
        measure_store(f"sqlite:///{place}/store.db", rows)
    for url in sys.argv[2:]:
        measure_store(url, rows)


if __name__ == "__main__":
    main()
