"""The demo's account in words and as JSON, and the one dead letter that it shows."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from eventflow.cli.demo_account import Account
from eventflow.cli.output import print_table, visible
from eventflow.records import Reason
from eventflow.store import DeadLetterSummary

__all__ = ["Report"]

_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Report:
    """What the demo ends with.

    Attributes:
        account: The account.
        letter: The dead letter that is shown; None where nothing died.
        stopped: Events that did not fit their schemas, and what their producer was told.
        calls: How often the outside world was called.
        failed: How many of the calls failed.
        seconds: From the first event published to the last delivery settled.
        flower: Flower's address.
        data_dir: The run's data, as a person would type it.
        unwatched: Targets whose outside the demo cannot see.
        kept: Whether everything stays up.
    """

    account: Account
    letter: DeadLetterSummary | None
    calls: int
    failed: int
    seconds: float
    flower: str
    data_dir: Path
    unwatched: tuple[str, ...] = ()
    kept: bool = False
    stopped: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """Return all of it as JSON has it."""
        letter = self.letter
        shown = letter and {
            "id": letter.id,
            "target": letter.target,
            "reason": str(letter.reason),
            "error": letter.error,
            "redrive": self.command("redrive"),
        }
        return {
            **self.account.to_json(),
            "stopped": [{"id": id, "message": text} for id, text in self.stopped.items()],
            "calls": self.calls,
            "failed_calls": self.failed,
            "seconds": round(self.seconds, 1),
            "dead_letter": shown,
            "unwatched": list(self.unwatched),
            "flower": self.flower,
            "data_dir": str(self.data_dir),
        }

    def command(self, action: str) -> str:
        """Return the shell's command that does *action* with the dead letter that is shown."""
        identity = self.letter.id if self.letter is not None else ""
        return self._command(f"deadletters {action}", identity)

    def _command(self, words: str, identity: str) -> str:
        place = shlex.quote(str(self.data_dir))
        return f"EVENTFLOW_DATA_DIR={place} eventflow {words} {shlex.quote(identity)}"

    def print(self) -> None:
        """Print it for a person."""
        account = self.account
        click.echo(
            f"\nThe account of {account.events} events, taken outside, "
            f"{self.seconds:.1f} s after the first was published:\n"
        )
        names = ("expected", "delivered", "refused", "dead")
        rows = [
            [target, *(getattr(line, name) for name in names), _ms(line.p50_ms), _ms(line.p90_ms)]
            for target, line in account.targets.items()
        ]
        rows.append(["all", *(account.totals[name] for name in names), "", ""])
        print_table(["target", *(f"#{name}" for name in names), "#p50 ms", "#p90 ms"], rows)
        click.echo("")
        for line in self._findings():
            click.echo(line)
        if self.stopped:
            click.echo("")
            for line in self._stopped():
                click.echo(line)
        if self.letter is not None:
            click.echo("")
            for line in self._letter(self.letter):
                click.echo(line)
        click.echo(f"\nFlower: {self.flower}" + ("" if self.kept else " (while the demo runs)"))

    def _findings(self) -> Iterable[str]:
        account = self.account
        if account.balanced:
            yield (
                f"Balanced: each of {account.totals['expected']} deliveries was delivered, "
                "refused or dead-lettered; none is missing, none came twice."
            )
        for name, found in (
            ("missing", account.missing),
            ("came twice", account.twice),
            ("came unasked", account.unexpected),
        ):
            if found:
                more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
                yield f"NOT BALANCED, {name}: {', '.join(found[:_MOST_NAMED])}{more}"
        yield f"The outside world was called {self.calls} times; {self.failed} calls failed."
        if account.unmatched:
            yield f"Events that matched no rule: {account.unmatched}."
        if self.unwatched:
            yield f"Not in the account, since it cannot see them: {', '.join(self.unwatched)}."

    def _stopped(self) -> Iterable[str]:
        number = len(self.stopped)
        who = "A producer" if number == 1 else f"Producers {number} times"
        yield f"{who} broke a schema and was stopped, before anything left; publish() said:"
        for line in next(iter(self.stopped.values())).splitlines():
            yield f"  {visible(line)}"

    def _letter(self, letter: DeadLetterSummary) -> Iterable[str]:
        fate = "was refused" if letter.reason == Reason.REFUSED else f"died of {letter.reason}"
        yield f"A dead letter: a {letter.event_type} for {letter.target} {fate}:"
        yield f"  {visible(letter.error)}"
        yield f"Look at it:      {self.command('show')}"
        yield f"Its whole story: {self._command('trace', letter.event_id)}"
        yield f"Send it again:   {self.command('redrive')}"
        if not self.kept:
            yield "                 (while all is up: `eventflow demo --keep`)"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
