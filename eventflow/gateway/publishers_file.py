"""The file of publishers: read whole, every fault at its line, and no secret in any message."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from eventflow.errors import Problem, PublishersError
from eventflow.events import write_path
from eventflow.gateway.publishers import (
    AccessKeyPublisher,
    GitHubPublisher,
    KeyPublisher,
    PublisherDocument,
    Publishers,
    StandardWebhooksPublisher,
)
from eventflow.rules.faults import unknown_key
from eventflow.rules.nodes import MappingNode, Node, Place, locate, plain
from eventflow.rules.reader import MAX_BYTES, read_document
from eventflow.rules.targets import NAME_RULE, is_name

__all__ = ["load_publishers"]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(PublisherDocument)
_KINDS: dict[str, type[BaseModel]] = {
    "key": KeyPublisher,
    "sigv4": AccessKeyPublisher,
    "github": GitHubPublisher,
    "standard-webhooks": StandardWebhooksPublisher,
}
_LONGEST_SECRET = 4096


class _SecretPlace(BaseModel):
    """Where a secret is: in a variable of the environment, or in a file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str = ""
    file: str = ""


def load_publishers(path: Path) -> Publishers:
    """Read the file of publishers, and the secrets that it names.

    Args:
        path: A YAML file with one mapping, `publishers`.

    Returns:
        The publishers.

    Raises:
        PublishersError: When anything is wrong; it lists every fault with its line and column.
    """
    return _Loading(path).load()


@dataclass(slots=True)
class _Loading:
    path: Path
    problems: list[Problem] = field(default_factory=list)

    def load(self) -> Publishers:
        root = self._read()
        found: list[Any] = []
        if root is not None:
            for name, entry in root.entries.items():
                publisher = self._read_one(name, entry.place, entry.node)
                if publisher is not None:
                    found.append(publisher)
        if not self.problems:
            try:
                return Publishers(every=tuple(found))
            except ValidationError as error:
                self._add(None, "publishers", _words(error.errors(include_url=False)[0]))
        message = f"the file of publishers {str(self.path)!r} cannot be used:"
        raise PublishersError(message, sorted(self.problems))

    def _read(self) -> MappingNode | None:
        try:
            with self.path.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
        except OSError as error:
            message = f"cannot be read: {error.strerror}; EVENTFLOW_PUBLISHERS says where it is"
            self._add(None, "", message)
            return None
        reading = read_document(content)
        for fault in reading.faults:
            self._add(fault.place, "", fault.message)
        if reading.root is None:
            if not reading.faults:
                self._add(None, "", "is empty: write publishers: and below it each by its name")
            return None
        if not isinstance(reading.root, MappingNode):
            self._add(reading.root.place, "", "must be a mapping with the key publishers")
            return None
        for key, entry in reading.root.entries.items():
            if key != "publishers":
                self._add(entry.place, key, unknown_key(key, ["publishers"]))
        section = reading.root.entries.get("publishers")
        if section is None or not isinstance(section.node, MappingNode):
            place = section.node.place if section else reading.root.place
            self._add(place, "publishers", "must be a mapping of names to publishers")
            return None
        return section.node

    def _read_one(self, name: str, place: Place, node: Node) -> Any:
        path = f"publishers.{name}"
        if not is_name(name):
            self._add(place, path, f"{name!r} cannot be a publisher: write {NAME_RULE}")
            return None
        if not isinstance(node, MappingNode):
            self._add(node.place, path, "must be a mapping")
            return None
        document = plain(node)
        kind = document.get("kind")
        if not isinstance(kind, str) or kind not in _KINDS:
            at = locate(node, ("kind",))[0]
            self._add(at, f"{path}.kind", f"must be one of {', '.join(_KINDS)}")
            return None
        before = len(self.problems)
        if "name" in document:
            self._add(locate(node, ("name",), key=True)[0], path, "has its name above: drop `name`")
        if "secret" in document and "secret" in _KINDS[kind].model_fields:
            document["secret"] = self._read_secrets(path, node, document["secret"])
        try:
            publisher = _ADAPTER.validate_python({**document, "name": name})
        except ValidationError as error:
            self._add_faults(path, node, error, _KINDS[kind])
            return None
        return publisher if len(self.problems) == before else None

    def _read_secrets(self, path: str, node: Node, given: Any) -> Any:
        if not isinstance(given, list):
            return self._read_secret(path, node, ("secret",), given)
        return [
            self._read_secret(path, node, ("secret", index), each)
            for index, each in enumerate(given)
        ]

    def _read_secret(
        self, path: str, node: Node, at: tuple[str | int, ...], given: Any
    ) -> str | None:
        """Return the secret; where it cannot be had, say so and return None."""
        place = locate(node, at)[0]
        where = f"{path}.{write_path(at)}"
        try:
            wanted = _SecretPlace.model_validate(given)
        except ValidationError:
            wanted = _SecretPlace()
        if bool(wanted.env) == bool(wanted.file):
            message = "must say where the secret is, {env: VARIABLE} or {file: PATH}, never what"
            self._add(place, where, message)
            return None
        if wanted.env:
            secret = os.environ.get(wanted.env, "").strip()
            if not secret:
                self._add(place, where, f"the variable {wanted.env!r} is not set")
            return secret or None
        file = self.path.parent / wanted.file
        try:
            secret = file.read_text()[:_LONGEST_SECRET].strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            self._add(place, where, f"{str(file)!r} cannot be read: {reason}")
            return None
        if not secret:
            self._add(place, where, f"{str(file)!r} is empty")
        return secret or None

    def _add_faults(
        self, path: str, node: Node, error: ValidationError, model: type[BaseModel]
    ) -> None:
        has_secret = not any(one.path.startswith(f"{path}.secret") for one in self.problems)
        for fault in error.errors(include_url=False, include_input=False):
            at = tuple(fault["loc"][1:])  # without the kind, which pydantic puts first
            if at[:1] == ("secret",) and not has_secret:
                continue  # it could not be had, which is said already
            is_unknown = fault["type"] == "extra_forbidden"
            place = locate(node, at, key=is_unknown)[0]
            where = f"{path}.{write_path(at)}" if at else path
            names = [name for name in model.model_fields if name != "name"]
            words = unknown_key(str(at[-1]), names) if is_unknown else _words(fault)
            self._add(place, where, words)

    def _add(self, place: Place | None, path: str, message: str) -> None:
        line, column = (place.line, place.column) if place is not None else (0, 0)
        self.problems.append(Problem(str(self.path), line, column, path, message))


def _words(fault: Any) -> str:
    """Put one of pydantic's faults into the words of one who writes YAML; no value is shown."""
    plain_words = {
        "missing": "is missing",
        "string_type": "must be text",
        "too_short": "must name at least one",
        "bool_type": "must be true or false",
    }
    kind = fault["type"]
    return plain_words.get(kind, str(fault["msg"]).removeprefix("Value error, "))
