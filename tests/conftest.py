"""What holds for every test: no setting of the person who runs it reaches it, no server stays."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import BROKERS, KINDS, require_broker, stop_shared_node

_LONGEST_FIRST = ("faults", "security", "acceptance", "docs", "integration", "unit")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what takes longest begin first; within a folder the shuffled order stays."""
    items.sort(key=lambda item: _LONGEST_FIRST.index(_folder_of(item)))


def _folder_of(item: pytest.Item) -> str:
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    return folder if folder in _LONGEST_FIRST else _LONGEST_FIRST[-1]


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Take every EVENTFLOW_* variable out of the environment, before any other fixture."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("EVENTFLOW_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_counts() -> None:
    """Have processes that tests start hear SIGINT, though a shell started these in its background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _no_servers_stay() -> Iterator[None]:
    """Stop the RabbitMQ that several tests have used, once all are done."""
    yield
    stop_shared_node()


@pytest.fixture(scope="module", params=BROKERS)
def broker(request: pytest.FixtureRequest) -> str:
    """Each broker in turn; one whose program is missing is skipped, and fails in CI."""
    require_broker(request.param)
    return str(request.param)


@pytest.fixture(scope="module", params=KINDS)
def any_broker(request: pytest.FixtureRequest) -> str:
    """One broker of each kind in turn, where another of a kind would only repeat what is shown."""
    require_broker(request.param)
    return str(request.param)
