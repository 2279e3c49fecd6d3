"""What a replay costs: a pattern that hits one archived event in a hundred; time and memory.

python benchmarks/replay.py [--events 100000] [--only sqlite|postgresql]

The replay is the command itself, in a process of its own; the events that it sends go into an embedded
Valkey, and nobody routes them. Two patterns hit the same events: the first names a type exactly, so
that the database leaves out nine events in ten; of the second the database knows nothing, and every
event is read. The third hits one event in ten, to show what sending costs.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archived_events import batches, generate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # what the tests use

from eventflow.embedded import running_server
from eventflow.settings import load_settings
from eventflow.store import ArchiveStore, open_engine
from tests.integration.postgres import MISSING, find_binaries, running_postgres

LIST = 1000  # events in a transaction
RULES = "{targets: {a: {task: t}}, rules: {all: {pattern: {source: [parcels.app]}, targets: [a]}}}"
CITY = {"recipient": {"city": ["rare"]}}
PATTERNS = {
    "type named exactly": {"detail-type": ["ParcelLost"], "detail": CITY},
    "every event read": {"detail-type": [{"prefix": "ParcelLost"}], "detail": CITY},
    "one in ten sent": {"detail-type": ["ParcelLost"]},
}
START = 1_780_000_000.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    options = parser.parse_args()
    for name, database in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="ef-") as folder, database(folder) as url:
                measure(name, url, Path(folder), options.events)


def measure(name: str, url: str, folder: Path, count: int) -> None:
    """Fill an archive, and replay the same events of it in each way."""
    (folder / "rules").mkdir()
    (folder / "rules" / "rules.yaml").write_text(RULES)
    values: dict[str, object] = {
        "data_dir": folder / "data",
        "database_url": url,
        "rules": folder / "rules",
        "schemas": folder / "schemas",
        "replay_backlog": 10_000_000,
    }
    engine = open_engine(url)
    archive = ArchiveStore(engine)
    began = time.perf_counter()
    for batch in batches(generate(count, start=START), LIST):
        archive.write(batch)
    engine.dispose()
    filled = time.perf_counter() - began
    print(f"{name}: {count:,} archived events, written in {filled:.0f} s")
    environment = {f"EVENTFLOW_{key.upper()}": str(value) for key, value in values.items()}
    with running_server(load_settings(**values)):
        run("dry run, type named exactly", count, environment, folder, dry=True)
        for title in PATTERNS:
            run(title, count, environment, folder)


def run(
    title: str, count: int, environment: dict[str, str], folder: Path, *, dry: bool = False
) -> None:
    """Run the command once, and print what it took."""
    pattern = PATTERNS[title.removeprefix("dry run, ")]
    command = [sys.executable, "-m", "eventflow", "replay", "--json", "--from", "2026-05-01"]
    command += ["--to", "2060-01-01", "--pattern", json.dumps(pattern)]
    command += ["--dry-run"] if dry else ["--yes", "--name", title.replace(" ", "-")]
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    told = json.loads(process.stdout.read())
    used = os.wait4(process.pid, 0)[2]
    process.returncode = 0
    spent = time.perf_counter() - began
    sent = told["would_send" if dry else "sent"]
    print(
        f"  {title:<30} {spent:7.2f} s, {used.ru_utime + used.ru_stime:7.2f} s of CPU; "
        f"{told['seen']:,} read, {sent:,} of {count:,} sent; peak {used.ru_maxrss / 1024:.0f} MiB"
    )


@contextmanager
def on_sqlite(folder: str) -> Iterator[str]:
    """Give the address of an empty store on SQLite."""
    yield f"sqlite:///{folder}/eventflow.db"


@contextmanager
def on_postgresql(_folder: str) -> Iterator[str]:
    """Give the address of an empty store on a private PostgreSQL."""
    binaries = find_binaries()
    if binaries is None:
        sys.exit(MISSING)
    with running_postgres(binaries) as server:
        yield server.url


if __name__ == "__main__":
    main()
