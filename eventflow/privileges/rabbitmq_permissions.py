"""A user's permissions in RabbitMQ: three regular expressions, over names of queues and exchanges."""

import re
from dataclasses import dataclass

from eventflow.privileges.duty import Duty, Role

__all__ = ["Permissions", "permissions_of"]

_DEFAULT_EXCHANGE = "amq.default"
_QUESTIONS = "celery.pidbox"
_ANSWERS = "reply.celery.pidbox"
_TELLING = "celeryev"


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do in a virtual host; each is a regular expression over whole names.

    Attributes:
        configure: What it may declare and delete.
        write: Where it may publish to, and which queues it may bind.
        read: What it may consume, and which exchanges it may bind to.
    """

    configure: str
    write: str
    read: str


def permissions_of(duty: Duty) -> Permissions:
    """Return the permissions of a user.

    Args:
        duty: What its processes do.
    """
    reads = [re.escape(queue) for queue in duty.reads]
    writes = [re.escape(_DEFAULT_EXCHANGE)] if duty.writes else []
    configure = list(reads)
    if duty.role is Role.ROUTER:  # the first to send to a target whose worker never ran
        configure += [re.escape(queue) for queue in duty.writes if queue not in duty.reads]
    questions, answers, telling = (re.escape(name) for name in (_QUESTIONS, _ANSWERS, _TELLING))
    if duty.is_celery_worker:
        node = ".*" if duty.node == "*" else re.escape(duty.node)
        mailbox = f"{node}@.*{re.escape('.celery.pidbox')}"
        configure += (questions, answers, telling, mailbox)
        writes += (answers, telling, mailbox)
        reads += (questions, mailbox)
    elif duty.role is Role.MONITOR:
        own = (f".*{re.escape('.reply.celery.pidbox')}", f"{telling}{re.escape('.')}.*")
        configure += (questions, answers, telling, *own)
        writes += (questions, *own)
        reads += (answers, telling, *own)
    return Permissions(_any_of(configure), _any_of(writes), _any_of(reads))


def _any_of(expressions: list[str]) -> str:
    # "^$" is RabbitMQ's way to say: nothing.
    return f"^({'|'.join(dict.fromkeys(expressions))})$" if expressions else "^$"
