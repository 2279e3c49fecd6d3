"""What metrics cost: a step that is counted, with metrics off and on, and a scrape of many targets."""

import os
import tempfile
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import redis
from prometheus_client import CollectorRegistry, generate_latest

from eventflow.delivery import Ledgers
from eventflow.embedded import running_server
from eventflow.metrics import meter
from eventflow.metrics.serving import ServedMetrics
from eventflow.rules import Target
from eventflow.settings import Settings, load_settings
from eventflow.worker.silence import SilenceNotes

ROUNDS = 2000
TARGETS = 100
WAITING = 50  # deliveries in each one's schedule
CHILDREN = 8


def published() -> None:
    """Count an event that was published."""
    meter().published("default", {"accepted": 1, "duplicate": 0, "refused": 0})


def routed() -> None:
    """Count an event that was routed, of three targets and two rules."""
    matched = [("device-vendor", ("unlock",)), ("notifications", ("tell",)), ("audit", ("tell",))]
    meter().routed("default", matched, dead=False)


def delivered() -> None:
    """Count an attempt that went well."""
    meter().attempted("default", "device-vendor", "done", 0.02)
    meter().delivered("default", "device-vendor", 0.5)


STEPS: tuple[Callable[[], None], ...] = (published, routed, delivered)


def microseconds(step: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the CPU time of a step in this process, the best of five runs."""
    return min(timeit.repeat(step, number=rounds, repeat=5, timer=time.process_time)) / rounds * 1e6


def measure_steps(place: Path) -> ServedMetrics:
    """Print what a step costs with metrics off and on."""
    off = [microseconds(step) for step in STEPS]
    served = ServedMetrics(address="127.0.0.1", port=1, parent=place)
    print("microseconds a step, with metrics off and on:")
    for step, before in zip(STEPS, off, strict=True):
        print(f"  {step.__name__:16} {before:6.2f} {microseconds(step):6.1f}")
    return served


def measure_silence(settings: Settings) -> None:
    """Print what noting the matches of an event costs a router."""
    notes = SilenceNotes(Ledgers(settings))

    def note() -> None:
        notes.saw("default", ("unlock", "tell"), "courier.app", "CourierArrived")
        notes.write("fingerprint")

    print(f"noting what an event matched: {microseconds(note):.1f} us")


def served(client: redis.Redis) -> float:
    """Return the CPU seconds that the server has used so far."""
    facts = client.info("cpu")
    return float(facts["used_cpu_user"]) + float(facts["used_cpu_sys"])


def measure_server(settings: Settings) -> None:
    """Print what noting since when a target has no success costs the ledger's server."""
    client = Ledgers(settings).of("default")._client  # type: ignore[attr-defined] # noqa: SLF001
    pair = (
        "for i = 1, 10000 do redis.call('HSETNX', KEYS[1], 'unserved', i) "
        "redis.call('HDEL', KEYS[1], 'unserved') end"
    )
    client.hset("counts", "registered", 1)
    before = served(client)
    for _ in range(10):
        client.eval(pair, 1, "counts")
    spent = (served(client) - before) / 100_000 * 1e6
    print(f"noting that a delivery was registered, and went well: {spent:.2f} us of the server")


def measure_reading(settings: Settings) -> None:
    """Print what a router's reading of all targets costs it, and the ledger's server."""
    ledgers = Ledgers(settings)
    ledger, client = ledgers.of("default"), ledgers.of("default")._client  # type: ignore[attr-defined] # noqa: SLF001
    names = [f"target-{number}" for number in range(TARGETS)]
    ledger.announce({name: Target(name=name, task="x.y").model_dump_json() for name in names})
    pipeline = client.pipeline()
    now = time.time()
    for name in names:
        due = {f"e{number}:{name}": now + number for number in range(WAITING)}
        pipeline.zadd(f"eventflow:{{default}}:waiting:{name}", due)
        for identity in due:
            pipeline.hset(f"eventflow:{{default}}:delivery:{identity}", "accepted", now)
    pipeline.execute()

    def read() -> None:
        ledgers.gauges("default").read(names)
        ledger.balances(names)
        ledgers.watch("default").backlog(())
        ledger.journal_state()

    read()
    rounds, before = 20, served(client)
    caller = microseconds(read, rounds) / 1000
    spent = (served(client) - before) / (5 * rounds) * 1000
    print(
        f"reading {TARGETS} targets, {WAITING} scheduled each: {caller:.1f} ms in the router, ",
        end="",
    )
    print(f"{spent:.1f} ms in the server")


def measure_adding(served: ServedMetrics) -> None:
    """Print what adding up the counters of a pool's processes costs."""
    for _ in range(CHILDREN):
        if os.fork() == 0:
            for number in range(TARGETS):
                meter().attempted("default", f"target-{number}", "done", 0.02)
                meter().delivered("default", f"target-{number}", 0.5)
            os.kill(os.getpid(), 9)
        os.wait()
    registry = CollectorRegistry()
    registry.register(served.files)
    start = time.process_time()
    text = generate_latest(registry)
    first = (time.process_time() - start) * 1000
    again = microseconds(lambda: generate_latest(registry), 2) / 1000
    print(
        f"adding up {CHILDREN} ended processes of {TARGETS} targets: {first:.0f} ms once, ", end=""
    )
    print(f"{again:.0f} ms a scrape from then on, {len(text) // 1024:,} KiB")


def main() -> None:
    """Print what metrics cost."""
    with tempfile.TemporaryDirectory(prefix="ef-") as folder:
        settings = load_settings(data_dir=Path(folder))
        served = measure_steps(Path(folder))
        measure_adding(served)
        served.close()
        with running_server(settings):
            measure_silence(settings)
            measure_server(settings)
            measure_reading(settings)


if __name__ == "__main__":
    main()
