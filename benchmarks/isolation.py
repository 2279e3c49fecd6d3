"""What one target's trouble costs another: the other's latency, against all healthy, in one run.

Both have workers of their own; they share the router, the servers and the machine. The cases take
turns, so that whatever else the machine does meets all of them; each turn is held against the healthy
turn beside it, and the median of those ratios counts.

A flood takes all of the processors that it can have, so it slows down whatever runs on the same
machine. How much of that is the machine's is told by the last case: the same flood, on a deployment
of its own beside the one that is watched, with which it shares nothing but the machine.

`python benchmarks/isolation.py valkey` tries one broker alone.
"""

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests of faults use

from tests.faults.isolation import Neighbours, Watch, neighbours, percentile
from tests.servers import stop_shared_node

BROKERS = ("valkey", "rabbitmq")
ROUNDS = 5
TURN = 6.0  # seconds
RATE = 20.0  # events a second for the busy target, except in a flood
HANGING_RATE = 2.0  # enough to have its worker hang all the time, and to be over soon after
FLOOD = 4_000  # some seconds' work
INTERVAL = 0.02  # seconds between two watched events

HEALTHY, FAILING, HANGING = "both healthy", "the other fails", "the other hangs"
FLOODED, BESIDE = "the other is flooded", "a deployment beside it is flooded"


def main() -> None:
    """Print a table for each broker."""
    for broker in sys.argv[1:] or BROKERS:
        with tempfile.TemporaryDirectory(prefix="ef-") as place:
            print_table(broker, measure(broker, Path(place)))
    stop_shared_node()


def measure(broker: str, place: Path) -> dict[str, list[list[float]]]:
    """Have all cases in turn.

    Returns:
        The calm target's latencies in each round, by the case.
    """
    latencies: dict[str, list[list[float]]] = defaultdict(list)
    for name in ("watched", "beside"):
        (place / name).mkdir()
    with (
        neighbours(place / "watched", broker) as watched,
        neighbours(place / "beside", broker) as beside,
    ):
        for number in range(ROUNDS):
            for case, how in {HEALTHY: "working", FAILING: "failing", HANGING: "hanging"}.items():
                latencies[case].append(watch_trouble(watched, how, f"{number}{how}"))
            for case, flooded in {FLOODED: watched, BESIDE: beside}.items():
                latencies[case].append(watch_flood(watched, flooded, f"{number}{case}"))
    return latencies


def watch_trouble(both: Neighbours, how: str, prefix: str) -> list[float]:
    """Return the calm target's latencies while the busy one works, fails or hangs."""
    rate = HANGING_RATE if how == "hanging" else RATE
    both.publish(how, prefix, int(rate * TURN), rate)
    with Watch(both.deployment.flow, f"c{prefix}", interval=INTERVAL) as watch:
        time.sleep(TURN)
    both.await_published()
    both.deployment.settle()
    return both.latencies(watch)


def watch_flood(both: Neighbours, flooded: Neighbours, prefix: str) -> list[float]:
    """Return the calm target's latencies while a busy one, here or beside, is flooded."""
    flooded.publish("working", prefix, FLOOD)
    with Watch(both.deployment.flow, f"c{prefix}", interval=INTERVAL) as watch:
        flooded.await_published()
        flooded.deployment.wait(
            lambda: len(flooded.handed_over(prefix)) == FLOOD, "the flood to end", 240
        )
    both.deployment.settle()
    return both.latencies(watch)


def print_table(broker: str, latencies: dict[str, list[list[float]]]) -> None:
    """Print each case's latencies, and its 99th percentile against its rounds' healthy turns."""
    print(f"{broker:36} {'events':>7} {'p50 ms':>8} {'p99 ms':>8} {'p99 to healthy':>15}")
    for case, rounds in latencies.items():
        every = [value for values in rounds for value in values]
        middle, high = 1000 * percentile(every, 0.5), 1000 * percentile(every, 0.99)
        ratio = ratio_of(rounds, latencies[HEALTHY])
        print(f"  {case:34} {len(every):7} {middle:8.1f} {high:8.1f} {ratio:15.2f}")
    ratio = ratio_of(latencies[FLOODED], latencies[BESIDE])
    print(f"  p99 flooded, to that with the flood beside it: {ratio:.2f}\n", flush=True)


def ratio_of(rounds: list[list[float]], others: list[list[float]]) -> float:
    """Return the median over the rounds of one 99th percentile over the other."""
    return statistics.median(
        percentile(values, 0.99) / percentile(other, 0.99)
        for values, other in zip(rounds, others, strict=True)
    )


if __name__ == "__main__":
    main()
