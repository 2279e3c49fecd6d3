"""The systems that are compared: what each one's processes are, and where it can run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from benchmarks.end_to_end.job import target_names

__all__ = ["BROKERS", "SYSTEMS", "System", "reason_missing"]

BROKERS = ("valkey", "rabbitmq")
_WORKERS = 3
_PACKAGE = "benchmarks.end_to_end"
Commands = dict[str, list[str]]


@dataclass(frozen=True)
class System:
    """A way to have an event handed to three subscribers.

    Attributes:
        name: What it is called.
        app: The module with its tasks, `publish` and `publish_many`.
        commands: From a pool's name, the routers' number and the targets' number, the arguments
            of python for each process.
        brokers: Where it runs.
        needs: The packages that it is made of.
    """

    name: str
    app: str
    commands: Callable[[str, int, int], Commands]
    brokers: Sequence[str] = BROKERS
    needs: Sequence[str] = ()


def reason_missing(system: System, broker: str) -> str:
    """Say why a system cannot run with a broker here; nothing when it can."""
    if broker not in system.brokers:
        return f"{system.name} is compared on {', '.join(system.brokers)} alone"
    missing = [name for name in system.needs if find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (the extra `bench`)" if missing else ""


def _ours(pool: str, routers: int, targets: int) -> Commands:
    command = ["-m", "eventflow"]
    return {
        **{name: [*command, "router", "--name", name] for name in _routers(routers)},
        **{
            name: [*command, "worker", *some, "-P", pool, "--name", name]
            for name, some in _dealt(targets).items()
        },
    }


def _celery(app: str, *options: str) -> Callable[[str, int, int], Commands]:
    def commands(pool: str, routers: int, targets: int) -> Commands:
        def worker(name: str, queues: Sequence[str]) -> list[str]:
            command = ["-m", "celery", "-A", app, "worker", "-l", "WARNING", "-P", pool]
            return [*command, "-n", f"{name}@%h", "-Q", ",".join(queues), *options]

        return {
            **{name: worker(name, ["route"]) for name in _routers(routers)},
            **{name: worker(name, some) for name, some in _dealt(targets).items()},
        }

    return commands


def _dramatiq(_pool: str, routers: int, targets: int) -> Commands:
    # One thread, as the solo pool of Celery: more would only share the same interpreter.
    command = ["-m", "dramatiq", f"{_PACKAGE}.dramatiq_fanout.app", "-p", "1", "-t", "1", "-Q"]
    return {
        **{name: [*command, "route"] for name in _routers(routers)},
        **{name: [*command, *some] for name, some in _dealt(targets).items()},
    }


def _taskiq(_pool: str, routers: int, targets: int) -> Commands:
    def worker(name: str) -> list[str]:
        broker = f"{_PACKAGE}.taskiq_fanout.app:{name}_broker"
        return ["-m", "taskiq", "worker", broker, "--workers", "1", "--log-level", "WARNING"]

    return {
        **{name: worker("route") for name in _routers(routers)},
        **{name: worker(some[0]) for name, some in _dealt(targets).items()},
    }


def _routers(count: int) -> list[str]:
    return [f"router-{number}" if count > 1 else "router" for number in range(1, count + 1)]


def _dealt(targets: int) -> Mapping[str, Sequence[str]]:
    names = target_names(targets)
    hands = [names[number::_WORKERS] for number in range(min(_WORKERS, targets))]
    return {f"worker-{number}": hand for number, hand in enumerate(hands, 1)}


_FEW_WORDS = ("--without-gossip", "--without-mingle", "--without-heartbeat")
_ALL = (
    System("eventflow", f"{_PACKAGE}.ours.app", _ours),
    System("naive", f"{_PACKAGE}.naive.app", _celery(f"{_PACKAGE}.naive.app")),
    System("tuned", f"{_PACKAGE}.tuned.app", _celery(f"{_PACKAGE}.tuned.app", *_FEW_WORDS)),
    System("dramatiq", f"{_PACKAGE}.dramatiq_fanout.app", _dramatiq, BROKERS[:1], ("dramatiq",)),
    System(
        "taskiq", f"{_PACKAGE}.taskiq_fanout.app", _taskiq, BROKERS[:1], ("taskiq", "taskiq_redis")
    ),
)
SYSTEMS = {system.name: system for system in _ALL}
