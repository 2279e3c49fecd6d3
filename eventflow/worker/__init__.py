"""What runs in Celery workers: the tasks route, deliver and record, and the mover beside them."""

from eventflow.worker.celery_app import configure_app, make_app
from eventflow.worker.context import WorkerContext
from eventflow.worker.lifecycle import hook_signals
from eventflow.worker.secure import secure_app
from eventflow.worker.tasks import register_tasks
from eventflow.worker.watched import hook_telemetry

__all__ = [
    "WorkerContext",
    "configure_app",
    "hook_signals",
    "hook_telemetry",
    "make_app",
    "register_tasks",
    "secure_app",
]
