"""The public signatures hold what they promise to a type checker."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_public_signatures() -> None:
    """Mypy finds the types that users rely on, and the faults that they should be told of."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "tests/typing/api.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    own = [line for line in done.stdout.splitlines() if line.startswith("tests/typing/")]
    assert [] == own
    assert done.returncode in (0, 1), done.stderr
