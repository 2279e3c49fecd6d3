"""`eventflow retries`: what waits for its next attempt, and until when."""

import time

import click

from eventflow.cli.output import json_option, print_json, print_table, say, visible
from eventflow.units import format_duration, format_time

__all__ = ["retries"]


@click.group()
def retries() -> None:
    """See the deliveries that wait for their next attempt."""


@retries.command("list")
@click.option("--target", help="Only this target's.")
@click.option("--bus", default="default", show_default=True, help="The bus.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="At most."
)
@json_option
def list_retries(target: str | None, bus: str, limit: int, *, as_json: bool) -> None:
    """List deliveries that failed and will be tried again, soonest first."""
    from eventflow.delivery import Ledgers  # noqa: PLC0415 - `--help` need not pay for Redis
    from eventflow.settings import load_settings  # noqa: PLC0415

    ledger = Ledgers(load_settings()).of(bus)
    known = sorted(ledger.targets())
    if target is not None and target not in known:
        message = f"no target {target!r}; known are: {', '.join(known) or 'none yet'}"
        raise click.UsageError(message)
    names = [target] if target is not None else known
    states = [state for name in names for state in ledger.waiting(name, limit)]
    states = sorted(states, key=lambda state: state.due_at)[:limit]
    if as_json:
        print_json(
            [
                {
                    "delivery_id": state.delivery_id,
                    "target": state.target,
                    "attempts": state.attempts,
                    "due_at": format_time(state.due_at),
                    "error_type": state.error_type,
                    "error": state.error,
                }
                for state in states
            ]
        )
        return
    if not states:
        say("Nothing waits for another attempt.")
        return
    now = time.time()
    print_table(
        ["delivery", "target", "#attempts", "due", "last error"],
        [
            [
                state.delivery_id,
                state.target,
                state.attempts,
                f"in {format_duration(max(0.0, round(state.due_at - now, 1)))}",
                visible(f"{state.error_type}: {state.error}")[:80],
            ]
            for state in states
        ],
    )
