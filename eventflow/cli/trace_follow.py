"""Following an event: new lines of its timeline as they come, until all of it is final."""

import time
from collections.abc import Callable

import click

from eventflow.cli.output import say, visible
from eventflow.cli.trace_entries import entry_document, entry_line, stamp
from eventflow.cli.trace_json import print_line, story_document
from eventflow.cli.trace_lines import entries_of, summary_of
from eventflow.settings import Settings
from eventflow.story.story import Fate, Story

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
        self._running: set[tuple[str, int, int]] = set()

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
        for entry in entries_of(story):
            if entry.id in self._seen:
                continue
            self._seen.add(entry.id)
            if self._as_json:
                print_line({"entry": entry_document(entry)})
            else:
                click.echo(entry_line(entry, self._start, _WIDTH, story.now))
        for run in story.runs:
            for delivery in run.deliveries:
                # The journal notes how an attempt went, and not that it began.
                mark = (delivery.delivery_id, delivery.redrives, delivery.attempts)
                if delivery.fate is not Fate.RUNNING or mark in self._running:
                    continue
                self._running.add(mark)
                if not self._as_json:
                    line = f"{stamp(story.now)}  {'':>6}  {delivery.target:<{_WIDTH}}"
                    click.echo(visible(f"{line}  attempt {delivery.attempts} runs"))
