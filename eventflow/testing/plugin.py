"""The pytest plugin: options in pytest's own configuration, and two fixtures.

Every run of pytest loads this where eventflow is installed, so nothing of eventflow is imported here
before a fixture needs it.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from eventflow.app import EventFlow
    from eventflow.testing.bus import MemoryBus

__all__ = ["eventflow_bus", "eventflow_flow", "pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    parser.addini(
        "eventflow_workers",
        "The module that holds the EventFlow under test (default: EVENTFLOW_WORKERS, or `workers` "
        "where there is such a module; without one, rules alone are tested).",
    )
    parser.addini(
        "eventflow_rules",
        "The directory of rule files, seen from pytest's root directory (default: the flow's own).",
    )


@pytest.fixture(scope="session")
def eventflow_flow(pytestconfig: pytest.Config) -> "EventFlow | None":
    """The flow under test, with all its subscribers imported; None to test rules alone.

    Define a fixture of this name to give another one.
    """
    from eventflow.testing.finding import find_flow  # noqa: PLC0415 - see above

    return find_flow(pytestconfig.getini("eventflow_workers"), pytestconfig.rootpath)


@pytest.fixture
def eventflow_bus(
    pytestconfig: pytest.Config, eventflow_flow: "EventFlow | None"
) -> "Iterator[MemoryBus]":
    """A bus in memory, on the rules and subscribers under test; each test has its own."""
    from eventflow.testing.bus import MemoryBus  # noqa: PLC0415 - see above
    from eventflow.testing.finding import find_rules  # noqa: PLC0415

    given: str = pytestconfig.getini("eventflow_rules")
    rules: Path = find_rules(given, eventflow_flow, pytestconfig.rootpath)
    with MemoryBus(eventflow_flow, rules=rules) as bus:
        yield bus
