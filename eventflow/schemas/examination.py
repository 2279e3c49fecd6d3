"""One schema file and all that it refers to: whether it can be used, and the whole in one piece."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from eventflow.events import describe_kind
from eventflow.schemas.bundle import BundleFault, bundle
from eventflow.schemas.compiled import compile_schema, meta_faults, pattern_faults
from eventflow.schemas.faults import find_faults
from eventflow.schemas.keywords import DEFAULT_DIALECT, DIALECTS, read_dialect
from eventflow.schemas.references import Library, Place, ReferenceFault
from eventflow.schemas.work import MAX_LEVELS, MAX_LOOKS, deepest, is_deeper

__all__ = ["Examination", "FileFault", "examine"]


class FileFault(NamedTuple):
    """What is wrong with a file of the repository.

    Attributes:
        file: Which, from the repository's directory on.
        path: Where in it.
        message: What is wrong and what to do.
    """

    file: PurePosixPath
    path: tuple[str | int, ...]
    message: str


@dataclass(slots=True)
class Examination:
    """What came of looking at one schema file.

    Attributes:
        dialect: What it is read by; empty where that is unknown.
        whole: The schema in one piece; None where there are faults.
        faults: What is wrong, here and in what it refers to.
    """

    dialect: str = ""
    whole: Mapping[str, Any] | None = None
    faults: list[FileFault] = field(default_factory=list)


def examine(library: Library, file: PurePosixPath) -> Examination:
    """Look at the schema of *file*, and at every part that it is made of.

    Args:
        library: The repository's files.
        file: A schema's file.
    """
    root = library.root(file)
    found = Examination()
    if not isinstance(root.schema, dict):
        message = (
            f"is no schema of an event: it must be an object, not {describe_kind(root.schema)}"
        )
        found.faults.append(FileFault(file, (), message))
        return found
    dialect = read_dialect(root.schema)
    if dialect is None:
        found.faults.append(FileFault(file, ("$schema",), _UNKNOWN_DIALECT))
        return found
    found.dialect = dialect = dialect or DEFAULT_DIALECT
    reached = library.reach(root)
    _check_files(library, reached, dialect, found.faults)
    for place, target in reached.items():
        if isinstance(target, ReferenceFault):
            found.faults.append(FileFault(place.file, (*place.path, "$ref"), str(target)))
        found.faults += [
            FileFault(place.file, *fault) for fault in pattern_faults(place.schema, place.path)
        ]
    if found.faults:
        return found
    for place in library.endless(reached):
        message = "refers to itself without end: no value could ever be checked by it"
        found.faults.append(FileFault(place.file, (*place.path, "$ref"), message))
    if not found.faults:
        _put_together(root, dialect, reached, found)
    return found


_UNKNOWN_DIALECT = f"is no dialect that is read; these are: {', '.join(DIALECTS)}"


def _check_files(
    library: Library,
    reached: Mapping[Place, Place | ReferenceFault | None],
    dialect: str,
    faults: list[FileFault],
) -> None:
    """Find what is no schema, or one of another dialect, among the files that are referred to."""
    for file in sorted({place.file for place in reached}):
        document = library.root(file).schema
        own = read_dialect(document)
        if own is None:
            faults.append(FileFault(file, ("$schema",), _UNKNOWN_DIALECT))
            continue
        if own not in {"", dialect}:
            message = f"is not the dialect of what refers to it, {dialect}: write both in one"
            faults.append(FileFault(file, ("$schema",), message))
            continue
        faults += [FileFault(file, *fault) for fault in meta_faults(document, dialect)]


def _put_together(
    root: Place,
    dialect: str,
    reached: Mapping[Place, Place | ReferenceFault | None],
    found: Examination,
) -> None:
    try:
        whole = bundle(root, dialect, reached)
        validator = compile_schema(whole, dialect)
    except BundleFault as too_large:
        found.faults.append(FileFault(root.file, (), str(too_large)))
        return
    except ValueError as error:
        message = f"cannot be used: {str(error).splitlines()[0]}"
        found.faults.append(FileFault(root.file, (), message))
        return
    assert isinstance(whole, dict)
    levels = deepest(whole)
    if levels == 0:
        message = (
            f"checks one value by more than {MAX_LOOKS:,} schemas: its alternatives branch again "
            "and again; put what they share into one"
        )
        found.faults.append(FileFault(root.file, (), message))
        return
    found.whole = whole
    examples = root.schema.get("examples", [])
    if not isinstance(examples, list):
        message = "must be a list of events' data"
        found.faults.append(FileFault(root.file, ("examples",), message))
        return
    for index, example in enumerate(examples):
        if levels < MAX_LEVELS and is_deeper(example, levels):
            message = f"this example has more than the {levels} levels that can be checked"
            found.faults.append(FileFault(root.file, ("examples", index), message))
            continue
        for fault in find_faults(validator, example):
            path = ("examples", index, *fault.steps)
            message = f"this example does not fit the schema: {fault.message}"
            found.faults.append(FileFault(root.file, path, message))
