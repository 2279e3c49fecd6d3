"""Starts the whole shop in one terminal, and stops it with Ctrl-C: `python run.py`."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

_MANAGE = (sys.executable, "manage.py")
_PARTS = {
    "eventflow": ("eventflow", "up"),  # the server, router, a worker for each integration, Flower
    "relay": ("eventflow_relay",),  # publishes what the outbox holds
    "web": ("runserver", "--noreload", os.environ.get("SHOP_PORT", "8000")),
}


def main() -> int:
    """Run every part until Ctrl-C, or until one of them ends.

    Returns:
        The exit code: 1 when a part ended by itself.
    """
    subprocess.run([*_MANAGE, "migrate", "--verbosity", "0"], check=True)
    # Both by word: what a shell starts in the background is told to ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # In sessions of their own: Ctrl-C reaches this process alone, which stops each of them once.
    running = {
        name: subprocess.Popen([*_MANAGE, *part], start_new_session=True)
        for name, part in _PARTS.items()
    }
    ended: list[str] = []
    try:
        while not ended:
            time.sleep(0.2)
            ended = [name for name, process in running.items() if process.poll() is not None]
        sys.stderr.write(f"{ended[0]} has ended, so all is stopped\n")
    except KeyboardInterrupt:
        sys.stderr.write("stopping\n")
    finally:
        _stop(running)
    return 1 if ended else 0


def _stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Stop the web first, so that nothing new comes in, and the server last."""
    for process in reversed(running.values()):
        process.terminate()
        with suppress(KeyboardInterrupt):
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
