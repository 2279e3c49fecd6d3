"""A directory into a repository: every fault of every file is found, none of them is fatal alone."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from eventflow.errors import Problem, SchemaError
from eventflow.events import write_path
from eventflow.schemas.document import KEYWORD, SchemaDocument, Status
from eventflow.schemas.examination import Examination, examine
from eventflow.schemas.extension import Extension, read_extension
from eventflow.schemas.files import Listing, SchemaFile, list_files
from eventflow.schemas.json_text import MAX_BYTES, locate, read_json
from eventflow.schemas.keywords import DIALECTS
from eventflow.schemas.names import SchemaName, Version
from eventflow.schemas.policy import POLICY_FILE, Policy
from eventflow.schemas.policy_file import read_policy
from eventflow.schemas.references import Library
from eventflow.schemas.repository import Repository

__all__ = ["load_repository", "read_listing"]

_LOOKS_LIKE_VERSION = re.compile(r"v?\d+(\.\d+)*([-+.].*)?", re.IGNORECASE)
_NAMED = 3  # parts of a schema's path: source, type, version


def load_repository(path: Path) -> Repository:
    """Load every schema below a directory; where there is no directory, there are no schemas.

    Args:
        path: The repository's directory.

    Returns:
        The repository.

    Raises:
        SchemaError: When anything is wrong; its `problems` name everything that is, with file,
            line and column.
    """
    return read_listing(path, list_files(path))


def read_listing(path: Path, listing: Listing) -> Repository:
    """Load the files that were listed.

    Raises:
        SchemaError: When anything is wrong.
    """
    loading = _Loading(path, listing)
    repository = loading.load()
    if repository is None:
        problems = sorted(set(loading.problems))
        count = "1 fault" if len(problems) == 1 else f"{len(problems)} faults"
        message = f"the schemas in {str(path)!r} have {count}:"
        raise SchemaError(message, problems)
    return repository


@dataclass(slots=True)
class _Loading:
    root: Path
    listing: Listing
    problems: list[Problem] = field(default_factory=list)
    # Those of files that are no schemas themselves: a directory without any concerns nobody.
    part_problems: list[Problem] = field(default_factory=list)
    # What each file holds, where it can be read.
    texts: dict[PurePosixPath, str] = field(default_factory=dict)
    contents: dict[PurePosixPath, Any] = field(default_factory=dict)
    names: dict[PurePosixPath, SchemaName] = field(default_factory=dict)
    policy: Policy | None = None

    def load(self) -> Repository | None:
        """Return the repository, or None where there are problems."""
        self.problems.extend(self.listing.problems)
        for found in self.listing.files:
            self._read_file(found)
        self._name_files()
        if self.names:
            self.problems += self.part_problems
        library = Library(self.contents)
        documents = []
        for file, name in sorted(self.names.items()):
            if file in self.contents:
                documents.append(self._read_document(library, file, name))
        self._check_successors(documents)
        if self.problems:
            return None
        return Repository(self.root, documents, self.policy)

    def _read_file(self, found: SchemaFile) -> None:
        try:
            with Path(found.path).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self._report(found.below, (), f"cannot be read: {error.strerror}")
            return
        if str(found.below) == POLICY_FILE:
            self.policy, problems = read_policy(found.path, content)
            self.problems += problems
            return
        document, faults = read_json(content)
        if document is not None:
            self.contents[found.below] = document
        if all(not fault.line for fault in faults) and len(content) <= MAX_BYTES:
            self.texts[found.below] = content.decode("utf-8", "replace")
        problems = self.problems if _looks_like_schema(found.below) else self.part_problems
        for fault in faults:
            if fault.line:
                path = str(self.root / found.below)
                problems.append(Problem(path, fault.line, fault.column, "", fault.message))
            else:
                problems.append(self._problem(found.below, fault.path, fault.message))

    def _name_files(self) -> None:
        """Tell schemas from the parts that they share, by where they lie."""
        known: dict[SchemaName, PurePosixPath] = {}
        for found in self.listing.files:
            file = found.below
            if str(file) == POLICY_FILE:
                continue
            name = self._name(file)
            if name is None:
                continue
            earlier = known.setdefault(name, file)
            if earlier == file:
                self.names[file] = name
            else:
                message = f"is the same version as {self.root / earlier}: keep one of the two"
                self._report(file, (), message)

    def _name(self, file: PurePosixPath) -> SchemaName | None:
        text = file.name[: -len(".json")]
        if len(file.parts) == _NAMED:
            try:
                version = Version.parse(text)
            except SchemaError as error:
                if _looks_like_schema(file):
                    self._report(file, (), f"lies where a schema's version does: {error}")
                    return None
            else:
                source, event_type = (unquote(part) for part in file.parts[:2])
                return SchemaName(source, event_type, version)
        content = self.contents.get(file)
        if isinstance(content, dict) and KEYWORD in content:
            message = (
                f"has {KEYWORD}, and lies where no schema does: it must be "
                f"{self.root}/SOURCE/TYPE/VERSION.json, such as 1.0.json"
            )
            self._report(file, (KEYWORD,), message)
        return None

    def _read_document(
        self, library: Library, file: PurePosixPath, name: SchemaName
    ) -> SchemaDocument:
        schema = self.contents[file]
        extension, faults = read_extension(schema)
        for fault in faults:
            self._report(file, fault.path, fault.message)
        examined = examine(library, file)
        for where, path, message in examined.faults:
            self._report(where, path, message)
        return _document(name, self.root / file, schema, extension, examined)

    def _check_successors(self, documents: list[SchemaDocument]) -> None:
        known = {document.name for document in documents}
        for document in documents:
            name, version = document.name, document.successor
            if version is None:
                continue
            file = PurePosixPath(document.file.relative_to(self.root).as_posix())
            path = (KEYWORD, "successor")
            if version <= name.version:
                message = f"is {version}, and no later version than this one, {name.version}"
                self._report(file, path, message)
            elif SchemaName(name.source, name.type, version) not in known:
                message = f"is {version}, and there is no such version of {name.type!r}"
                self._report(file, path, message)

    def _report(self, file: PurePosixPath, path: tuple[str | int, ...], message: str) -> None:
        self.problems.append(self._problem(file, path, message))

    def _problem(self, file: PurePosixPath, path: tuple[str | int, ...], message: str) -> Problem:
        text = self.texts.get(file)
        line, column = locate(text, path) if text is not None else (0, 0)
        return Problem(str(self.root / file), line, column, write_path(path), message)


def _looks_like_schema(file: PurePosixPath) -> bool:
    version = _LOOKS_LIKE_VERSION.fullmatch(file.name[: -len(".json")])
    return len(file.parts) == _NAMED and version is not None


def _document(
    name: SchemaName, file: Path, schema: Any, extension: Extension, examined: Examination
) -> SchemaDocument:
    known = schema if isinstance(schema, dict) else {}
    description = known.get("description", "")
    examples = known.get("examples", ())
    successor = None
    if extension.status is Status.DEPRECATED and extension.successor is not None:
        try:
            successor = Version.parse(extension.successor)
        except SchemaError:
            successor = None  # told already
    return SchemaDocument(
        name=name,
        schema=known,
        file=file,
        dialect=examined.dialect or DIALECTS[0],
        owner=extension.owner,
        description=description if isinstance(description, str) else "",
        status=extension.status,
        deprecated_on=extension.deprecated_on,
        successor=successor,
        compatibility=extension.compatibility,
        validation=extension.validation,
        examples=tuple(examples) if isinstance(examples, list) else (),
        bundled=examined.whole,
    )
