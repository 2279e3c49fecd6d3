"""Measure whole deployments under load: `python -m benchmarks.end_to_end [PART…] [OPTIONS]`."""

import argparse
from pathlib import Path

from benchmarks.end_to_end.ladder import run_ladder
from benchmarks.end_to_end.report import write_json
from benchmarks.end_to_end.systems import BROKERS, SYSTEMS
from tests.servers import stop_shared_node


def main() -> None:
    """Measure what is asked for, print it and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="default: all")
    parser.add_argument("--broker", action="append", choices=BROKERS, help="default: both")
    parser.add_argument("--rate", action="append", type=float, help="events/s; default: a ladder")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--pool", default="solo", help="of Celery's workers")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/end_to_end.json"))
    options = parser.parse_args()
    try:
        parts = {"end_to_end": run_ladder(options)}
    finally:
        stop_shared_node()
    write_json(options.json, parts)


if __name__ == "__main__":
    main()
