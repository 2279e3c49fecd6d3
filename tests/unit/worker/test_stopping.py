"""Being told to stop, by signals that come at any moment."""

import subprocess
import sys

_STORM = """
import signal
from eventflow.worker.stopping import StopRequest

request = StopRequest()
signal.signal(signal.SIGALRM, lambda *_: request.set())
signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
for _ in range(20_000):
    request.set()
signal.setitimer(signal.ITIMER_REAL, 0)
print("stopped", request.is_set(), request.wait(60))
"""


def test_a_signal_within_a_signal_stops_it_too() -> None:
    """SIGTERM that comes twice at once ends a worker; it does not wait for itself."""
    ran = subprocess.run(
        [sys.executable, "-c", _STORM], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.stdout, ran.returncode) == ("stopped True True\n", 0), ran.stderr
