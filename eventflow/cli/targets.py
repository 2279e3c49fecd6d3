"""`eventflow targets`: how each target does, and its circuit breaker by hand."""

from typing import Any

import click

from eventflow.cli.listing import Column, page_of, paging, show_listing
from eventflow.cli.output import json_option, say, visible
from eventflow.delivery import BreakerState, BreakerStatus, Ledger, Ledgers, TargetStatus
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.units import format_duration, format_time, parse_duration, system_clock

__all__ = ["targets"]

_bus_option = click.option("--bus", default="default", show_default=True, help="The bus.")


class _Duration(click.ParamType[float]):
    """A duration such as 10m."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return it in seconds."""
        try:
            return float(parse_duration(value)) if isinstance(value, str) else float(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(invoke_without_command=True)
@_bus_option
@json_option
@click.pass_context
def targets(context: click.Context, bus: str, *, as_json: bool) -> None:
    """See the targets; open and close their circuit breakers.

    Without a command, lists them.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_targets, bus=bus, as_json=as_json)


@targets.command("list")
@click.option("--integration", help="Only this integration's.")
@click.option("--owner", help="Only this owner's.")
@click.option(
    "--breaker",
    type=click.Choice([state.value for state in BreakerState]),
    help="Only those whose circuit breaker is in this state.",
)
@_bus_option
@paging()
@json_option
def list_targets(
    *,
    integration: str | None,
    owner: str | None,
    breaker: str | None,
    bus: str,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List each target's deliveries, limits and breaker."""
    ledger = Ledgers(load_settings()).of(bus)
    known = _known(ledger)
    names = [
        name
        for name, target in sorted(known.items())
        if integration in (None, target.integration) and owner in (None, target.owner)
    ]
    breakers = ledger.breakers(names)
    names = [name for name in names if breaker in (None, breakers[name].state.value)]
    page = page_of(names, cursor=str, limit=limit, after=after)
    counts = ledger.status(page.items)
    show_listing(
        page,
        [
            Column[str]("target", str),
            Column[str]("breaker", lambda name: breakers[name].state.value.replace("_", " ")),
            Column[str]("#queued", lambda name: counts[name].queued),
            Column[str]("#running", lambda name: counts[name].running),
            Column[str]("#waiting", lambda name: counts[name].waiting),
            Column[str]("#parked", lambda name: counts[name].parked),
            Column[str]("#delivered", lambda name: counts[name].delivered),
            Column[str]("#dead", lambda name: counts[name].dead),
            Column[str]("limits", lambda name: _limits(known[name])),
        ],
        document=lambda name: _document(known[name], counts[name], breakers[name]),
        as_json=as_json,
        empty="No target is like that."
        if known
        else "No targets are known yet: a router announces them when it starts.",
    )
    for name in () if as_json else page.items:
        if breakers[name].state is not BreakerState.CLOSED:
            say(f"{name}: {visible(_story(breakers[name]))}", style="yellow")


@targets.command("open")
@click.argument("target")
@click.option(
    "--for", "seconds", type=_Duration(), help="How long, such as 10m; until closed if missing."
)
@click.option("--reason", default="", help="Shown wherever the breaker is.")
@_bus_option
def open_target(target: str, seconds: float | None, reason: str, bus: str) -> None:
    """Open a target's circuit breaker by hand.

    Its deliveries are parked, and nothing is lost. After its time, if one is said, deliveries are let through one at a time as probes. What is
    parked ages: a delivery older than its policy allows becomes a dead letter.
    """
    ledger = Ledgers(load_settings()).of(bus)
    _check(target, _known(ledger))
    ledger.open_breaker(target, seconds=seconds, reason=reason)
    until = f"for {format_duration(seconds)}" if seconds is not None else "until it is closed"
    say(f"The circuit breaker of {target} is open {until}: its deliveries are parked.")


@targets.command("close")
@click.argument("target")
@_bus_option
def close_target(target: str, bus: str) -> None:
    """Close a target's circuit breaker.

    What is parked goes on, as its limits allow.
    """
    ledger = Ledgers(load_settings()).of(bus)
    _check(target, _known(ledger))
    was_open = ledger.close_breaker(target)
    say(
        f"The circuit breaker of {target} is closed: its deliveries go on."
        if was_open
        else f"The circuit breaker of {target} was closed already."
    )


def _known(ledger: Ledger) -> dict[str, Target]:
    announced = ledger.targets()
    return {name: Target.model_validate_json(text) for name, text in announced.items()}


def _check(target: str, known: dict[str, Target]) -> None:
    if target not in known:
        message = f"no target {target!r}; known are: {', '.join(sorted(known)) or 'none yet'}"
        raise click.UsageError(message)


def _limits(target: Target) -> str:
    parts = []
    if target.rate_limit is not None:
        parts.append(str(target.rate_limit))
    if target.max_in_flight is not None:
        parts.append(f"{target.max_in_flight} in flight")
    return ", ".join(parts)


def _story(status: BreakerStatus) -> str:
    """Say why a breaker is not closed, and what comes next."""
    if status.calls:
        why = f"opened by itself, {status.failed} of {status.calls} calls failed ({status.error})"
    else:
        why = f"opened by hand{f' ({status.reason})' if status.reason else ''}"
    if status.state is BreakerState.HALF_OPEN:
        return f"{why}; deliveries are let through one at a time"
    if not status.until:
        return f"{why}; `eventflow targets close` closes it"
    left = max(0.0, round(status.until - system_clock(), 1))
    return f"{why}; a probe is let through in {format_duration(left)}"


def _document(target: Target, count: TargetStatus, breaker: BreakerStatus) -> dict[str, object]:
    return {
        "target": target.name,
        "queue": target.queue,
        "integration": target.integration,
        "owner": target.owner,
        "breaker": breaker.state.value,
        "since": format_time(breaker.since) if breaker.since else None,
        "until": format_time(breaker.until) if breaker.until else None,
        "calls": breaker.calls,
        "failed": breaker.failed,
        "error": breaker.error,
        "reason": breaker.reason,
        "queued": count.queued,
        "running": count.running,
        "waiting": count.waiting,
        "parked": count.parked,
        "delivered": count.delivered,
        "retried": count.retried,
        "dead": count.dead,
        "rate_limit": str(target.rate_limit) if target.rate_limit is not None else None,
        "max_in_flight": target.max_in_flight,
    }
