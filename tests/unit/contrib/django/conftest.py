"""Django on an SQLite in memory, without rows when a test begins."""

from collections.abc import Iterator

import pytest

from tests.django_shop.databases import emptied, set_up

set_up()  # before the tests are imported: models cannot be without it


@pytest.fixture(autouse=True)
def _no_rows() -> Iterator[None]:
    """Remove what the test wrote."""
    with emptied():
        yield
