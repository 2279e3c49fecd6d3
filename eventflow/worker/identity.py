"""Who this process is: as dead letters name it, and as its claims are marked."""

import os
import socket

from celery import current_task

__all__ = ["owner_name", "worker_name"]


def worker_name() -> str:
    """Return the Celery worker's name, such as `device-vendor@host`; the host's outside of one."""
    request = current_task.request if current_task else None
    return str(request.hostname) if request and request.hostname else socket.gethostname()


def owner_name(worker: str | None = None, process_id: int | None = None) -> str:
    """Return how a process of a worker's pool is named in its claims.

    Args:
        worker: The Celery worker's name; this process's when missing.
        process_id: The process's id on its host; this one's when missing.
    """
    name = worker if worker is not None else worker_name()
    return f"{name}:{process_id if process_id is not None else os.getpid()}"
