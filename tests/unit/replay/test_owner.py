"""Which process runs a replay."""

import subprocess
import sys

import pytest

from eventflow.replay.owner import is_dead, owner_name


def test_a_name_is_given_once() -> None:
    """Two names of one process differ, and it is alive."""
    assert owner_name() != owner_name()
    assert not is_dead(owner_name())


def test_a_process_that_ended_is_dead() -> None:
    """One of this machine is looked for."""
    code = "from eventflow.replay.owner import owner_name; print(owner_name())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert is_dead(ended.stdout.strip())


@pytest.mark.parametrize("owner", ["", "elsewhere:1:ab", "elsewhere:999999999:ab", "garbage"])
def test_what_cannot_be_known_is_not_dead(owner: str) -> None:
    """A process of another machine may be alive."""
    assert not is_dead(owner)
