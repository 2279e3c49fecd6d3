"""An event's story as JSON, for programs."""

import json

import click

from eventflow.cli.flower import event_link, flower_link
from eventflow.cli.rules_explain import answer_document
from eventflow.cli.times import iso
from eventflow.cli.trace_entries import entry_document
from eventflow.settings import Settings
from eventflow.story.found import Found
from eventflow.story.story import DeliveryStory, Run, Story

__all__ = ["found_document", "print_line", "story_document"]


def story_document(story: Story, settings: Settings) -> dict[str, object]:
    """Return what ``--json`` prints of a story.

    Args:
        story: The story.
        settings: Have Flower's address.
    """
    archived = story.archived
    return {
        "event_id": story.event_id,
        "bus": story.bus,
        "source": story.source or None,
        "type": story.type or None,
        "time": story.time or None,
        "final": story.is_final,
        "flower": event_link(settings, story.event_id) or None,
        "content": None if story.body is None else dict(story.body.event),
        "content_from": None if story.body is None else story.body.source,
        "archived": None
        if archived is None
        else {
            "archives": list(archived.archives),
            "accepted_at": iso(archived.accepted_at),
            "kept_until": None if archived.kept_until == float("inf") else iso(archived.kept_until),
        },
        "runs": [_run(run, settings) for run in story.runs],
        "rules": None
        if story.answers is None
        else [answer_document(answer) for answer in story.answers],
        "rules_fault": story.rules_fault or None,
        "rules_changed": {
            "gained": list(story.change.gained),
            "lost": list(story.change.lost),
        },
        "journal_dropped": story.dropped,
        "away": dict(story.away),
    }


def found_document(found: Found) -> dict[str, object]:
    """Return what ``--json`` prints of an event that was found."""
    return {
        "event_id": found.event_id,
        "bus": found.bus,
        "source": found.source or None,
        "type": found.type or None,
        "accepted_at": iso(found.accepted_at),
        "found_in": found.place,
    }


def print_line(value: object) -> None:
    """Print *value* as JSON on a line of its own, for programs that follow."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _run(run: Run, settings: Settings) -> dict[str, object]:
    return {
        "replay": run.replay_name or None,
        "accepted_at": iso(run.accepted_at),
        "routed": run.is_routed,
        "routing": run.place.value,
        "routing_attempts": run.attempts,
        "entries": [entry_document(entry) for entry in run.entries],
        "deliveries": [_delivery(delivery, settings) for delivery in run.deliveries],
    }


def _delivery(delivery: DeliveryStory, settings: Settings) -> dict[str, object]:
    return {
        "delivery_id": delivery.delivery_id,
        "target": delivery.target,
        "rules": list(delivery.rules),
        "state": delivery.fate.value,
        "at": iso(delivery.at),
        "final": delivery.is_final,
        "attempts": delivery.attempts,
        "held_by": delivery.held_by or None,
        "held_why": delivery.held_why or None,
        "reason": delivery.reason or None,
        "error": delivery.error or None,
        "dead_letter": delivery.letter_id or None,
        "redrives": delivery.redrives,
        "flower": flower_link(settings, delivery.delivery_id) or None,
        "entries": [entry_document(entry) for entry in delivery.entries],
    }
