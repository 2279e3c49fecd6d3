"""What holds for every test: no setting of the person who runs it reaches it."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Take every EVENTFLOW_* variable out of the environment, before any other fixture."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("EVENTFLOW_")]:
            patch.delenv(name)
        yield
