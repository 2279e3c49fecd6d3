"""What the journal costs: the ledger's server, a worker's calls, and the recorder, in one run."""

import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from eventflow.delivery import Finish, Outcome, Planned, RedisLedger, connect_redis
from eventflow.delivery.keys import Keys
from eventflow.embedded import running_server
from eventflow.events import delivery_id
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.store import JournalStore, open_engine
from eventflow.worker.journal import BATCH

TARGETS = ("device-vendor", "notifications", "audit")
EVENTS = 500
ROUNDS = 7
MOST = 200_000
STEPS = ("accept", "route", "claim", "finish")
BODY = (
    b'{"id":"e","source":"courier.app","detail-type":"CourierArrived","detail":{"note":"%s"}}'
    % (b"x" * 350)
)


class Bench:
    """One bus, with a journal or without."""

    def __init__(self, url: str, bus: str, most: int) -> None:
        self.client = connect_redis(url, timeout=5.0)
        self.ledger = RedisLedger(self.client, bus=bus, journal_most=most)
        self.journal = Keys(bus).journal
        self._number = 0

    def round(self) -> dict[str, tuple[float, float]]:
        """Return each step's microseconds, the caller's and the server's, for each event."""
        ids = [f"e{self._number + number}" for number in range(EVENTS)]
        self._number += EVENTS
        planned = [Planned(name, ("unlock-garage-on-arrival",), None) for name in TARGETS]
        deliveries = [
            (Target(name=name, task=name), delivery_id(event_id, name))
            for event_id in ids
            for name in TARGETS
        ]
        accept, route = self.ledger.accept, self.ledger.finish_route
        claim, finish = self.ledger.claim, self.ledger.finish
        calls: dict[str, list[Callable[[], object]]] = {
            "accept": [partial(accept, [(each, BODY, "courier.app|Came")]) for each in ids],
            "route": [partial(route, each, "Came", planned, []) for each in ids],
            "claim": [partial(claim, target, [one], lease=30.0) for target, one in deliveries],
            "finish": [partial(finish, target, [_done(one)]) for target, one in deliveries],
        }
        return {name: self._measure(calls[name]) for name in STEPS}

    def _measure(self, calls: Sequence[Callable[[], object]]) -> tuple[float, float]:
        before, start = self._served(), time.perf_counter()
        for call in calls:
            call()
        caller = time.perf_counter() - start
        return caller / EVENTS * 1e6, (self._served() - before) / EVENTS

    def _served(self) -> float:
        stats = self.client.info("commandstats")
        return float(stats.get("cmdstat_evalsha", {"usec": 0})["usec"])


def _done(identity: str) -> Finish:
    return Finish(identity, 1, Outcome.DONE, succeeded=True, duration=0.012)


def measure(url: str) -> None:
    """Print what the ledger's calls cost without a journal and with it."""
    without, journal = Bench(url, "without", 0), Bench(url, "journal", MOST)
    rounds: list[tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]] = []
    for _ in range(ROUNDS):
        rounds.append((without.round(), journal.round()))
        journal.client.delete(journal.journal)
    columns = f"{'caller':>9} {'journal':>9} {'server':>9} {'journal':>9}"
    print(f"{'us an event of three targets':32} {columns}")
    sums = [0.0] * 4
    for name in STEPS:
        row = [
            median(round_[side][name][kind] for round_ in rounds)
            for kind in (0, 1)
            for side in (0, 1)
        ]
        sums = [one + other for one, other in zip(sums, row, strict=True)]
        print(f"{name:32}", *(f"{cost:9.0f}" for cost in row))
    print(f"{'in all':32}", *(f"{cost:9.0f}" for cost in sums))
    added = [(sums[1] - sums[0]) / len(TARGETS), (sums[3] - sums[2]) / len(TARGETS)]
    print(
        f"\nadded to a delivery: {added[0]:.1f} us of the caller's, {added[1]:.1f} of the server's"
    )


def measure_recorder(url: str, place: Path) -> None:
    """Print what the recorder needs for an entry, and how much room an entry takes."""
    bench = Bench(url, "recorded", MOST)
    for _ in range(8):
        bench.round()
    count = bench.ledger.journal_state().waiting
    room = int(bench.client.memory_usage(bench.journal)) / count  # type: ignore[arg-type]
    engine = open_engine(f"sqlite:///{place}/eventflow.db")
    store = JournalStore(engine)
    store.record([])
    start = time.perf_counter()
    while entries := bench.ledger.journal_entries(BATCH):
        store.record(entries)
        bench.ledger.journal_recorded([entry.id for entry in entries])
    cost = (time.perf_counter() - start) / count * 1e6
    size = (place / "eventflow.db").stat().st_size / count
    engine.dispose()
    print(f"\nthe recorder, {count:,} entries to SQLite: {cost:.0f} us an entry")
    print(f"an entry takes {room:.0f} bytes in Redis, and {size:.0f} in SQLite")


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="ef-") as folder:
        place = Path(folder)
        settings = load_settings(data_dir=place, schemas=place)
        with running_server(settings):
            measure(settings.ledger_url)
            measure_recorder(settings.ledger_url, place)


if __name__ == "__main__":
    main()
