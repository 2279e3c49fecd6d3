"""How an event's story is told: each step in words, each delivery in a line."""

from typing import Any

import pytest

from eventflow.cli.flower import flower_link
from eventflow.cli.trace_entries import describe_entry, entry_document, entry_line
from eventflow.cli.trace_lines import delivery_line, story_lines, summary_of
from eventflow.delivery.sights import Place
from eventflow.errors import SettingsError
from eventflow.journal import JournalEntry, Step
from eventflow.settings import load_settings
from eventflow.store import ArchivedSummary
from eventflow.story.evidence import Body
from eventflow.story.story import DeliveryStory, Fate, RuleChange, Run, Story

NOW = 1_764_000_000.0


def entry(step: Step, **fields: Any) -> JournalEntry:
    """Return an entry of now."""
    return JournalEntry("1", "default", step, NOW, "e1", **fields)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (entry(Step.ACCEPTED), "accepted"),
        (entry(Step.DUPLICATE), "published again with the same id: passed over"),
        (
            entry(Step.MATCHED, facts={"targets": {"b": ["two", "one"], "a": ["one"]}}),
            "routed by two, one to b, a",
        ),
        (entry(Step.MATCHED, facts={"targets": {}}), "routed: no rule matched"),
        (
            entry(Step.UNROUTABLE, facts={"reason": "input"}, error_type="E", error="no $.x"),
            "cannot be delivered (input): E: no $.x",
        ),
        (
            entry(Step.QUEUED, facts={"why": "due"}),
            "its time has come, and it is queued again",
        ),
        (entry(Step.QUEUED, facts={"why": "free"}), "it may go on, and is queued again"),
        (
            entry(Step.QUEUED, facts={"why": "sent again"}),
            "its message was lost, and is sent again",
        ),
        (entry(Step.QUEUED, facts={"why": "of tomorrow"}), "queued again"),
        (entry(Step.PARKED, facts={"by": "rate"}), "held back: the rate is used up"),
        (entry(Step.PARKED, facts={"by": "paused"}), "held back: its target is paused"),
        (entry(Step.PARKED), "held back: its target may not be called now"),
        (
            entry(Step.LOST, facts={"why": "lease"}),
            "lost: its worker did not come back in time",
        ),
        (
            entry(Step.LOST, facts={"why": "worker"}, error="signal 9"),
            "lost: its worker ended: signal 9",
        ),
        (entry(Step.LOST, facts={"why": "router"}), "lost: its router ended"),
        (entry(Step.REDRIVEN, facts={"redrives": 2}), "sent again: redrive 2"),
        (
            entry(Step.ATTEMPT, attempt=2, outcome="done", duration=0.04),
            "attempt 2 succeeded in 40ms",
        ),
        (
            entry(
                Step.ATTEMPT,
                attempt=1,
                outcome="retry",
                due_at=NOW + 90,
                error_type="E",
                error="a\nb",
            ),
            "attempt 1 failed: E: a b; due again 2025-11-24 16:01:30Z (in 1m)",
        ),
        (
            entry(
                Step.ATTEMPT, attempt=3, outcome="dead", duration=2.5, facts={"reason": "refused"}
            ),
            "attempt 3 was the last after 2s; dead letter (refused)",
        ),
        (
            entry(Step.ATTEMPT, attempt=3, outcome="release"),
            "attempt 3 was given back untried",
        ),
        (
            entry(Step.ATTEMPT, attempt=1, outcome="done", facts={"breaker": "closed"}),
            "attempt 1 succeeded; the circuit breaker closed",
        ),
    ],
)
def test_each_step_is_a_sentence(told: JournalEntry, expected: str) -> None:
    """Whatever the facts are, of a newer version too."""
    assert describe_entry(told, NOW) == expected


def test_every_step_has_its_words() -> None:
    """A step that nobody wrote words for would be shown by its code's name."""
    for step in Step:
        assert step.value == "accepted" or describe_entry(entry(step), NOW) != step.value


def test_a_line_of_the_timeline() -> None:
    """When, how long after the beginning, whose, and what; control characters are shown."""
    told = entry(Step.LOST, target="vendor", replay_name="again", error="\x1b[31m")
    assert entry_line(told, NOW - 0.25, 24, NOW) == (
        "2025-11-24 16:00:00.000Z  +250ms  vendor (replay again)     "
        "lost: it never came back: \\x1b[31m"
    )


def test_an_entry_for_programs() -> None:
    """Times are RFC 3339, and what an entry has not is null."""
    told = entry_document(entry(Step.ATTEMPT, target="v", attempt=1, outcome="done"))
    assert told == {
        "id": "1",
        "at": "2025-11-24T16:00:00.000Z",
        "step": "attempt",
        "replay": None,
        "target": "v",
        "attempt": 1,
        "outcome": "done",
        "duration": None,
        "due_at": None,
        "error_type": None,
        "error": None,
        "facts": {},
    }


