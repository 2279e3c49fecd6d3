"""Writes a catalogue's files into a folder, and removes those of an earlier run that are over."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventflow.catalogue.asyncapi import GENERATOR, asyncapi_document
from eventflow.catalogue.content import Catalogue
from eventflow.catalogue.site import render_pages
from eventflow.errors import Problem, SchemaError

__all__ = ["Written", "write_catalogue"]

_LOOK_IN = 4096  # characters: the mark stands at the top of each file


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the folder.

    Attributes:
        files: Every file of the catalogue, relative to the folder.
        changed: Those that were not there as they are now.
        removed: Those of an earlier run that no event has any more.
    """

    files: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


def write_catalogue(
    catalogue: Catalogue,
    folder: Path,
    *,
    shows_rules: bool = True,
    protocol: str = "redis",
    with_yaml: bool = False,
) -> Written:
    """Write the AsyncAPI document and the pages.

    Args:
        catalogue: What there is.
        folder: Where to; it is made where it is missing.
        shows_rules: Whether the rules are known.
        protocol: The broker's.
        with_yaml: Whether to write the document as YAML as well.

    Returns:
        What was written and removed; a second run changes nothing.

    Raises:
        SchemaError: When a file is in the way that no catalogue wrote, or the folder cannot be
            written. Then nothing is touched.
    """
    document = asyncapi_document(catalogue, protocol=protocol)
    content = {
        "asyncapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        **render_pages(catalogue, shows_rules=shows_rules),
    }
    if with_yaml:
        content["asyncapi.yaml"] = _yaml(document)
    try:
        return _write(folder, content)
    except OSError as error:
        message = f"the catalogue cannot be written to {folder}: {error.strerror or error}"
        raise SchemaError(message) from error


def _write(folder: Path, content: dict[str, str]) -> Written:
    foreign = [
        Problem(str(folder / name), 0, 0, "", "is there, and no catalogue wrote it")
        for name in content
        if (folder / name).exists() and not _is_ours(folder / name)
    ]
    if foreign:
        message = f"{folder} holds other files: choose an empty folder, or move them away:"
        raise SchemaError(message, foreign)
    changed = [name for name, text in content.items() if _read(folder / name) != text]
    for name in changed:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content[name], encoding="utf-8", newline="\n")
    stale = [
        file.relative_to(folder).as_posix()
        for file in sorted((*folder.glob("events/*.html"), folder / "asyncapi.yaml"))
        if file.relative_to(folder).as_posix() not in content and _is_ours(file)
    ]
    for name in stale:
        (folder / name).unlink()
    return Written(tuple(sorted(content)), tuple(sorted(changed)), tuple(stale))


def _is_ours(file: Path) -> bool:
    text = _read(file)
    return text is not None and GENERATOR in text[:_LOOK_IN]


def _read(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeDecodeError):
        return None


def _yaml(document: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - seldom asked for

    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)
