"""What is under test: the project's flow and its rules, found from pytest's root directory."""

import os
import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from eventflow.app import EventFlow
from eventflow.errors import BusError
from eventflow.rules import RuleSource
from eventflow.rules.files import Listing, list_files
from eventflow.settings import Settings, load_settings

__all__ = ["bare_flow", "find_flow", "find_rules", "open_rules"]

_USUAL = "workers"
_sources: dict[Path, tuple[Listing, RuleSource]] = {}


@cache
def bare_flow(settings: Settings) -> EventFlow:
    """Return a flow without subscribers, made once: Celery keeps what each one hooks up."""
    return EventFlow(settings)


def open_rules(path: Path) -> RuleSource:
    """Return the rules of a directory, read once for all tests, and again where they changed.

    Args:
        path: The directory.
    """
    place = path.absolute()
    listing = list_files(place)
    known = _sources.get(place)
    if known is None or known[0] != listing:
        # Within one test the rules are fixed.
        known = _sources[place] = (listing, RuleSource(place, interval=float("inf")))
    return known[1]


def find_flow(module: str, root: Path) -> EventFlow | None:
    """Import a project's flow and every module that its workers would import.

    Args:
        module: The module's name; empty for EVENTFLOW_WORKERS or the usual one.
        root: The project's directory, which is looked in first, as the commands do.

    Returns:
        The flow; None where no module is named and the project has none of the usual name.

    Raises:
        BusError: When the module is named and is not there, or holds no EventFlow.
        Exception: Whatever the module raises when it is imported.
    """
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    named = module or os.environ.get("EVENTFLOW_WORKERS", "")
    if not named and not _is_in(root):
        return None
    name = named or _USUAL
    try:
        found = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        message = (
            f"there is no module {name!r} in {root}, nor elsewhere on the Python path: set "
            "eventflow_workers in pytest's configuration to the module that holds your EventFlow"
        )
        raise BusError(message) from None
    flows = [value for value in vars(found).values() if isinstance(value, EventFlow)]
    if not flows:
        if not named:
            return None
        message = (
            f"the module {name!r} ({found.__file__}) holds no EventFlow: set eventflow_workers to "
            "the module that does, or define a fixture eventflow_flow that returns yours"
        )
        raise BusError(message)
    flow = flows[0]
    flow.celery.loader.import_default_modules()
    return flow


def _is_in(root: Path) -> bool:
    """Whether the project itself has a module of the usual name."""
    spec = find_spec(_USUAL)
    return spec is not None and spec.origin is not None and Path(spec.origin).is_relative_to(root)


def find_rules(given: str, flow: EventFlow | None, root: Path) -> Path:
    """Return the directory of rule files.

    Args:
        given: What pytest's configuration says; empty for what the settings say.
        flow: The flow under test.
        root: From where a relative path is seen.
    """
    settings = flow.settings if flow is not None else load_settings()
    if given:
        return root / given
    # A flow reads its rules from the directory that it is started in, which is the project's.
    return settings.rules if (settings.rules).is_absolute() else root / settings.rules
