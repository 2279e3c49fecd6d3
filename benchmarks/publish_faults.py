"""How long publish() takes while the ledger, or the broker, is up, down or silent.

Each row is a process's publishes one after another, in milliseconds: the median, 99 of 100, and the
longest; and what came of them. The ledger is the embedded Valkey; the broker is the same server, or
RabbitMQ (`python benchmarks/publish_faults.py rabbitmq`). Faults are made by a proxy before each.
"""

import contextlib
import logging
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests of faults use

from eventflow.app import EventFlow
from eventflow.embedded import running_server
from eventflow.errors import PublishError
from eventflow.events import Event
from eventflow.settings import load_settings
from tests.faults.proxy import Mode, Proxy, proxied
from tests.servers import require_broker, stop_shared_node
from tests.servers.rabbitmq import shared_node

DEADLINE = 0.5  # seconds; 2 in production unless set
UP = 1000  # publishes where all is well
FOR = 2.0  # seconds of publishing under a fault


def measure(flow: EventFlow, *, most: int) -> tuple[list[float], int]:
    """Publish for some seconds; return the milliseconds of each, and how many were accepted."""
    times, accepted = [], 0
    until = time.monotonic() + FOR
    while len(times) < most and time.monotonic() < until:
        start = time.perf_counter()
        with contextlib.suppress(PublishError):
            flow.publish(Event(source="bench", type="T", data={"note": "x" * 300}))
            accepted += 1
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times), accepted


def tell(name: str, flow: EventFlow) -> None:
    """Print a row."""
    times, accepted = measure(flow, most=UP)
    late = times[min(len(times) - 1, len(times) * 99 // 100)]
    print(
        f"{name:28} {len(times):6} {accepted:9} {times[len(times) // 2]:9.2f} {late:9.2f} "
        f"{times[-1]:9.2f}"
    )


@contextlib.contextmanager
def broken(proxy: Proxy, mode: Mode) -> Iterator[None]:
    """Have a server be out of reach."""
    proxy.set(mode)
    yield
    proxy.set(Mode.PASSING)


def run(ledger: str, broker: str) -> None:
    """Print the table of one pair of servers."""
    with proxied(ledger, broker) as [before_ledger, before_broker]:
        settings = load_settings(
            redis_url=before_ledger.url, broker_url=before_broker.url, publish_deadline=DEADLINE
        )
        rows = [
            ("both up", before_broker, Mode.PASSING),
            ("broker down", before_broker, Mode.DROPPING),
            ("broker silent", before_broker, Mode.STALLING),
            ("broker a black hole", before_broker, Mode.BLACK_HOLING),
            ("ledger down", before_ledger, Mode.DROPPING),
            ("ledger silent", before_ledger, Mode.STALLING),
            ("ledger a black hole", before_ledger, Mode.BLACK_HOLING),
        ]
        for name, proxy, mode in rows:
            flow = EventFlow(settings)
            measure(flow, most=20)  # connected, as it is in a process that has run for a while
            with broken(proxy, mode):
                tell(name, flow)


def main() -> None:
    """Print the table for each broker that is named."""
    logging.disable()
    print(f"deadline {DEADLINE:g} s")
    for broker in sys.argv[1:] or ["valkey"]:
        with tempfile.TemporaryDirectory(prefix="ef-") as place:
            settings = load_settings(data_dir=Path(place))
            with running_server(settings):
                print(
                    f"\n{broker:28} {'calls':>6} {'accepted':>9} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}"
                )
                if broker == "rabbitmq":
                    require_broker(broker)
                    host = shared_node().add_host("bench")
                    run(settings.ledger_url, host.url)
                    host.remove()
                else:
                    run(settings.ledger_url, settings.ledger_url)
    stop_shared_node()


if __name__ == "__main__":
    main()
