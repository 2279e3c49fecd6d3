"""What each step of the ledger costs: processor time of its server, and of the process that asks.

An event with three targets goes all its way, once in lists as long as they get under load, and once
with one entry in each list. `python benchmarks/ledger.py 15` takes the median of so many rounds.
"""

import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median

from eventflow.delivery import (
    Claim,
    Draw,
    Finish,
    Outcome,
    Planned,
    RedisLedger,
    Routing,
    connect_redis,
)
from eventflow.delivery.keys import Keys
from eventflow.embedded import running_server
from eventflow.rules import Target
from eventflow.settings import load_settings

TARGETS = [Target(name=name, task=name) for name in ("device-vendor", "notifications", "audit")]
ROUNDS = 7
EVENTS = {True: 600, False: 150}  # of a round, in lists and one by one
ACCEPTED, ROUTED, TAKEN = 100, 50, 100  # in one call, as a publisher, a router and a worker do
MOST = 200_000  # entries of the journal
LOOK = 20  # deliveries that are looked at for one that may run
LEASE = PATIENCE = 30.0
BODY = (
    b'{"id":"e","source":"courier.app","detail-type":"CourierArrived","detail":{"note":"%s"}}'
    % (b"x" * 350)
)
Costs = dict[str, tuple[float, float]]


class Bench:
    """One bus, and what its steps have cost in this round: seconds of the server's and of the caller's."""

    def __init__(self, url: str) -> None:
        self._client = connect_redis(url, timeout=5.0)
        self._ledger = RedisLedger(
            self._client,
            journal_most=MOST,
            write_call=lambda _bus, _events: b'{"body": "", "headers": {}}',
        )
        self._journal = Keys("default").journal
        self._number = 0
        self._costs: Costs = {}

    def round(self, *, lists: bool) -> Costs:
        """Take events all their way; return each step's microseconds for one event."""
        self._costs = {}
        events = EVENTS[lists]
        self._accept(events, ACCEPTED if lists else 1)
        self._route(events, ROUTED if lists else 1)
        for target in TARGETS:
            if lists:
                self._deliver_lists(target, events)
            else:
                self._deliver_one_by_one(target, events)
        self._client.delete(self._journal, "eventflow.route")
        return {
            name: (served / events * 1e6, asked / events * 1e6)
            for name, (served, asked) in self._costs.items()
        }

    def _accept(self, events: int, size: int) -> None:
        with self._step("accept"):
            for _ in range(events // size):
                ids = range(self._number, self._number + size)
                self._ledger.accept(
                    [(f"event-{each:031}", BODY, "courier.app|Came") for each in ids]
                )
                self._number += size

    def _route(self, events: int, size: int) -> None:
        plan = [Planned(target.name, ("unlock-garage-on-arrival",), None) for target in TARGETS]
        with self._step("take_routes"):
            taken = [
                self._ledger.take_routes(size, lease=LEASE, answers=True, patience=PATIENCE).works
                for _ in range(events // size)
            ]
        routings = [
            [Routing(work.event_id, "CourierArrived", plan) for work in works] for works in taken
        ]
        with self._step("finish_routes"):
            for some in routings:
                self._ledger.finish_routes(some)

    def _deliver_lists(self, target: Target, events: int) -> None:
        taken = self._take(target, events, TAKEN, TAKEN)
        with self._step("tell, settle"):
            for claims in taken:
                with self._ledger.outcomes(target, owner="bench") as line:
                    for claim, then in pairwise(claims):
                        line.tell(_done(claim), then.delivery_id)
                    line.settle(_done(claims[-1]))

    def _deliver_one_by_one(self, target: Target, events: int) -> None:
        taken = self._take(target, events, 1, LOOK)
        with self._step("finish"):
            for [claim] in taken:
                self._ledger.finish(target, [_done(claim)])

    def _take(self, target: Target, events: int, most: int, look: int) -> list[list[Claim]]:
        draw = Draw(most, look=look, answers=True, patience=PATIENCE)
        with self._step("take"):
            return [
                self._ledger.take(target, [], draw, lease=LEASE, owner="bench").claims
                for _ in range(events // most)
            ]

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        served, asked = self._served(), time.process_time()
        yield
        asked = time.process_time() - asked
        before = self._costs.get(name, (0.0, 0.0))
        self._costs[name] = (before[0] + self._served() - served, before[1] + asked)

    def _served(self) -> float:
        used = self._client.info("cpu")
        return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


def _done(claim: Claim) -> Finish:
    return Finish(claim.delivery_id, claim.attempt, Outcome.DONE, succeeded=True, duration=0.012)


def print_table(bench: Bench, rounds: int, *, lists: bool) -> None:
    """Print what each step costs."""
    kept: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(rounds):
        for name, cost in bench.round(lists=lists).items():
            kept[name].append(cost)
    title = "in lists" if lists else "one by one"
    print(f"{f'us an event of three targets, {title}':44} {'server':>9} {'caller':>9}")
    sums = [0.0, 0.0]
    for name, costs in kept.items():
        row = [median(cost[side] for cost in costs) for side in (0, 1)]
        sums = [one + other for one, other in zip(sums, row, strict=True)]
        print(f"{name:44} {row[0]:9.1f} {row[1]:9.1f}")
    print(f"{'in all':44} {sums[0]:9.1f} {sums[1]:9.1f}\n")


def main() -> None:
    """Print both tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="ef-") as folder:
        place = Path(folder)
        settings = load_settings(data_dir=place, schemas=place)
        with running_server(settings):
            bench = Bench(settings.ledger_url)
            for lists in (True, False):
                print_table(bench, rounds, lists=lists)


if __name__ == "__main__":
    main()
