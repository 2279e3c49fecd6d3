"""Following an event: what is printed of each telling of its story."""

import json

import pytest

from eventflow.cli import trace_follow
from eventflow.cli.trace_follow import Following
from eventflow.journal import JournalEntry, Step
from eventflow.settings import load_settings
from eventflow.story.story import DeliveryStory, Fate, Run, Story

NOW = 1_764_000_000.0
ACCEPTED = JournalEntry("1", "default", Step.ACCEPTED, NOW, "e1")
DONE = JournalEntry("2", "default", Step.ATTEMPT, NOW + 1, "e1", "", "vendor", 1, "done")


def story_of(fate: Fate, *entries: JournalEntry, attempts: int = 1) -> Story:
    """Tell the story of one delivery."""
    delivery = DeliveryStory(
        delivery_id="e1:vendor",
        target="vendor",
        fate=fate,
        at=NOW + 1,
        attempts=attempts,
        entries=tuple(entry for entry in entries if entry.target),
    )
    own = tuple(entry for entry in entries if not entry.target)
    run = Run(replay_name="", is_routed=True, deliveries=(delivery,), entries=own)
    return Story(
        event_id="e1", bus="default", source="", type="", time="", now=NOW + 1, runs=(run,), away={}
    )


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_follow, "EVERY", 0.0)


def follow(*stories: Story, as_json: bool = False) -> None:
    """Follow an event whose story is told so, one time after the other."""
    told = iter(stories[1:])
    following = Following(stories[0], load_settings(), as_json=as_json)
    following.run(stories[0], lambda: next(told))


def test_each_step_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    """And that an attempt runs, which no entry says; until all is final."""
    follow(
        story_of(Fate.QUEUED, ACCEPTED, attempts=0),
        story_of(Fate.RUNNING, ACCEPTED),
        story_of(Fate.RUNNING, ACCEPTED),
        story_of(Fate.DELIVERED, ACCEPTED, DONE),
    )
    said = capsys.readouterr()
    lines = [line.split(maxsplit=2)[2] for line in said.out.splitlines()]
    assert [" ".join(line.split()) for line in lines] == [
        "+0ms event accepted",
        "vendor attempt 1 runs",
        "+1s vendor attempt 1 succeeded",
    ]
    assert said.err == "All of it is final: 1 delivery: 1 delivered.\n"


def test_without_a_journal_states_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Each change of where a delivery is, once."""
    follow(
        story_of(Fate.QUEUED, attempts=0),
        story_of(Fate.QUEUED, attempts=0),
        story_of(Fate.RUNNING),
        story_of(Fate.WAITING),
        story_of(Fate.FINISHED, attempts=2),
    )
    said = capsys.readouterr().out.splitlines()
    assert [line.split("vendor")[1].split()[0] for line in said] == [
        "queued",
        "attempt",
        "waits",
        "delivered:",
    ]


def test_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """An object a line: each step, and the whole story at the end."""
    follow(story_of(Fate.RUNNING, ACCEPTED), story_of(Fate.DELIVERED, ACCEPTED, DONE), as_json=True)
    said = capsys.readouterr()
    first, second, last = (json.loads(line) for line in said.out.splitlines())
    assert (first["entry"]["step"], second["entry"]["outcome"]) == ("accepted", "done")
    assert (last["story"]["event_id"], last["story"]["final"], said.err) == ("e1", True, "")
