"""What the user's code says of schemas: its typed events, its subscribers, its upcasters."""

from collections.abc import Iterator

from eventflow.errors import Problem, SchemaError
from eventflow.schemas import Repository
from eventflow.schemas.agreement import Kind, compare_models
from eventflow.schemas.declared import declared_models
from eventflow.schemas.history import ERROR, NOTE, WARNING, HistoryFinding
from eventflow.settings import Settings
from eventflow.subscribers import Subscribers

__all__ = ["check_code", "load_subscribers"]


def load_subscribers(settings: Settings) -> Subscribers:
    """Import what a worker would, and return its subscribers; none of a foreign Celery app.

    Raises:
        StartError: When it cannot be imported.
    """
    from eventflow.cli.application import (  # noqa: PLC0415 - `--help` need not pay for Celery
        import_subscribers,
        load_app,
    )

    app = load_app(settings)
    import_subscribers(app)
    context = getattr(app, "eventflow_context", None)
    return context.subscribers if context is not None else Subscribers()


def check_code(subscribers: Subscribers, repository: Repository) -> Iterator[HistoryFinding]:
    """Yield where the code and the schemas disagree, and where upcasters are missing.

    Args:
        subscribers: The functions that are bound to targets.
        repository: The schemas.
    """
    yield from _check_models(repository)
    yield from _check_chains(subscribers, repository)


def _check_models(repository: Repository) -> Iterator[HistoryFinding]:
    try:
        differences = compare_models(declared_models(), repository)
    except SchemaError as error:
        problem = Problem(str(repository.root), 0, 0, "", str(error))
        yield HistoryFinding(ERROR, "model", problem)
        return
    for difference in differences:
        severity = NOTE if difference.kind is Kind.WORDS else ERROR
        yield HistoryFinding(severity, "model", difference.problem)


def _check_chains(subscribers: Subscribers, repository: Repository) -> Iterator[HistoryFinding]:
    models = [each.model for each in subscribers.all() if each.model is not None]
    names = [document.name for document in repository.documents]
    for have, want in subscribers.converters.gaps(models, names):
        document = repository.get(have)
        file = document.file if document is not None else repository.root / have.path
        message = (
            f"subscribers ask for {want}, and no chain of upcasters leads there from "
            f"{have.version}: write @flow.upcast({str(have)!r}, {str(want)!r}), or replay no "
            "such event"
        )
        yield HistoryFinding(WARNING, "no-upcaster", Problem(str(file), 0, 0, "", message))
