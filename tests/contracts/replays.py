"""What every database must do as a store of replays; a test class gives the fixture `replays`."""

from typing import Any

import pytest

from eventflow.errors import StoreError
from eventflow.store.replay_records import (
    PATIENCE,
    ReplayFilter,
    ReplayProgress,
    ReplayState,
    StoredReplay,
)
from eventflow.store.replays import ReplayStore

NOW = 2_000.0
FAR = ReplayProgress(1_500.25, "e:ü", 1_000, 300, 20, "waits for the routers")


def replay_of(name: str = "again", **changes: Any) -> StoredReplay:
    """Return a replay that runs."""
    values: dict[str, Any] = {
        "name": name,
        "bus": "default",
        "arguments": {"since": 0.5, "rules": ["unlock"], "pattern": {"source": ["ü"]}},
        "owner": "host:1",
        "started_by": "ada",
        "started_at": NOW - 10,
        "updated_at": NOW - 1,
    }
    return StoredReplay(**(values | changes))


class ReplayStoreContract:
    """The promises of `ReplayStore`."""

    def test_a_replay_is_read_as_it_was_written(self, replays: ReplayStore) -> None:
        """Every field comes back."""
        replay = replay_of(progress=FAR, state=ReplayState.FAILED, ended_at=NOW)
        replays.create(replay)
        assert replay == replays.get("again")

    def test_a_name_is_given_once(self, replays: ReplayStore) -> None:
        """A second replay of a name is refused, whatever became of the first."""
        replays.create(replay_of(state=ReplayState.COMPLETED))
        with pytest.raises(StoreError, match="there is a replay 'again' already"):
            replays.create(replay_of())

    def test_an_unknown_name_is_said(self, replays: ReplayStore) -> None:
        """Each call that names no replay says so."""
        for call in (
            lambda: replays.get("none"),
            lambda: replays.cancel("none", NOW),
            lambda: replays.take("none", "host:2", NOW),
        ):
            with pytest.raises(StoreError, match="there is no replay 'none'"):
                call()

    def test_the_owner_advances(self, replays: ReplayStore) -> None:
        """How far it is, and that it lives, is written by its owner alone."""
        replays.create(replay_of())
        assert not replays.advance("again", "host:2", FAR, NOW)
        assert ReplayProgress() == replays.get("again").progress
        assert replays.advance("again", "host:1", FAR, NOW)
        assert (FAR, NOW) == (replays.get("again").progress, replays.get("again").updated_at)

    def test_a_running_replay_is_not_taken(self, replays: ReplayStore) -> None:
        """While its process is heard of, no other one runs it; once that is silent, one may."""
        replays.create(replay_of())
        with pytest.raises(StoreError, match="is run by host:1, heard of 1 s ago"):
            replays.take("again", "host:2", NOW)
        taken = replays.take("again", "host:2", NOW + PATIENCE)
        assert ("host:2", NOW + PATIENCE) == (taken.owner, taken.updated_at)
        assert not replays.advance("again", "host:1", FAR, NOW + PATIENCE)
        assert not replays.end("again", "host:1", ReplayState.COMPLETED, FAR, NOW + PATIENCE)
        with pytest.raises(StoreError, match="is run by host:2"):
            replays.take("again", "host:3", NOW + PATIENCE)

    def test_a_process_that_is_known_to_be_dead_is_not_waited_for(
        self, replays: ReplayStore
    ) -> None:
        """Without patience its replay is taken at once."""
        replays.create(replay_of(updated_at=NOW))
        assert "host:2" == replays.take("again", "host:2", NOW, patience=-PATIENCE).owner

    @pytest.mark.parametrize("state", [ReplayState.INTERRUPTED, ReplayState.FAILED])
    def test_what_ended_early_is_resumed(self, replays: ReplayStore, state: ReplayState) -> None:
        """It goes on where it ended, as running."""
        replays.create(replay_of())
        assert replays.end("again", "host:1", state, FAR, NOW)
        assert (state, NOW) == (replays.get("again").state, replays.get("again").ended_at)
        taken = replays.take("again", "host:2", NOW)
        assert (ReplayState.RUNNING, 0.0) == (taken.state, taken.ended_at)
        assert (FAR.cursor_at, FAR.cursor_id, "") == (
            taken.progress.cursor_at,
            taken.progress.cursor_id,
            taken.progress.note,
        )

    def test_a_cancelled_replay_stops(self, replays: ReplayStore) -> None:
        """Its owner learns it at the next step, and nobody resumes it."""
        replays.create(replay_of())
        assert replays.cancel("again", NOW)
        assert not replays.advance("again", "host:1", FAR, NOW)
        assert not replays.end("again", "host:1", ReplayState.COMPLETED, FAR, NOW)
        with pytest.raises(StoreError, match="is cancelled: start another one"):
            replays.take("again", "host:2", NOW + 2 * PATIENCE)
        assert not replays.cancel("again", NOW), "it is over"

    def test_replays_are_listed(self, replays: ReplayStore) -> None:
        """The newest first, in pages, by state as it is now."""
        for number in range(5):
            replays.create(replay_of(f"r{number}", started_at=NOW + number // 2))
        replays.end("r0", "host:1", ReplayState.COMPLETED, FAR, NOW)
        replays.create(replay_of("silent", bus="other", updated_at=NOW - PATIENCE - 1))

        def names(filters: ReplayFilter, **options: Any) -> list[str]:
            return [replay.name for replay in replays.list(filters, now=NOW, **options)]

        every = ReplayFilter()
        assert ["r4", "r3", "r2", "r1", "r0", "silent"] == names(every)
        first = replays.list(every, now=NOW, limit=2)
        assert ["r2", "r1"] == names(every, limit=2, after=first[-1].cursor)
        assert ["silent"] == names(ReplayFilter(states=[ReplayState.INTERRUPTED]))
        running = ReplayFilter(states=[ReplayState.RUNNING, ReplayState.COMPLETED], bus="default")
        assert ["r4", "r3", "r2", "r1", "r0"] == names(running)
        assert 5 == replays.count(running, now=NOW)
        assert ["r4"] == names(ReplayFilter(since=NOW + 2))
        assert ["r0"] == names(ReplayFilter(ended_before=NOW + 1))
        silent = replays.get("silent")
        assert ReplayState.INTERRUPTED is silent.state_at(NOW)
        assert ReplayState.RUNNING is replays.get("r1").state_at(NOW)
