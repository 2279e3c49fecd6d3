"""How long each kind of fault is felt, on each broker, and what becomes of all deliveries.

Each fault meets a deployment under load: two routers, two workers, a recorder. What is told is how
long after the fault's end every process took messages again, and when the last delivery of what had
been published until then was made. In the end every event times every target is accounted for.
`python benchmarks/recovery.py valkey` tries one broker alone.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests of faults use

from tests.faults.account import close_account
from tests.faults.load import Load
from tests.faults.proxy import Mode, Proxy
from tests.faults.scene import Scene, apart
from tests.servers import BROKERS, stop_shared_node

BEFORE = 2.0  # seconds of load before a fault
CUT = 5.0  # seconds that a connection is broken
AWAY = 10.0  # seconds that the broker is stopped
RATE = 1000.0  # events a second: more than can be carried, so that IN_FLIGHT decides
IN_FLIGHT = 100
SEED = 20261124

Fault = Callable[[], None]


def main() -> None:
    """Print a table for each broker."""
    for broker in sys.argv[1:] or BROKERS:
        with tempfile.TemporaryDirectory(prefix="ef-") as place:
            print_broker(broker, Path(place))
    stop_shared_node()


def print_broker(broker: str, place: Path) -> None:
    """Try every fault on one broker, and print what came of it."""
    print(f"{broker:58} {'lasted':>8} {'all take again':>15} {'last delivery':>14}")
    loads = []
    with apart(place, broker) as (scene, sides):
        for number, (name, fault) in enumerate(faults(scene, sides).items()):
            load = Load(
                scene.deployment.flow,
                scene.in_flight,
                most=IN_FLIGHT,
                rate=RATE,
                prefix=f"f{number}e",
            )
            loads.append(load)
            lasted, again, last = measure(scene, load, fault)
            print(f"  {name:56} {lasted:7.1f}s {again:14.1f}s {last:13.1f}s", flush=True)
        account = close_account(scene, *loads)
        account.check()
        print(f"  {account}; none missing\n", flush=True)


def faults(scene: Scene, sides: dict[str, Proxy]) -> dict[str, Fault]:
    """Return each fault by its name; it is over when the call returns."""
    chance = random.Random(SEED)
    ledger = scene.deployment.parts.ledger
    found: dict[str, Fault] = {
        "a process of a pool killed": lambda: scene.kill_child("worker-2", chance),
        "a worker killed, and started again": lambda: scene.kill("worker-1"),
        "a router killed, and started again": lambda: scene.kill("router-1"),
        "the recorder killed, and started again": lambda: scene.kill("recorder"),
        f"the broker stopped for {AWAY:.0f} s": lambda: stop_broker(scene),
        "the ledger killed, and started from its file": lambda: [ledger.kill(), ledger.start()],
    }
    for mode in Mode:
        for name, proxy in sides.items():
            if mode is not Mode.PASSING:
                found[f"connections to the {name} {mode} for {CUT:.0f} s"] = (
                    lambda mode=mode, proxy=proxy: break_for(proxy, mode)
                )
    return found


def stop_broker(scene: Scene) -> None:
    """Have no broker for a while."""
    scene.deployment.stop_broker()
    time.sleep(AWAY)
    scene.deployment.start_broker()


def break_for(proxy: Proxy, mode: Mode) -> None:
    """Have broken connections for a while."""
    proxy.set(mode)
    time.sleep(CUT)
    proxy.set(Mode.PASSING)


def measure(scene: Scene, load: Load, fault: Fault) -> tuple[float, float, float]:
    """Have a fault under load.

    Returns:
        How long it lasted; and how long after its end every process took messages again, and the
        last delivery of what was published until then was made.
    """
    load.start()
    time.sleep(BEFORE)
    start = time.monotonic()
    fault()
    lasted = time.monotonic() - start
    end, over = time.monotonic(), time.time()
    published = set(load.accepted)
    scene.await_all("a fault")
    again = time.monotonic() - end
    load.stop()
    scene.settle()
    ends = [
        notes[-1]["at"]
        for identity, notes in scene.notes().items()
        if identity.rpartition(":")[0] in published
    ]
    return lasted, again, max(0.0, max(ends) - over)


if __name__ == "__main__":
    main()
