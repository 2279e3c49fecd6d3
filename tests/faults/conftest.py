"""What the tests of faults share: chance, from a seed that a failure shows."""

import os
import random

import pytest

_SEED = "FAULT_SEED"


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """A source of random choices; the same again with FAULT_SEED set to what a failure prints."""
    # Not from `random` itself, which pytest-randomly sets to the same for every test of a run.
    seed = int(os.environ.get(_SEED) or random.SystemRandom().randrange(10**6))
    request.node.add_report_section("setup", "seed", f"{_SEED}={seed} makes the same choices again")
    return random.Random(seed)
