"""The store is locked, stopped or full: what routes and delivers does not notice, and none is lost."""

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.faults.account import close_account, recorded_letters
from tests.faults.load import Load
from tests.faults.scene import TARGETS, Scene, staged
from tests.faults.store_faults import store_of

EVENTS = 80
"""How many are delivered while the store is away."""
REFUSE_EACH = 5


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("broker", "kind"),
    [("valkey", "sqlite"), ("rabbitmq", "postgresql")],
)
def test_dead_letters_wait_for_the_store(tmp_path: Path, broker: str, kind: str) -> None:
    """With each fault of the store, deliveries go on and dead letters wait; then all are recorded."""
    with (
        store_of(kind) as store,
        staged(tmp_path, broker=broker, database_url=store.url) as scene,
    ):
        scene.start()
        load = Load(scene.deployment.flow, scene.in_flight, refuse_each=REFUSE_EACH)
        load.start()
        scene.await_all("the start")
        scene.wait(lambda: bool(recorded_letters(scene)), "a dead letter to be recorded")
        for name, fault in store.faults().items():
            work_without(scene, load, fault, name)
        load.stop()
        close_account(scene, load).check()


def work_without(scene: Scene, load: Load, fault: AbstractContextManager[None], name: str) -> None:
    """Have events accepted and delivered during a fault; afterwards their letters are recorded."""
    with fault:
        last = max(load.accepted.values())
        scene.wait(
            lambda: sum(at > last for at in load.accepted.values()) > EVENTS,
            f"events to be published while the store is {name}",
        )
        during = {event for event, at in dict(load.accepted).items() if at > last}
        refused = {f"{event}:typed" for event in during & load.refused}
        wanted = {f"{event}:{target}" for event in during for target in TARGETS} - refused
        scene.wait(
            lambda: wanted <= scene.notes().keys(),
            f"all to be delivered while the store is {name}",
        )
        scene.wait(
            lambda: refused <= scene.waiting_letters(),
            f"their letters to wait, the store being {name}",
        )
    scene.wait(
        lambda: not refused & scene.waiting_letters(), f"them to be recorded after it was {name}"
    )
