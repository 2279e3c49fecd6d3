"""Who this process is: as dead letters name it, and as its claims are marked."""

import os
import secrets
import socket
import threading

from celery import current_task

__all__ = ["owner_name", "process_name", "worker_name"]


def worker_name() -> str:
    """Return the Celery worker's name, such as `device-vendor@host`; the host's outside of one."""
    request = current_task.request if current_task else None
    return str(request.hostname) if request and request.hostname else socket.gethostname()


def process_name(worker: str, process_id: int) -> str:
    """Return what the claims of one process of a worker's pool begin with.

    Args:
        worker: The Celery worker's name.
        process_id: The process's id on its host.
    """
    return f"{worker}:{process_id}:"


def owner_name() -> str:
    """Return what marks this thread's claims, and no other's that ever was.

    A host that starts again gives its processes the same numbers: hence the token.
    """
    process_id = os.getpid()
    token = _tokens.get(process_id)
    if token is None:
        token = _tokens[process_id] = secrets.token_hex(4)
    return f"{process_name(worker_name(), process_id)}{token}:{threading.get_ident()}"


_tokens: dict[int, str] = {}  # by process: a fork has its own
