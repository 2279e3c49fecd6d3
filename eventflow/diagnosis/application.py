"""Judging the Celery app: settings on which no worker starts, seen before one is asked to."""

from collections.abc import Iterable, Iterator

from eventflow.diagnosis.finding import Finding
from eventflow.worker.checks import Conflict

__all__ = ["judge_conflicts"]


def judge_conflicts(conflicts: Iterable[Conflict]) -> Iterator[Finding]:
    """Judge what a worker would refuse.

    Args:
        conflicts: From `find_conflicts`, which says what to do as well.

    Yields:
        What is wrong.
    """
    for conflict in conflicts:
        is_visibility = "visibility_timeout" in conflict.setting
        code = "visibility-timeout" if is_visibility else "settings-unfit"
        message = f"{conflict.setting} {conflict.message}"
        yield Finding(code, "celery", message, "until then, workers refuse to start")
