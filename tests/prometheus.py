"""Prometheus and its promtool, which say themselves whether they take what eventflow gives them."""

import shutil
import subprocess

from tests.servers.server import require

__all__ = ["find_prometheus", "promtool"]

_MISSING = "no {} on this machine: apt-get install prometheus, or scripts/install-test-services"


def find_prometheus() -> str:
    """Return Prometheus' program; the test is skipped where there is none."""
    return require(shutil.which("prometheus"), _MISSING.format("Prometheus"))


def promtool(*arguments: str, given: str = "") -> str:
    """Run promtool, which must find nothing wrong, and return what it says.

    Args:
        arguments: Its command.
        given: What it reads from its input.
    """
    program = require(shutil.which("promtool"), _MISSING.format("promtool"))
    done = subprocess.run(
        [program, *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
