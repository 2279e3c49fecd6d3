"""Django on an SQLite in memory, without rows when a test begins."""

from collections.abc import Iterator

import pytest

from tests.django_shop.databases import emptied, set_up


@pytest.fixture(scope="session", autouse=True)
def _django() -> None:
    """Set Django up."""
    set_up()


@pytest.fixture(autouse=True)
def _no_rows(_django: None) -> Iterator[None]:
    """Remove what the test wrote."""
    with emptied():
        yield
