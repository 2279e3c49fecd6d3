"""The processes of a deployment on one machine: router, recorder, integration workers, Flower."""

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping

from celery import Celery
from kombu.exceptions import KombuError

from eventflow.cli.supervisor import Process
from eventflow.rules import RuleSet

__all__ = [
    "Roll",
    "deployment_processes",
    "flower_process",
    "flower_url",
    "integrations_of",
    "worker_name",
    "worker_process",
]

_ASK_EVERY = 0.3
_ANSWER_WITHIN = 0.5
_OWN_NAMES = frozenset({"router", "recorder", "flower"})
_COLUMNS = "name,uuid,args,state,result,received,runtime,worker"  # Flower by itself leaves out arguments and results
_LOOPBACK = "127.0.0.1"
_COMMAND = (sys.executable, "-m", "eventflow")


class Roll:
    """Calls the roll of Celery's workers: who answers by now.

    Args:
        app: Reaches the broker that the workers use.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        with app.connection_for_write() as connection:  # not opened: it only knows its errors
            broken = (*connection.connection_errors, *connection.channel_errors)
        self._broken: tuple[type[Exception], ...] = (KombuError, OSError, *broken)
        self._expected: set[str] = set()
        self._present: set[str] = set()
        self._asked = float("-inf")

    def answers(self, name: str) -> Callable[[], bool]:
        """Return a question: does the worker *name* of this machine answer?

        Args:
            name: The node's name before the @.
        """
        node = f"{name}@{socket.gethostname()}"

        def ask() -> bool:
            self._expected.add(node)
            if time.monotonic() - self._asked > _ASK_EVERY:
                self._call()
            return node in self._present

        return ask

    def _call(self) -> None:
        try:
            replies = self._app.control.ping(
                destination=sorted(self._expected), timeout=_ANSWER_WITHIN
            )
        except self._broken:  # the broker restarts
            replies = []
        self._present = {node for reply in replies or () for node in reply}
        self._asked = time.monotonic()


def integrations_of(rules: RuleSet) -> dict[str, tuple[str, ...]]:
    """Return the integrations that rules name, each with the queues of its targets, sorted."""
    queues: dict[str, set[str]] = {}
    for target in rules.targets.values():
        queues.setdefault(target.integration, set()).add(target.queue)
    return {name: tuple(sorted(queues[name])) for name in sorted(queues)}


def deployment_processes(
    rules: RuleSet, roll: Roll, *, environment: Mapping[str, str] | None = None
) -> list[Process]:
    """Describe everything but Flower: the router, the recorder, one worker per integration.

    Args:
        rules: Name the integrations.
        roll: Tells when each is ready.
        environment: The whole environment; None passes on this process's own.

    Returns:
        The processes, to be given to a supervisor.
    """
    parts = [
        Process(name, [*_COMMAND, name], env=environment, ready=roll.answers(name))
        for name in ("router", "recorder")
    ]
    workers = [
        worker_process(name, roll, environment=environment) for name in integrations_of(rules)
    ]
    return [*parts, *workers]


def worker_process(
    integration: str, roll: Roll, *, environment: Mapping[str, str] | None = None
) -> Process:
    """Describe the worker of one integration; see `deployment_processes`."""
    name = worker_name(integration)
    argv = [*_COMMAND, "worker", "--name", name, integration]
    return Process(name, argv, env=environment, ready=roll.answers(name))


def worker_name(integration: str) -> str:
    """Return the name of an integration's process: its own, unless that is one of ours."""
    return f"{integration}-worker" if integration in _OWN_NAMES else integration


def flower_process(
    workers: str, port: int, *, environment: Mapping[str, str] | None = None
) -> Process:
    """Describe Flower, for this machine's user alone.

    Its API asks for no password, since it listens on the loopback address; and it only reads, since
    any page in the user's browser can send requests there.

    Args:
        workers: The module of the Celery app.
        port: Where it listens; see `eventflow.cli.ports`.
        environment: The whole environment; None passes on this process's own.

    Returns:
        The process, to be started when the workers answer: Flower asks them once, at its start.
    """
    argv = [sys.executable, "-m", "celery", "--quiet", "--app", workers, "flower"]
    argv += [f"--address={_LOOPBACK}", f"--port={port}", "--read_only=True", "--logging=warning"]
    argv.append(f"--tasks_columns={_COLUMNS}")
    inherited = os.environ if environment is None else environment
    return Process(
        "flower",
        argv,
        env={**inherited, "FLOWER_UNAUTHENTICATED_API": "true"},
        ready=lambda: _is_healthy(port),
    )


def flower_url(port: int) -> str:
    """Return where a browser finds Flower."""
    return f"http://{_LOOPBACK}:{port}"


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(_LOOPBACK, port, timeout=1.0)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
