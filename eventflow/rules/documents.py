"""What may stand in a rule file: the models behind its `rules:` and `archives:` sections."""

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from eventflow.events import DEFAULT_BUS
from eventflow.rules.targets import NAME_RULE, is_name
from eventflow.units import parse_duration

__all__ = ["ArchiveDocument", "InputDocument", "RuleDocument", "RuleTargetDocument"]

_PLACEHOLDER_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MAX_PATHS = 100  # as at EventBridge
_LONGEST_RETENTION = 36_500 * 86_400.0  # seconds


def _check_bus(value: str) -> str:
    if not is_name(value):
        message = f"{value!r} cannot be a bus: write {NAME_RULE}"
        raise ValueError(message)
    return value


def _check_paths(paths: dict[str, str]) -> dict[str, str]:
    if len(paths) > _MAX_PATHS:
        message = f"there are {len(paths)} paths, and at most {_MAX_PATHS} may be"
        raise ValueError(message)
    for name in paths:
        if not _PLACEHOLDER_NAME.fullmatch(name):
            message = (
                f"{name!r} cannot name a placeholder: write 1 to 256 letters, digits, hyphens and "
                "underscores"
            )
            raise ValueError(message)
    return paths


def _read_missing(value: object) -> object:
    # YAML reads a bare null as no value.
    return "null" if value is None else value


def _read_input(value: object) -> object:
    if value is None:
        message = "is empty: write constant, path, or paths and template, or leave input out"
        raise ValueError(message)
    return value


def _read_target(value: object) -> object:
    return {"target": value} if isinstance(value, str) else value


def _check_targets(
    targets: tuple["RuleTargetDocument", ...],
) -> tuple["RuleTargetDocument", ...]:
    if not targets:
        message = "is empty: name at least one target"
        raise ValueError(message)
    return targets


def _read_retention(value: object) -> float:
    if value == "forever":
        return math.inf
    if not isinstance(value, str):
        message = "must be a duration such as 90d, or forever"
        raise ValueError(message)  # noqa: TRY004 - pydantic collects ValueError
    seconds = parse_duration(value)
    if not 0 < seconds <= _LONGEST_RETENTION:
        message = "must be longer than nothing, and no longer than 36500d; or forever"
        raise ValueError(message)
    return seconds


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputDocument(_Document):
    """What a target gets in place of the event.

    Attributes:
        constant: Always this value.
        path: What stands at this path in the event.
        paths: Names of placeholders, and the paths of their values.
        template: A value with placeholders.
        missing: What to do where a path leads to nothing.
    """

    constant: Any = None
    path: str = ""
    paths: Annotated[dict[str, str], AfterValidator(_check_paths)] = {}
    template: Any = None
    missing: Annotated[Literal["null", "omit", "fail"], BeforeValidator(_read_missing)] = "null"

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        given = self.model_fields_set
        kinds = given & {"constant", "path", "template"}
        fault = ""
        if "paths" in given and "template" not in given:
            fault = "paths are for a template, and there is none"
        elif len(kinds) != 1:
            fault = "takes one of constant, path and template (with paths)"
        elif "constant" in kinds and "missing" in given:
            fault = "missing is for path and template; a constant misses nothing"
        elif "path" in kinds and self.missing == "omit":
            fault = "missing: omit is for a template; with path, choose null or fail"
        if fault:
            raise ValueError(fault)
        return self


class RuleTargetDocument(_Document):
    """One target of a rule, and what it gets."""

    target: str
    input: Annotated[InputDocument | None, BeforeValidator(_read_input)] = None


class RuleDocument(_Document):
    """One rule as its file has it.

    Attributes:
        description: What it is for.
        owner: Who answers for it.
        bus: The bus whose events it looks at.
        enabled: Whether it is in force.
        pattern: EventBridge's event pattern.
        targets: What gets the events that match.
    """

    description: str = ""
    owner: str = ""
    bus: Annotated[str, AfterValidator(_check_bus)] = DEFAULT_BUS
    enabled: Annotated[bool, Field(strict=True)] = True
    pattern: dict[str, Any]
    targets: Annotated[
        tuple[Annotated[RuleTargetDocument, BeforeValidator(_read_target)], ...],
        # Not min_length, which would also count the targets that are faulty.
        AfterValidator(_check_targets),
    ]


class ArchiveDocument(_Document):
    """One archive as its file has it.

    Attributes:
        description: What it is for.
        owner: Who answers for it.
        bus: The bus whose events it keeps.
        enabled: Whether it is in force.
        pattern: EventBridge's event pattern.
        retention: Seconds that an event is kept, from its acceptance.
    """

    description: str = ""
    owner: str = ""
    bus: Annotated[str, AfterValidator(_check_bus)] = DEFAULT_BUS
    enabled: Annotated[bool, Field(strict=True)] = True
    pattern: dict[str, Any]
    retention: Annotated[float, BeforeValidator(_read_retention)]
