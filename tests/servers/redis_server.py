"""The system's own redis-server, with an append-only file, on a free port."""

import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import redis

from eventflow.embedded import tied_command
from tests.ports import free_port
from tests.servers.server import end

__all__ = ["MISSING", "RedisServer", "find_program"]

MISSING = "no redis-server on this machine: apt-get install redis-server, or scripts/install-test-services"
_START_LIMIT = 30.0  # seconds


class RedisServer:
    """A Redis of its own.

    Args:
        place: Its own folder, in which its data stays.
        options: Further options of redis-server, such as `("--maxmemory", "10mb")`; without
            `--appendfsync` it is everysec, which is its own default.
    """

    def __init__(self, place: Path, options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.log_path = place / "redis.log"
        self._place = place
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """Its process id; None when it does not run."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it answers."""
        program = find_program()
        assert program is not None, MISSING
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._place),
            "appendonly": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        argv = [
            str(program),
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                tied_command([*argv, *self._options]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_answer()

    def stop(self) -> None:
        """Stop it; its data stays."""
        self._end(at_once=False)

    def kill(self) -> None:
        """End it with SIGKILL; what it had written stays: with `appendfsync always` all."""
        self._end(at_once=True)

    def _end(self, *, at_once: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, at_once=at_once)

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_LIMIT
        client = redis.Redis(port=self.port)
        while True:
            try:
                client.ping()
            except redis.RedisError:
                said = self.log_path.read_text(errors="replace")[-2000:]
                assert self._process.poll() is None, f"redis-server has ended:\n{said}"
                assert time.monotonic() < deadline, f"redis-server does not answer:\n{said}"
                time.sleep(0.02)
            else:
                client.close()
                return


def find_program() -> Path | None:
    """Return the server's program; None where there is none."""
    found = shutil.which("redis-server")
    return None if found is None else Path(found)
