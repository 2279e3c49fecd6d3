"""A private PostgreSQL for tests: its own folder and socket, no port, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["MISSING", "PostgresServer", "find_binaries", "running_postgres"]

MISSING = (
    "no PostgreSQL server on this machine: apt-get install postgresql (or put initdb and postgres "
    "on the PATH)"
)
_START_LIMIT = 60  # seconds


class PostgresServer:
    """A server that runs: its address, and stopping and starting it.

    Args:
        binaries: The folder of `pg_ctl`.
        place: Its own folder, which it alone uses.
        prefix: What to put before a command so that it does not run as root.
    """

    def __init__(self, binaries: Path, place: Path, prefix: Sequence[str]) -> None:
        self._binaries = binaries
        self._place = place
        self._prefix = prefix

    @property
    def url(self) -> str:
        """The address of its database `postgres`, as users write it."""
        return f"postgresql://tester@/postgres?host={self._place}"

    @property
    def folder(self) -> str:
        """The folder of its socket, which is the host's name to a driver."""
        return str(self._place)

    def create(self) -> None:
        """Make its data folder."""
        options = ("-U", "tester", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        self._run("initdb", "-D", str(self._data), *options)

    def start(self, listen: str = "") -> None:
        """Start it, listening on that address beside its socket, and wait until it answers."""
        options = f"-c listen_addresses='{listen}' -c unix_socket_directories='{self._place}' -c fsync=off"
        log = ("-l", str(self._place / "log"), "-w", "-t", str(_START_LIMIT))
        self._run("pg_ctl", "-D", str(self._data), "-o", options, *log, "start")

    def stop(self) -> None:
        """Stop it at once, and wait until it is gone."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")

    @property
    def _data(self) -> Path:
        return self._place / "data"

    def _run(self, program: str, *arguments: str) -> None:
        # The output goes nowhere: the server would inherit a pipe and hold it open.
        with (self._place / f"{program}.out").open("w+") as output:
            command = [*self._prefix, str(self._binaries / program), *arguments]
            code = subprocess.call(command, stdout=output, stderr=output, cwd="/")
            output.seek(0)
            assert code == 0, f"{program} failed: {output.read()}"


def find_binaries() -> Path | None:
    """Return the folder with `initdb`, `postgres` and `pg_ctl`; None where there is none."""
    places = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    by_version = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    places += by_version
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(answer.stdout.strip()))
    needed = ("initdb", "postgres", "pg_ctl")
    found = (place for place in places if all((place / name).exists() for name in needed))
    return next(found, None)


@contextmanager
def running_postgres(binaries: Path) -> Iterator[PostgresServer]:
    """Run a server of its own, as another user where this one is root.

    Args:
        binaries: As `find_binaries` found them.

    Yields:
        The server; it is stopped, and its folder removed, in the end.
    """
    place = Path(tempfile.mkdtemp(prefix="ef-pg-"))
    prefix: list[str] = []
    try:
        if os.geteuid() == 0:
            user = _other_user()
            prefix = [
                "setpriv",
                f"--reuid={user.pw_uid}",
                f"--regid={user.pw_gid}",
                "--clear-groups",
            ]
            os.chown(place, user.pw_uid, user.pw_gid)
        place.chmod(0o700)
        server = PostgresServer(binaries, place, prefix)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _other_user() -> pwd.struct_passwd:
    """Return the user to run as: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("PostgreSQL does not run as root, and there is no other user")


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0
