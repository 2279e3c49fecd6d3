"""Following an event: new lines of its timeline as they come, until all of it is final."""

import time
from collections.abc import Callable

import click

from eventflow.cli.output import say, visible
from eventflow.cli.trace_entries import entry_document, entry_line, stamp
from eventflow.cli.trace_json import print_line, story_document
from eventflow.cli.trace_lines import delivery_line, entries_of, summary_of
from eventflow.settings import Settings
from eventflow.story.story import DeliveryStory, Fate, Story

__all__ = ["EVERY", "Following"]

EVERY = 0.5
"""Seconds between two looks."""

_WIDTH = 24  # of the column of targets; what comes later is not known yet


class Following:
    """Prints what is new in a story, each time that it is told again.

    Args:
        story: As it was told first.
        settings: Have Flower's address.
        as_json: Whether to print an object a line.
    """

    def __init__(self, story: Story, settings: Settings, *, as_json: bool) -> None:
        self._settings = settings
        self._as_json = as_json
        self._start = min((entry.at for entry in entries_of(story)), default=story.now)
        self._seen: set[str] = set()
        self._states: set[tuple[str, Fate, int, int]] = set()

    def run(self, story: Story, tell: Callable[[], Story]) -> None:
        """Print what comes until all is final.

        Args:
            story: As it was told first.
            tell: Tells it again.
        """
        self._show(story)
        while not story.is_final:
            time.sleep(EVERY)
            story = tell()
            self._show(story)
        if self._as_json:
            print_line({"story": story_document(story, self._settings)})
        else:
            say(f"All of it is final: {summary_of(story)}.")

    def _show(self, story: Story) -> None:
        entries = entries_of(story)
        for entry in entries:
            if entry.id in self._seen:
                continue
            self._seen.add(entry.id)
            if self._as_json:
                print_line({"entry": entry_document(entry)})
            else:
                click.echo(entry_line(entry, self._start, _WIDTH, story.now))
        if not self._as_json:
            for run in story.runs:
                for delivery in run.deliveries:
                    self._show_state(delivery, story.now, has_journal=bool(entries))

    def _show_state(self, delivery: DeliveryStory, now: float, *, has_journal: bool) -> None:
        """Say what no entry says: the journal notes how an attempt went, and not that it began."""
        state = (delivery.delivery_id, delivery.fate, delivery.redrives, delivery.attempts)
        is_running = delivery.fate is Fate.RUNNING
        if state in self._states or (has_journal and not is_running):
            return
        self._states.add(state)
        line = f"{stamp(now)}  {'':>6}  {delivery.target:<{_WIDTH}}"
        what = f"attempt {delivery.attempts} runs" if is_running else delivery_line(delivery, now)
        click.echo(visible(f"{line}  {what}"))
