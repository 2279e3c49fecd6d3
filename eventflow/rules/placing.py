"""Where in the rule files a finding stands."""

from eventflow.errors import Problem
from eventflow.events import write_path
from eventflow.rules.loader import Loaded
from eventflow.rules.nodes import locate

__all__ = ["problem_at"]


def problem_at(
    loaded: Loaded, section: str, name: str, path: tuple[str | int, ...], message: str
) -> Problem:
    """Make a problem of one place of a definition, or of the deepest part of it that there is.

    Args:
        loaded: The rules that it is of.
        section: `rules`, `targets` or `archives`.
        name: The definition's name.
        path: The place within the definition.
        message: What is to be said of it.
    """
    file, entry = loaded.definitions[section, name]
    place, taken = locate(entry.node, path, key=True)
    place = place if taken else entry.place
    where = write_path([section, name, *taken])
    return Problem(file, place.line, place.column, where, message)
