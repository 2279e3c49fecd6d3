"""The recorder is killed at random under load: the journal is whole in the end, each step once."""

import random
import time
from collections import Counter
from pathlib import Path

from eventflow.delivery.keys import ROUTE
from eventflow.journal import JournalEntry, Step
from eventflow.store import JournalStore, open_engine
from tests.faults.load import Load
from tests.faults.scene import TARGETS, Scene, staged

SECONDS = 6.0
PAUSES = (0.1, 1.2)
"""Seconds between two kills: from less than the recorder takes to start, to more than that."""
PROCESSES = ("router-1", "worker-1", "recorder")


def test_a_journal_is_whole_though_its_recorder_is_killed(
    tmp_path: Path, chance: random.Random
) -> None:
    """Every step of every delivery is in the store, once, and nothing was dropped."""
    with staged(tmp_path, requeue_after=0.5, route_lease=10.0) as scene:
        scene.start(*PROCESSES)
        load = Load(scene.deployment.flow, scene.in_flight)
        load.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            scene.kill("recorder")
            time.sleep(chance.uniform(*PAUSES))
        load.stop()
        scene.settle()
        entries = recorded(scene)
        balances = scene.deployment.flow.context.ledgers.of("default").balances([ROUTE, *TARGETS])
    assert load.accepted
    assert {0} == {balance.difference for balance in balances.values()}
    assert {len(load.accepted)} == {balance.registered for balance in balances.values()}
    assert expected(load) == Counter(step_of(entry) for entry in entries if is_planned(entry))


def recorded(scene: Scene) -> list[JournalEntry]:
    """Return the whole journal, once no entry waits."""
    ledger = scene.deployment.flow.context.ledgers.of("default")
    scene.wait(lambda: ledger.journal_state().waiting == 0, "the journal to be in the store")
    assert 0 == ledger.journal_state().dropped
    engine = open_engine(scene.deployment.settings.store_url)
    try:
        return JournalStore(engine).page(limit=1_000_000)
    finally:
        engine.dispose()


def is_planned(entry: JournalEntry) -> bool:
    """Whether an entry tells of what must happen, and not of a slow machine."""
    is_sent_again = entry.step is Step.QUEUED and entry.facts["why"] == "sent again"
    return not is_sent_again and entry.step is not Step.DUPLICATE


def step_of(entry: JournalEntry) -> tuple[str, Step, str, int, str]:
    """Return what there must be once."""
    return (entry.event_id, entry.step, entry.target, entry.attempt, entry.outcome)


def expected(load: Load) -> Counter[tuple[str, Step, str, int, str]]:
    """Return the steps of all events: a third fail twice for `flaky`, some are refused by `typed`."""
    steps: Counter[tuple[str, Step, str, int, str]] = Counter()
    for event_id in load.accepted:
        steps[event_id, Step.ACCEPTED, "", 0, ""] += 1
        steps[event_id, Step.MATCHED, "", 0, ""] += 1
        for target in TARGETS:
            failures = 2 if target == "flaky" and int(event_id[1:]) % 3 == 0 else 0
            for attempt in range(1, failures + 1):
                steps[event_id, Step.ATTEMPT, target, attempt, "retry"] += 1
                steps[event_id, Step.QUEUED, target, 0, ""] += 1
            is_refused = target == "typed" and event_id in load.refused
            outcome = "dead" if is_refused else "done"
            steps[event_id, Step.ATTEMPT, target, failures + 1, outcome] += 1
    return steps
