"""What the tests of security share: the CA that signs the servers' certificates."""

import pytest

from tests.security.authority import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that signs the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))
