"""The repository: every schema of a directory, `<source>/<type>/<version>.json`, and its policy."""

from collections.abc import Iterable
from pathlib import Path

from eventflow.schemas.document import SchemaDocument, Status
from eventflow.schemas.names import SchemaName
from eventflow.schemas.policy import Policy

__all__ = ["Repository"]


class Repository:
    """Schemas that fit together; immutable and thread-safe.

    Args:
        root: The directory.
        documents: The schemas; no two of one name.
        policy: What it asks of events.
    """

    def __init__(
        self, root: Path, documents: Iterable[SchemaDocument] = (), policy: Policy | None = None
    ) -> None:
        self._root = root
        self._documents = tuple(sorted(documents, key=lambda document: document.name))
        self._policy = policy if policy is not None else Policy(buses={})
        self._by_name = {document.name: document for document in self._documents}
        self._by_type: dict[tuple[str, str], tuple[SchemaDocument, ...]] = {}
        for document in self._documents:
            key = (document.name.source, document.name.type)
            self._by_type[key] = (*self._by_type.get(key, ()), document)

    @property
    def root(self) -> Path:
        """The directory."""
        return self._root

    @property
    def policy(self) -> Policy:
        """What it asks of events."""
        return self._policy

    @property
    def documents(self) -> tuple[SchemaDocument, ...]:
        """Every schema, sorted by source, type and version."""
        return self._documents

    @property
    def types(self) -> tuple[tuple[str, str], ...]:
        """The source and type of all events that have a schema, sorted."""
        return tuple(self._by_type)

    def get(self, name: SchemaName) -> SchemaDocument | None:
        """Return the schema of that name, None where there is none."""
        return self._by_name.get(name)

    def versions(self, source: str, type: str) -> tuple[SchemaDocument, ...]:
        """Return every version of an event's schema, the oldest first."""
        return self._by_type.get((source, type), ())

    def current(self, source: str, type: str) -> SchemaDocument | None:
        """Return the newest version of an event's schema that is no draft; a draft if all are."""
        versions = self.versions(source, type)
        published = [item for item in versions if item.status is not Status.DRAFT]
        newest = (published or list(versions))[-1:]
        return newest[0] if newest else None
