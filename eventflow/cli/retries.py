"""`eventflow retries`: what waits for its next attempt, and until when."""

from typing import TYPE_CHECKING

import click

from eventflow.cli.listing import Column, page_of, paging, show_listing
from eventflow.cli.output import json_option
from eventflow.cli.times import moment
from eventflow.events import split_delivery_id, split_ledger_id
from eventflow.units import format_time, system_clock

if TYPE_CHECKING:
    from eventflow.delivery import DeliveryState

__all__ = ["retries"]

_MOST = 10_000  # of each target that are looked at, the soonest due
_MOST_ERROR = 80  # characters of an error in a row


@click.group()
def retries() -> None:
    """See the deliveries that wait for their next attempt."""


@retries.command("list")
@click.option("--target", help="Only this target's.")
@click.option("--event", "event_id", metavar="ID", help="Only those of this event.")
@click.option("--error", help="Only those whose error contains this, in any case.")
@click.option("--bus", default="default", show_default=True, help="The bus.")
@paging(most=_MOST)
@json_option
def list_retries(
    *,
    target: str | None,
    event_id: str | None,
    error: str | None,
    bus: str,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List deliveries that failed and will be tried again, soonest first.

    Of each target, the 10,000 that are due first are looked at.
    """
    from eventflow.delivery import Ledgers  # noqa: PLC0415 - `--help` need not pay for Redis
    from eventflow.settings import load_settings  # noqa: PLC0415

    ledger = Ledgers(load_settings()).of(bus)
    known = sorted(ledger.targets())
    if target is not None and target not in known:
        message = f"no target {target!r}; known are: {', '.join(known) or 'none yet'}"
        raise click.UsageError(message)
    names = [target] if target is not None else known
    is_first = after is None and event_id is None and error is None
    most = limit + 1 if is_first else _MOST  # what is left out, or shown before, is read as well
    states = [state for name in names for state in ledger.waiting(name, most)]
    fitting = [state for state in states if _fits(state, event_id, error)]
    fitting.sort(key=lambda state: (state.due_at, state.delivery_id))
    now = system_clock()
    show_listing(
        # Read from an iterator, since how many there are is known only where all were read.
        page_of(iter(fitting), cursor=lambda state: state.delivery_id, limit=limit, after=after),
        [
            Column["DeliveryState"]("delivery", lambda state: state.delivery_id),
            Column["DeliveryState"]("target", lambda state: state.target),
            Column["DeliveryState"]("#attempts", lambda state: state.attempts),
            Column["DeliveryState"]("due", lambda state: moment(state.due_at, now)),
            Column["DeliveryState"]("last error", _error_of, most=_MOST_ERROR),
        ],
        document=_document,
        as_json=as_json,
        empty="Nothing waits for another attempt.",
    )


def _fits(state: "DeliveryState", event_id: str | None, error: str | None) -> bool:
    if event_id is not None:
        identity, _ = split_delivery_id(state.delivery_id)
        if event_id not in (identity, split_ledger_id(identity)[0]):
            return False
    return error is None or error.casefold() in _error_of(state).casefold()


def _error_of(state: "DeliveryState") -> str:
    return f"{state.error_type}: {state.error}"


def _document(state: "DeliveryState") -> dict[str, object]:
    return {
        "delivery_id": state.delivery_id,
        "target": state.target,
        "attempts": state.attempts,
        "due_at": format_time(state.due_at),
        "error_type": state.error_type,
        "error": state.error,
    }
