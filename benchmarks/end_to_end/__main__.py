"""Measure whole deployments under load: `python -m benchmarks.end_to_end [PART…] [OPTIONS]`."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.end_to_end.batches import run_batches
from benchmarks.end_to_end.growth import run_growth
from benchmarks.end_to_end.ladder import run_ladder
from benchmarks.end_to_end.measure import Run
from benchmarks.end_to_end.memory import run_memory
from benchmarks.end_to_end.profiles import run_profiles
from benchmarks.end_to_end.report import write_json
from benchmarks.end_to_end.systems import BROKERS, SYSTEMS
from benchmarks.end_to_end.troubles import run_troubles
from benchmarks.end_to_end.vendor_calls import run_vendor_calls
from tests.servers import stop_shared_node

__all__ = ["main"]

_PARTS: dict[str, Callable[[argparse.Namespace], Sequence[Run] | Mapping[str, Any]]] = {
    "end_to_end": run_ladder,
    "batch": run_batches,
    "growth": run_growth,
    "troubles": run_troubles,
    "async": run_vendor_calls,
    "memory": run_memory,
    "profile": run_profiles,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, print it and write it down.

    Args:
        arguments: Of the command line, if not the process's own.
    """
    options = _read(arguments)
    found = {}
    try:
        for part in options.parts or _PARTS:
            print(f"== {part}", flush=True)
            found[part] = _PARTS[part](options)
    finally:
        stop_shared_node()
        if found:  # what is measured by then, however it ends
            write_json(options.json, found)


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.end_to_end", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}")
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="again for more")
    parser.add_argument("--broker", action="append", choices=BROKERS, help="again for both")
    parser.add_argument("--rate", action="append", type=float, help="events/s; again for more")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--pool", default="solo", help="of Celery's workers")
    parser.add_argument("--publishers", type=int, default=4, help="processes that publish")
    parser.add_argument("--recorder", action="store_true", help="run eventflow's recorder too")
    parser.add_argument("--task-events", action="store_true", help="have Flower told of all")
    parser.add_argument("--backlog", type=int, default=20_000, help="events, for `growth`")
    parser.add_argument("--full", action="store_true", help="100,000 rules too, for `growth`")
    parser.add_argument("--minutes", type=float, default=2.0, help="for `memory`")
    parser.add_argument(
        "--json", type=Path, default=Path("benchmarks/results/end_to_end.json"), help="the file"
    )
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.parts if part not in _PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    return options


if __name__ == "__main__":
    main()
