"""What a target gets in place of the event: a constant, a part of it, or a filled template."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from eventflow.errors import EventError
from eventflow.rules.documents import InputDocument
from eventflow.rules.paths import MISSING, EventPath, parse_path
from eventflow.rules.templates import (
    EVENT_JSON,
    RESERVED,
    Template,
    TemplateFault,
    compact,
    compile_template,
)

__all__ = ["MAX_CONSTANT", "InputTransform", "compile_input"]

MAX_CONSTANT = 8192
"""The most characters of JSON that a constant may have, as at EventBridge."""


@dataclass(frozen=True, slots=True)
class InputTransform:
    """How a target's input is made from an event; immutable. `compile_input` makes one.

    Attributes:
        document: The input as the rule file has it.
    """

    document: Mapping[str, Any]
    _constant: Any = field(default=None, compare=False, repr=False)
    _paths: Mapping[str, EventPath] = field(default_factory=dict, compare=False, repr=False)
    _path: EventPath | None = field(default=None, compare=False, repr=False)
    _template: Template | None = field(default=None, compare=False, repr=False)
    _missing: Literal["null", "omit", "fail"] = field(default="null", compare=False, repr=False)

    @property
    def paths(self) -> Mapping[tuple[str, ...], EventPath]:
        """The paths that it has, by where each stands below `input`."""
        if self._path is not None:
            return {("path",): self._path}
        return {("paths", name): path for name, path in self._paths.items()}

    @property
    def takes_whole_event(self) -> bool:
        """Whether a placeholder of its template is the whole event."""
        return self._template is not None and EVENT_JSON in self._template.names

    def shape(  # Any: a JSON value
        self, event: Mapping[str, Any], *, rule_name: str, ingestion_time: str
    ) -> Any:
        """Make the input.

        Args:
            event: The event by EventBridge's names.
            rule_name: The rule that matched.
            ingestion_time: When the event was accepted, RFC 3339.

        Returns:
            A JSON value; parts of it may be parts of *event* itself, so only read it.

        Raises:
            EventError: When a path leads to nothing and the rule says `missing: fail`; with the
                path.
        """
        if self._template is not None:
            filling = _Filling(self, event, rule_name, ingestion_time)
            return self._template.fill(filling.resolve, omit=self._missing == "omit")
        if self._path is not None:
            value = self.find(self._path, event)
            return None if value is MISSING else value
        return copy.deepcopy(self._constant)

    def find(self, path: EventPath, event: Mapping[str, Any]) -> Any:  # Any: JSON, or MISSING
        """Return what stands at *path* in *event*, or `MISSING`.

        Raises:
            EventError: When nothing does and the rule says `missing: fail`.
        """
        value = path.find(event)
        if value is MISSING and self._missing == "fail":
            message = "the event has nothing there, and the rule's input says missing: fail"
            raise EventError(message, path.text)
        return value


@dataclass(frozen=True, slots=True)
class _Filling:
    """Finds the values of one template for one event."""

    transform: InputTransform
    event: Mapping[str, Any]
    rule_name: str
    ingestion_time: str

    def resolve(self, name: str) -> Any:
        path = self.transform._paths.get(name)  # noqa: SLF001 - one unit with the class above
        if path is not None:
            return self.transform.find(path, self.event)
        assert name in RESERVED
        if name == "aws.events.rule-name":
            return self.rule_name
        if name == "aws.events.rule-arn":
            return self._write_arn()
        if name == "aws.events.event.ingestion-time":
            return self.ingestion_time
        if name == EVENT_JSON:
            return self.event
        return {key: value for key, value in self.event.items() if key != "detail"}

    def _write_arn(self) -> str:
        # Amazon's form with a partition of our own, so that nobody takes it for Amazon's.
        region, account = self.event.get("region", ""), self.event.get("account", "")
        return f"arn:eventflow:events:{region}:{account}:rule/{self.rule_name}"


def compile_input(
    document: InputDocument,
) -> tuple[InputTransform | None, list[TemplateFault]]:
    """Read a rule's `input`.

    Args:
        document: The input as the rule file has it.

    Returns:
        The transform, None when there are faults; and the faults, with paths below `input`.
    """
    source = document.model_dump(exclude_unset=True)
    if "constant" in source:
        length = len(compact(document.constant))
        if length > MAX_CONSTANT:
            message = f"the constant has {length:,} characters, and at most {MAX_CONSTANT:,} may be"
            return None, [TemplateFault(("constant",), message)]
        return InputTransform(source, _constant=document.constant), []
    if "path" in source:
        try:
            path = parse_path(document.path)
        except ValueError as error:
            return None, [TemplateFault(("path",), str(error))]
        return InputTransform(source, _path=path, _missing=document.missing), []
    return _compile_template(document, source)


def _compile_template(
    document: InputDocument, source: dict[str, Any]
) -> tuple[InputTransform | None, list[TemplateFault]]:
    faults: list[TemplateFault] = []
    paths: dict[str, EventPath] = {}
    for name, text in document.paths.items():
        try:
            paths[name] = parse_path(text)
        except ValueError as error:
            faults.append(TemplateFault(("paths", name), str(error)))
    template, template_faults = compile_template(document.template, document.paths)
    faults.extend(replace(fault, path=("template", *fault.path)) for fault in template_faults)
    if faults:
        return None, faults
    transform = InputTransform(source, _paths=paths, _template=template, _missing=document.missing)
    return transform, []
