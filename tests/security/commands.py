"""Running `eventflow` to its end, and what it says when a server is refused."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.deployment import ROOT

__all__ = ["refusal", "run"]

MOST_SECONDS = 60.0  # to be told that a server is refused; on an idle machine it takes two


def run(place: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run `eventflow ARGUMENTS` with *settings*, in time."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "eventflow", *arguments],
        cwd=place,
        env={
            **os.environ,
            **{f"EVENTFLOW_{name.upper()}": str(value) for name, value in settings.items()},
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS * 2,
        check=False,
    )
    assert time.monotonic() - started < MOST_SECONDS
    return done


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said when it was refused, which is no traceback."""
    assert 1 == done.returncode, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    return done.stderr
