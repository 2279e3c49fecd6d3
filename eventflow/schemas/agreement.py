"""Agreement: whether typed events and the files of their schemas say the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from pathlib import Path

from eventflow.errors import Problem
from eventflow.schemas.canonical import contract_of, same_json, write_schema
from eventflow.schemas.declared import model_name
from eventflow.schemas.document import SchemaDocument, Status
from eventflow.schemas.export import describe_model, export_schema
from eventflow.schemas.models import EventModel
from eventflow.schemas.names import SchemaName
from eventflow.schemas.repository import Repository

__all__ = ["Difference", "Kind", "compare_models"]


class Kind(StrEnum):
    """How a model and its file differ."""

    MISSING = "missing"
    """There is no file."""
    WORDS = "words"
    """Titles, descriptions, examples, owner or status: nothing that data is held to."""
    CONTRACT = "contract"
    """What data is held to, in a draft."""
    PUBLISHED = "published"
    """What data is held to, in a version that others rely on by now."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One typed event whose file says something else, or is not there.

    Attributes:
        kind: How they differ.
        name: The schema's name.
        model: The class, as an import would name it.
        file: Where the file is, or is to be.
        message: What is so, and what to do.
        before: The file's text; empty where there is none.
        after: The text that the model asks for.
    """

    kind: Kind
    name: SchemaName
    model: str
    file: Path
    message: str
    before: str
    after: str

    @property
    def problem(self) -> Problem:
        """The same as a fault of the file."""
        return Problem(str(self.file), 0, 0, "", self.message)

    @property
    def diff(self) -> str:
        """What `export` would change, as a unified diff."""
        lines = unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            str(self.file) if self.before else "/dev/null",
            str(self.file),
        )
        return "".join(lines)


def compare_models(
    models: Iterable[type[EventModel]], repository: Repository
) -> tuple[Difference, ...]:
    """Compare typed events with the files of their schemas.

    A file without a model is no fault: older versions have none, nor has what others publish.

    Args:
        models: The typed events; see `declared_models`.
        repository: The files.

    Returns:
        What differs, in the order of the models; nothing where all agree.

    Raises:
        SchemaError: When a model has no schema.
    """
    differences = (_compare(model, repository) for model in models)
    return tuple(item for item in differences if item is not None)


def _compare(model: type[EventModel], repository: Repository) -> Difference | None:
    name = model_name(model)
    document = repository.get(name)
    existing = document.schema if document is not None else None
    wanted = export_schema(model, existing)
    if existing is not None and same_json(existing, wanted):
        return None
    if document is None:
        file = repository.root / name.path
        kind, message = Kind.MISSING, _say_missing(model, name, repository)
    else:
        file = document.file
        kind, message = _judge(model, document, wanted)
    before = write_schema(existing) if existing is not None else ""
    return Difference(
        kind, name, describe_model(model), file, message, before, write_schema(wanted)
    )


def _judge(
    model: type[EventModel], document: SchemaDocument, wanted: dict[str, object]
) -> tuple[Kind, str]:
    label = describe_model(model)
    if same_json(contract_of(document.schema), contract_of(wanted)):
        message = f"{label} has other words: take them over with `eventflow schemas export`"
        return Kind.WORDS, message
    if document.status is Status.DRAFT:
        message = f"{label} differs from this draft: write it with `eventflow schemas export`"
        return Kind.CONTRACT, message
    message = (
        f"{label} differs from this version, which is {document.status} and so stays as it is: "
        f'raise the version that the class names (version="{document.name.version}") and export '
        "that, or make the class as it was"
    )
    return Kind.PUBLISHED, message


def _say_missing(model: type[EventModel], name: SchemaName, repository: Repository) -> str:
    label = describe_model(model)
    versions = [str(item.name.version) for item in repository.versions(name.source, name.type)]
    if versions:
        there = ", ".join(versions)
        return (
            f"{label} is version {name.version}, of which there is no file (there is {there}): "
            "write it with `eventflow schemas export`"
        )
    return f"{label} has no file: write it with `eventflow schemas export`"
