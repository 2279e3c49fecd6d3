"""The benchmark of whole deployments does what its tables say: a short run of it, with real processes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.end_to_end import deployment
from benchmarks.end_to_end.__main__ import main
from benchmarks.end_to_end.processes import Processes

RATE, SECONDS = 60, 1.0


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a short run writes, and which processes and folder it used."""
    pids: dict[str, int] = {}
    places: list[Path] = []

    class Watched(Processes):
        def __init__(self, place: Path, environment: Mapping[str, str]) -> None:
            places.append(place)
            super().__init__(place, environment)

        def start(self, name: str, arguments: Sequence[str], *, talks: bool = False) -> None:
            super().start(name, arguments, talks=talks)
            pids[name] = self.pid(name)

        def watch(self, name: str, pid: int) -> None:
            super().watch(name, pid)
            pids[name] = pid

    path = tmp_path_factory.mktemp("bench") / "results.json"
    what = ["end_to_end", "--system", "eventflow", "--broker", "valkey"]
    how = ["--rate", str(RATE), "--seconds", str(SECONDS), "--json", str(path)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deployment, "Processes", Watched)
        main([*what, *how])
    return {"document": json.loads(path.read_text()), "pids": pids, "places": places}


def test_a_rate_far_below_the_limit_is_held(found: dict[str, Any]):
    """Sixty events a second are published, delivered to all three and seen to be, in time."""
    [run] = found["document"]["end_to_end"]
    assert run["holds"], run
    assert RATE * SECONDS == pytest.approx(run["done"], rel=0.2)
    latency = run["latency"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["max"] < 5


def test_every_process_is_accounted_for(found: dict[str, Any]):
    """Publishers, server, router and the three workers each have used the processor, and memory."""
    [run] = found["document"]["end_to_end"]
    everyone = {"server", "router", *(f"publisher-{number}" for number in range(1, 5))}
    everyone |= {f"worker-{number}" for number in range(1, 4)}
    assert everyone == set(run["cpu"]) == set(found["pids"])
    assert all(run["peak"][name] > 1 for name in everyone), run["peak"]
    assert sum(run["cpu"].values()) > 0


def test_nothing_of_it_is_left(found: dict[str, Any]):
    """Every process that it started has ended, and its folder is gone."""
    alive = [name for name, pid in found["pids"].items() if Path(f"/proc/{pid}").exists()]
    assert [] == alive
    assert [] == [place for place in found["places"] if place.exists()]
