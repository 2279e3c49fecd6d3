"""A RabbitMQ of the tests' own: its node, ports, folder, cookie and epmd are nobody else's.

It takes some seconds to start, so one node serves a whole session of tests, with a virtual host for
each deployment. Not started by Debian's wrapper, which wants to be root and to share one folder.
"""

import base64
import http.client
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import amqp

from eventflow.embedded import tied_command
from tests.ports import free_ports
from tests.servers.server import end

__all__ = [
    "MISSING",
    "RabbitServer",
    "VirtualHost",
    "find_program",
    "shared_node",
    "stop_shared_node",
]

MISSING = (
    "no RabbitMQ on this machine: apt-get install rabbitmq-server, or scripts/install-test-services"
)
USER = "tester"
PASSWORD = "of-the-tests"
_WRITE_LIMIT = 20.0  # seconds
_START_LIMIT = 120.0  # seconds: an Erlang node is slow to start on a busy machine


class RabbitServer:
    """A node.

    Args:
        more: Further lines of its rabbitmq.conf, such as those of a TLS listener.
    """

    def __init__(self, more: str = "") -> None:
        self.place = Path(tempfile.mkdtemp(prefix="ef-rabbit-"))
        self.port, self._http_port, self._node_port, self._epmd_port = free_ports(4)
        self._cookie = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        (self.place / "plugins").write_text("[rabbitmq_management].\n")
        (self.place / "rabbitmq.conf").write_text(self._configuration() + more)

    @property
    def url(self) -> str:
        """The address of its first virtual host, as the administrator of all."""
        return self.url_of("/")

    def url_of(self, host: str, user: str = USER, password: str = PASSWORD) -> str:
        """Return the address of a virtual host."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}/{quote(host, safe='')}"

    @property
    def pid(self) -> int | None:
        """The process id of the node; None when it does not run."""
        return None if self._process is None else self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, with the data that it had, and wait until it takes connections."""
        program = find_program()
        assert program is not None, MISSING
        with self.log_path.open("ab") as log:
            if self._epmd is None or self._epmd.poll() is not None:
                epmd = ["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
                self._epmd = _spawn(epmd, log, dict(os.environ))
            # With its input allowed, its script becomes the node; else it stays, as its parent.
            self._process = _spawn([str(program), "-noinput"], log, self._environment())
        self._await_answer()

    def stop(self) -> None:
        """Stop the node; its data stays."""
        self._end(at_once=False)

    def kill(self) -> None:
        """End the node with SIGKILL; what it had written stays."""
        self._end(at_once=True)

    def remove(self) -> None:
        """End everything of it, and remove its data."""
        self._end(at_once=True)
        epmd, self._epmd = self._epmd, None
        if epmd is not None:
            end(epmd)
        shutil.rmtree(self.place, ignore_errors=True)

    def written_names(self) -> bytes:
        """Return the file in which it keeps the names of its quorum queues; the names stand in it."""
        [path] = (self.place / "data").glob("*/quorum/*/names.dets")
        return path.read_bytes()

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Ask its management interface, such as `request("GET", "queues")`; None for no answer.

        Raises:
            LookupError: When what *path* names is not there.
        """
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=30)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, f"/api/{path}", text, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status == 404:
            raise LookupError(path)
        assert answer.status < 300, f"{method} {path}: {answer.status} {said!r}"
        return json.loads(said) if said else None

    def add_host(self, name: str) -> "VirtualHost":
        """Make a virtual host: a broker of its own, as far as its users can tell."""
        self.request("PUT", f"vhosts/{quote(name, safe='')}")
        return VirtualHost(self, name)

    def add_user(
        self, name: str, password: str, host: str, *, configure: str, write: str, read: str
    ) -> None:
        """Make a user that may do in *host* what the three expressions say."""
        self.request("PUT", f"users/{name}", {"password": password, "tags": ""})
        rights = {"configure": configure, "write": write, "read": read}
        self.request("PUT", f"permissions/{quote(host, safe='')}/{name}", rights)

    def set_memory_alarm(self, *, raised: bool) -> None:
        """Have the node believe that its memory is full, so that it lets nobody publish; or end it."""
        program = find_program()
        assert program is not None, MISSING
        environment = self._environment()
        environment.pop("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS")
        node = ["-n", environment["RABBITMQ_NODENAME"], "--erlang-cookie", self._cookie]
        command = ["set_vm_memory_high_watermark", "absolute", "1" if raised else "512MB"]
        subprocess.run(
            [str(program.with_name("rabbitmqctl")), *node, *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=True,
        )

    @property
    def log_path(self) -> Path:
        """Where it says what it does."""
        return self.place / "rabbitmq.log"

    def _configuration(self) -> str:
        return f"""\
listeners.tcp.1 = 127.0.0.1:{self.port}
management.tcp.ip = 127.0.0.1
management.tcp.port = {self._http_port}
management_agent.disable_metrics_collector = true
default_user = {USER}
default_pass = {PASSWORD}
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 10MB
log.file = false
log.console = true
log.console.level = warning
"""

    def _environment(self) -> dict[str, str]:
        mine = {name: value for name, value in os.environ.items() if "RABBITMQ" not in name}
        return {
            **mine,
            "HOME": str(self.place),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.place / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.place / "plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.place / "generated"),
            "RABBITMQ_LOG_BASE": str(self.place / "log"),
            "RABBITMQ_MNESIA_BASE": str(self.place / "data"),
            "RABBITMQ_NODENAME": f"eventflow-{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(self.place / "pid"),
            # One scheduler that sleeps when idle: the tests share their machine with it.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"-setcookie {self._cookie} -start_epmd false +S 1:1 +sbwt none +A 8"
            ),
        }

    def _end(self, *, at_once: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            end(process, at_once=at_once)

    def _await_answer(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_LIMIT
        while True:
            try:
                connection = _connect(self.port, "/")
                connection.close()
                self.request("GET", "vhosts")
            except (OSError, amqp.AMQPError, AssertionError):
                said = self.log_path.read_text(errors="replace")[-3000:]
                assert self._process.poll() is None, f"RabbitMQ has ended:\n{said}"
                assert time.monotonic() < deadline, f"RabbitMQ does not answer:\n{said}"
                time.sleep(0.1)
            else:
                return


class VirtualHost:
    """A broker within a node. Stopping it stops the node, and so all others on it.

    Args:
        node: The node, which runs.
        name: The virtual host's name.
    """

    def __init__(self, node: RabbitServer, name: str) -> None:
        self.node = node
        self.name = name

    @property
    def url(self) -> str:
        """Its address."""
        return self.node.url_of(self.name)

    @property
    def pid(self) -> int | None:
        """The process id of its node; None when it does not run."""
        return self.node.pid

    def start(self) -> None:
        """Start its node, with the data that it had."""
        self.node.start()

    def stop(self) -> None:
        """Stop its node."""
        self.node.stop()

    def kill(self) -> None:
        """End its node with SIGKILL, once it has written which queues it has.

        That comes half a second after a queue is made (seen of 3.10): one that it has forgotten has
        no leader after that, and whoever subscribes to it waits for ever.
        """
        wanted = {f"{self.name}_{name}".encode() for name in self._quorum_queues()}
        deadline = time.monotonic() + _WRITE_LIMIT
        while not all(name in self.node.written_names() for name in wanted):
            assert time.monotonic() < deadline, f"RabbitMQ does not write that it has {wanted}"
            time.sleep(0.05)
        self.node.kill()

    def _quorum_queues(self) -> list[str]:
        return [name for name, queue in self.queues().items() if queue["type"] == "quorum"]

    def remove(self) -> None:
        """Remove it with its queues; start its node again for those that come after."""
        if not self.node.is_running:
            self.node.start()
        self.node.request("DELETE", f"vhosts/{quote(self.name, safe='')}")

    def queues(self) -> dict[str, dict[str, Any]]:
        """Return its queues by name, as the management interface describes them."""
        path = f"queues/{quote(self.name, safe='')}?disable_stats=true&enable_queue_totals=true"
        return {queue["name"]: queue for queue in self.node.request("GET", path)}

    def connect(self) -> amqp.Connection:
        """Return an open connection."""
        return _connect(self.node.port, self.name)


def find_program() -> Path | None:
    """Return the node's start script; None where there is none."""
    places = [
        *Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"),
        Path("/usr/lib/rabbitmq/bin"),
        Path("/opt/homebrew/sbin"),
        Path("/usr/local/sbin"),
    ]
    if shutil.which("erl") is None:
        return None
    found = (place / "rabbitmq-server" for place in places)
    return next((program for program in found if program.exists()), None)


_shared: list[RabbitServer] = []


def shared_node() -> RabbitServer:
    """Return the node of this session of tests, running; started when it is first asked for."""
    if not _shared:
        _shared.append(RabbitServer())
    [node] = _shared
    if not node.is_running:
        node.start()
    return node


def stop_shared_node() -> None:
    """End the session's node, if there is one."""
    while _shared:
        _shared.pop().remove()


def _spawn(argv: list[str], log: Any, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        tied_command(argv),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=environment,
        start_new_session=True,
    )


def _connect(port: int, host: str) -> amqp.Connection:
    connection = amqp.Connection(
        host=f"127.0.0.1:{port}",
        userid=USER,
        password=PASSWORD,
        virtual_host=host,
        connect_timeout=10,
        read_timeout=30,
        write_timeout=30,
    )
    connection.connect()
    return connection
