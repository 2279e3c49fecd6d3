"""The store is away and its recorder is killed, under load: all goes on, and all is archived once."""

from collections import Counter
from pathlib import Path
from typing import Self

from eventflow.delivery.keys import Keys
from eventflow.rules import ARCHIVE
from eventflow.store import ArchiveFilter, ArchiveStore, open_engine
from tests.deployment import Deployment, deployed
from tests.faults.load import Load
from tests.faults.store_faults import store_of

RULES = """
    targets:
      audit: {task: project.audit}
    rules:
      all: {pattern: {source: [load]}, targets: [audit]}
    archives:
      everything: {pattern: {source: [load]}, retention: 90d}
      numbers: {pattern: {detail: {number: [{numeric: [">=", 0]}]}}, retention: forever}
"""

PROJECT = """
    @flow.subscriber("audit")
    def audit(event: Event, delivery: Delivery):
        note(delivery)
"""

RECORDER = ["eventflow.dead-letters", "eventflow.archive"]
WHILE_AWAY = 40
"""Events that are delivered while the store is away."""


class Recording:
    """A deployment whose archive is looked into.

    Args:
        deployment: Its processes and servers.
    """

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._engine = open_engine(deployment.settings.store_url)
        self.store = ArchiveStore(self._engine)
        self._client = deployment.client()
        self._keys = Keys("default")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def waiting(self) -> int:
        """Count the events that are on their way to the archive."""
        keys = self._keys
        names = (keys.queued, keys.running, keys.waiting, keys.parked)
        return sum(self._client.zcard(name(ARCHIVE)) for name in names)

    def delivered(self) -> int:
        """Count what the subscriber got."""
        return len(self.deployment.noted())

    def letters(self) -> int:
        """Count the dead letters."""
        return self._client.hlen(self._keys.dead_letters)

    def kill_recorder(self) -> None:
        """Kill it with SIGKILL, and start it again."""
        self.deployment.kill("recorder")
        self.deployment.start("recorder", RECORDER)

    def archived(self) -> Counter[str]:
        """Count each event in the archive, page by page."""
        found: Counter[str] = Counter()
        cursor = None
        while page := self.store.read(ArchiveFilter(bus="default"), after=cursor, limit=100):
            found.update(event.event_id for event in page)
            cursor = page[-1].cursor
        return found


def test_all_is_archived_once(tmp_path: Path) -> None:
    """The store goes, and the recorder is killed without it and in the midst of its work."""
    with (
        store_of("postgresql") as store,
        deployed(tmp_path, project=PROJECT, rules=RULES, database_url=store.url) as deployment,
        Recording(deployment) as scene,
    ):
        deployment.start("router", ["eventflow.route"])
        deployment.start("worker", ["audit"])
        deployment.start("recorder", RECORDER)
        deployment.await_ready()
        load = Load(deployment.flow, lambda: 0, rate=60)
        load.start()
        deployment.wait(lambda: scene.store.count() > 0, "the first event to be archived")
        with store.faults()["stopped"]:
            before = scene.delivered()
            deployment.wait(
                lambda: scene.delivered() > before + WHILE_AWAY, "deliveries without a store"
            )
            assert scene.waiting() >= WHILE_AWAY
            scene.kill_recorder()
            deployment.await_ready("recorder")
        enough = scene.store.count() + 1
        deployment.wait(lambda: scene.store.count() >= enough, "archiving to go on")
        scene.kill_recorder()
        load.stop()
        deployment.settle()
        found = scene.archived()
        assert set(load.accepted) == set(found)
        assert {1} == set(found.values())
        assert 0 == scene.waiting()
        assert not scene.letters()
