"""What a process is there to do: the kinds of process, and what one of them is responsible for."""

from dataclasses import dataclass
from enum import StrEnum

from eventflow.delivery.keys import DEAD_LETTERS, JOURNAL, ROUTE
from eventflow.rules import ARCHIVE

__all__ = ["Duty", "Role"]

_RECORDED = (DEAD_LETTERS, ARCHIVE, JOURNAL)  # queues of the recorder


class Role(StrEnum):
    """A kind of process."""

    PUBLISHER = "publisher"
    """An app that publishes."""
    ROUTER = "router"
    """`eventflow router`."""
    WORKER = "worker"
    """`eventflow worker`: an integration's."""
    RECORDER = "recorder"
    """`eventflow recorder`."""
    OPERATOR = "operator"
    """A person with the command line: lists, redrives, opens and closes breakers."""
    MONITOR = "monitor"
    """Flower, and `celery inspect`."""


@dataclass(frozen=True, slots=True)
class Duty:
    """What one user's processes do.

    Attributes:
        role: Their kind.
        targets: A worker's targets: name to queue. A router's and an operator's: all there are.
        buses: The buses they work on; `*` for all.
        node: What their nodes are called before the @.
        database: The number of the broker's database, where that is a Redis.
        publishes: Whether a worker's subscribers publish events of their own.
    """

    role: Role
    targets: tuple[tuple[str, str], ...] = ()
    buses: tuple[str, ...] = ("*",)
    node: str = "*"
    database: int = 0
    publishes: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The queues that they read."""
        if self.role is Role.WORKER:
            return self.target_queues
        return {Role.ROUTER: (ROUTE,), Role.RECORDER: _RECORDED}.get(self.role, ())

    @property
    def writes(self) -> tuple[str, ...]:
        """The queues that they put messages on."""
        if self.role is Role.PUBLISHER:
            return (ROUTE,)
        if self.role is Role.ROUTER:
            return (ROUTE, *_RECORDED, *self.target_queues)
        if self.role is Role.WORKER:
            routes = (ROUTE,) if self.publishes else ()
            return (*routes, DEAD_LETTERS, *self.target_queues)
        # An operator replays events, and redrives what died on the way to the archive, too.
        operated = (ROUTE, ARCHIVE, *self.target_queues)
        return {Role.RECORDER: _RECORDED, Role.OPERATOR: operated}.get(self.role, ())

    @property
    def target_queues(self) -> tuple[str, ...]:
        """The queues of the targets, each once, sorted."""
        return tuple(sorted({queue for _, queue in self.targets}))

    @property
    def is_celery_worker(self) -> bool:
        """Whether they are Celery workers, which tell of themselves and answer questions."""
        return self.role in {Role.ROUTER, Role.WORKER, Role.RECORDER}
