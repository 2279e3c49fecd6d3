"""What more machines and more ledgers would do: a simulation fed with the figures of one machine.

python benchmarks/scaling_out.py [--machines 10] [--ledgers 1 2 4 8] [--buses 8] [--skew 0]

Events come at random moments, each of a bus, and each bus lives in one ledger. An event's way is a
row of visits: to its ledger, which does one thing at a time, and to a free core of any machine for
what routers and workers do. Queues form where more comes than is done; nothing else is modelled, so
what this says is a bound: networks, failures and pauses make it worse.
"""

import argparse
import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

TARGETS = 3
CORES = 2
"""Of each machine, all of them for routers and workers: publishers are elsewhere."""


@dataclass(frozen=True)
class Costs:
    """Microseconds an event, as `make bench BENCH=profile` tells them.

    Attributes:
        ledger: Of the server's one thread, for all calls of the event and its deliveries.
        router: Of a router's core.
        worker: Of a worker's core, for one delivery.
    """

    ledger: float
    router: float
    worker: float


class Station:
    """Servers that do one thing at a time, for a line of those that wait.

    Args:
        servers: How many there are.
    """

    def __init__(self, servers: int) -> None:
        self._free = [0.0] * servers
        self.busy = 0.0

    def visit(self, now: float, seconds: float) -> float:
        """Return when somebody who comes now, and is not overtaken, is done."""
        start = max(now, heapq.heappop(self._free))
        heapq.heappush(self._free, start + seconds)
        self.busy += seconds
        return start + seconds


def simulate(
    rate: float, seconds: float, *, cores: int, shares: Sequence[float], costs: Costs
) -> list[float]:
    """Return the latencies of all deliveries, sorted, in seconds.

    Args:
        rate: Events a second.
        seconds: For how long they come.
        cores: Of all machines together.
        shares: Of each ledger, what part of the events is its.
        costs: Of an event.
    """
    chance = random.Random(8)
    ledgers = [Station(1) for _ in shares]
    machines = Station(cores)
    takes = {
        "ledger": costs.ledger / 1e6 / (2 + 2 * TARGETS),  # accept, register; claim, finish of each
        "router": costs.router / 1e6,
        "worker": costs.worker / 1e6,
    }
    visits: list[tuple[float, int, int, float, int]] = []  # moment, order, step, start, ledger
    order = 0
    for moment in _arrivals(rate, seconds, chance):
        ledger = chance.choices(range(len(shares)), shares)[0]
        visits.append((moment, order, 0, moment, ledger))
        order += 1
    latencies = []
    while visits:  # sorted as it is, a list is a heap
        now, _, step, start, ledger = heapq.heappop(visits)
        station = ledgers[ledger] if _STEPS[step] == "ledger" else machines
        done = station.visit(now, takes[_STEPS[step]])
        for _ in range(TARGETS if step == _FANS_OUT else 1):
            if step == len(_STEPS) - 1:
                latencies.append(done - start)
            else:
                order += 1
                heapq.heappush(visits, (done, order, step + 1, start, ledger))
    return sorted(latencies)


_STEPS = ("ledger", "router", "ledger", "ledger", "worker", "ledger")
_FANS_OUT = 2  # once an event is registered, each delivery goes its own way


def _arrivals(rate: float, seconds: float, chance: random.Random) -> Iterator[float]:
    now = 0.0
    while (now := now + chance.expovariate(rate)) < seconds:
        yield now


def shares_of(ledgers: int, buses: int, skew: float) -> list[float]:
    """Deal buses out to ledgers, the busiest first to whoever has least; return each one's share.

    Args:
        ledgers: How many.
        buses: How many; fewer than ledgers leave some with nothing.
        skew: 0 where all buses are alike; at 1 the second has half of the first's events.
    """
    weights = [1 / (number**skew) for number in range(1, buses + 1)]
    hands = [0.0] * ledgers
    for weight in weights:
        hands[hands.index(min(hands))] += weight
    return [hand / sum(weights) for hand in hands]


def bound(cores: int, shares: Sequence[float], costs: Costs) -> tuple[float, str]:
    """Return the most events a second, and what is full then."""
    by_ledger = 1e6 / (max(shares) * costs.ledger)
    by_core = cores * 1e6 / (costs.router + TARGETS * costs.worker)
    return (by_ledger, "a ledger") if by_ledger < by_core else (by_core, "the cores")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, nargs="+", default=[1, 5, 10])
    parser.add_argument("--ledgers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--buses", type=int, default=8)
    parser.add_argument("--skew", type=float, default=0.0)
    parser.add_argument("--ledger", type=float, default=240.0, help="us an event, of the server")
    parser.add_argument("--router", type=float, default=97.0, help="us an event")
    parser.add_argument("--worker", type=float, default=90.0, help="us a delivery")
    options = parser.parse_args()
    costs = Costs(options.ledger, options.router, options.worker)
    print(f"{'machines':>8} {'ledgers':>8} {'events/s':>9} {'full is':>10} {'p90 ms at 80 %':>15}")
    for machines in options.machines:
        for ledgers in options.ledgers:
            shares = shares_of(ledgers, options.buses, options.skew)
            most, full = bound(machines * CORES, shares, costs)
            found = simulate(
                0.8 * most, 20_000 / most, cores=machines * CORES, shares=shares, costs=costs
            )
            high = found[int(0.9 * len(found))]
            print(f"{machines:8} {ledgers:8} {most:9,.0f} {full:>10} {high * 1e3:15.1f}")


if __name__ == "__main__":
    main()
