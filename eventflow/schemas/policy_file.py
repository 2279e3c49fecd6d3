"""`repository.yaml` into a policy, every fault with its line."""

from typing import Any

import yaml
from pydantic import ValidationError

from eventflow.errors import Problem
from eventflow.events import write_path
from eventflow.schemas.policy import Policy

__all__ = ["read_policy"]

_Path = tuple[str | int, ...]


def read_policy(file: str, content: bytes) -> tuple[Policy | None, list[Problem]]:
    """Read the policy of a repository.

    Args:
        file: Its path, for problems.
        content: Its bytes.

    Returns:
        The policy, None where there are problems, and the problems.
    """
    # Every scalar is read as text: YAML 1.1 would read `off` as false.
    try:
        root = yaml.compose(content.decode("utf-8"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return None, [_unreadable(file, error)]
    if root is None:
        return Policy(buses={}), []
    places: dict[_Path, tuple[int, int]] = {}
    problems: list[Problem] = []
    document = _plain(root, (), places, problems, file)
    try:
        policy = Policy.model_validate(document)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            path = tuple(item["loc"])
            line, column = places.get(path) or places.get(path[:-1]) or (1, 1)
            problems.append(Problem(file, line, column, write_path(path), _describe(item)))
        return None, problems
    return (None if problems else policy), problems


def _plain(
    node: yaml.Node,
    path: _Path,
    places: dict[_Path, tuple[int, int]],
    problems: list[Problem],
    file: str,
) -> Any:
    places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode) and len(path) < 4:  # noqa: PLR2004 - buses.NAME.KEY is 3
        document: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            mark = key_node.start_mark
            if key in document:
                problem = Problem(
                    file, mark.line + 1, mark.column + 1, write_path((*path, key)), "is given twice"
                )
                problems.append(problem)
            places[(*path, key)] = (mark.line + 1, mark.column + 1)
            document[key] = _plain(value_node, (*path, key), places, problems, file)
        return document
    return node.value if isinstance(node, yaml.ScalarNode) else [None]


def _unreadable(file: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    what = getattr(error, "problem", None) or "is not UTF-8 text, or nested without end"
    return Problem(file, line, column, "", f"is no YAML: {what}")


def _describe(item: Any) -> str:
    kind, message = item["type"], item["msg"]
    if kind == "extra_forbidden":
        return "is no key of the policy: validation, unknown, compatibility, buses"
    if kind in {"model_type", "dict_type", "mapping_type"}:
        return "must be a mapping"
    return f"cannot be: {message[:1].lower()}{message[1:]}"