def delivery(fate: Fate, **fields: Any) -> DeliveryStory:
    """Return the story of a delivery."""
    return DeliveryStory(
        **{"delivery_id": "e1:vendor", "target": "vendor", "fate": fate, "at": NOW, **fields}
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (delivery(Fate.DELIVERED, attempts=1), "delivered 2025-11-24 16:00:00Z (just now)"),
        (
            delivery(Fate.DELIVERED, attempts=3, redrives=1),
            "delivered by attempt 3 2025-11-24 16:00:00Z (just now), redriven once",
        ),
        (
            delivery(Fate.DEAD, attempts=1, reason="refused", error="Refuse: no", redrives=2),
            (
                "dead letter (refused) after 1 attempt 2025-11-24 16:00:00Z (just now), "
                "redriven 2 times; last error: Refuse: no"
            ),
        ),
        (
            delivery(Fate.WAITING, at=NOW + 90, attempts=1, error="E: a\nb"),
            "waits for attempt 2 until 2025-11-24 16:01:30Z (in 1m); last error: E: a b",
        ),
        (
            delivery(Fate.RUNNING, at=NOW + 9, attempts=1),
            "attempt 1 runs, or ended with its worker: leased until 2025-11-24 16:00:09Z (in 9s)",
        ),
        (delivery(Fate.QUEUED), "queued for a worker since 2025-11-24 16:00:00Z (just now)"),
        (delivery(Fate.PARKED, held_why="it is so"), "held back: it is so"),
        (delivery(Fate.PARKED), "held back"),
    ],
)
def test_a_delivery_in_a_line(told: DeliveryStory, expected: str) -> None:
    """What became of it or what it waits for, how often it was redriven, the last error."""
    assert delivery_line(told, NOW) == expected


@pytest.mark.parametrize("fate", Fate)
def test_every_fate_has_its_words(fate: Fate) -> None:
    """And a word for the summary."""
    assert delivery_line(delivery(fate), NOW)
    story = story_of(Run(replay_name="", is_routed=True, deliveries=(delivery(fate),)))
    assert summary_of(story).startswith("1 delivery: 1 ")


def story_of(*runs: Run, **fields: Any) -> Story:
    """Return a story."""
    values = {"event_id": "e1", "bus": "default", "source": "", "type": "", "time": "", "away": {}}
    return Story(**{**values, "now": NOW, "runs": runs, **fields})


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (Run(replay_name="", is_routed=False, place=Place.QUEUED), "waiting for a router"),
        (
            Run(replay_name="", is_routed=False, place=Place.RUNNING, attempts=2),
            "with a router, 2 attempts so far",
        ),
        (Run(replay_name="", is_routed=True), "routed: no rule matched"),
        (Run(replay_name=""), "nothing is known of its deliveries"),
        (
            Run(
                replay_name="again",
                is_routed=True,
                deliveries=(
                    delivery(Fate.DELIVERED),
                    delivery(Fate.FINISHED),
                    delivery(Fate.DEAD),
                ),
            ),
            "replay again: 3 deliveries: 2 delivered, 1 dead",
        ),
    ],
)
def test_where_an_event_is(run: Run, expected: str) -> None:
    """In a few words, for the first time and for each replay."""
    assert summary_of(story_of(run)) == expected


def said(story: Story) -> str:
    """Return a story as people read it."""
    return "\n".join(story_lines(story, load_settings(), all_rules=False))


def test_what_is_missing_is_said() -> None:
    """Content that is gone, places that did not answer, entries that were dropped."""
    told = said(
        story_of(
            Run(replay_name=""),
            away={"ledger": "the ledger does not answer"},
            dropped=1200,
            rules_fault="the rules have 2 faults",
        )
    )
    assert "content   nowhere any more, so no rule can be asked about it; `archives` in" in told
    assert "note      the ledger could not be asked: the ledger does not answer" in told
    assert "note      1,200 journal entries of this bus were dropped" in told
    assert "rules     cannot be asked: the rules have 2 faults" in told
    assert "EVENTFLOW_JOURNAL_RETENTION" in said(story_of(Run(replay_name="")))


def test_what_is_known_is_said() -> None:
    """The archive and until when, and how the rules have changed since."""
    archived = ArchivedSummary(
        event_id="e1",
        bus="default",
        source="s",
        type="T",
        accepted_at=NOW,
        archives=("all", "sales"),
        kept_until=NOW + 90,
    )
    told = said(
        story_of(
            Run(replay_name="", accepted_at=NOW, is_routed=True),
            source="s",
            type="T",
            time="then",
            body=Body({"id": "e1", "traceparent": "00-1-2-01"}, "archive"),
            archived=archived,
            answers=(),
            change=RuleChange(("new",), ("old",)),
        )
    ).splitlines()
    for line in [
        "event     e1: T from s",
        "accepted  2025-11-24 16:00:00Z (just now)",
        "its time  then",
        "trace     00-1-2-01",
        "content   read from the archive",
        "archived  by all, sales, until 2025-11-24 16:01:30Z (in 1m)",
        "  none of 0 matches",
        "  changed   since it was routed: new did not match then",
        "  changed   since it was routed: old matched then",
    ]:
        assert line in told


@pytest.mark.parametrize(
    ("url", "identity", "expected"),
    [
        ("", "e1:vendor", ""),
        ("http://flower:5555", "e1:vendor", "http://flower:5555/task/e1%3Avendor"),
        ("https://f.example/ops/", "a/b c:v", "https://f.example/ops/task/a%2Fb%20c%3Av"),
    ],
)
def test_a_link_to_flower(url: str, identity: str, expected: str) -> None:
    """To the task of the delivery's id, below whatever path Flower is at; none where none is set."""
    assert flower_link(load_settings(flower_url=url), identity) == expected


@pytest.mark.parametrize("url", ["flower:5555", "ftp://flower", "http://", "http://a:b@flower"])
def test_a_wrong_address_of_flower(url: str) -> None:
    """It is refused at start; with a password, too, since links are shown."""
    with pytest.raises(SettingsError, match="EVENTFLOW_FLOWER_URL"):
        load_settings(flower_url=url)
