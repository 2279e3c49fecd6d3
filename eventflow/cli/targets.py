"""`eventflow targets`: how each target does, and its circuit breaker by hand."""

import click

from eventflow.cli.actor import record_audit
from eventflow.cli.listing import Column, page_of, paging, show_listing
from eventflow.cli.output import json_option, say, visible
from eventflow.cli.quantities import DURATION
from eventflow.cli.targets_options import bus_option, known_targets, ledger_with
from eventflow.cli.targets_start import start_target
from eventflow.cli.targets_steering import (
    balance,
    pause_story,
    pause_target,
    resume_target,
    settle_target,
)
from eventflow.delivery import BreakerState, BreakerStatus, Ledgers, Pause, TargetStatus
from eventflow.rules import Target
from eventflow.settings import load_settings
from eventflow.units import format_duration, format_time, system_clock

__all__ = ["targets"]


@click.group(invoke_without_command=True)
@bus_option
@json_option
@click.pass_context
def targets(context: click.Context, bus: str, *, as_json: bool) -> None:
    """See the targets; pause them, open and close their circuit breakers.

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
@click.option("--paused", is_flag=True, help="Only those that are paused.")
@bus_option
@paging()
@json_option
def list_targets(
    *,
    integration: str | None,
    owner: str | None,
    breaker: str | None,
    paused: bool,
    bus: str,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List each target's deliveries, limits and breaker."""
    ledger = Ledgers(load_settings()).of(bus)
    known = known_targets(ledger)
    names = [
        name
        for name, target in sorted(known.items())
        if integration in (None, target.integration) and owner in (None, target.owner)
    ]
    breakers, pauses = ledger.breakers(names), ledger.pauses(names)
    names = [
        name
        for name in names
        if breaker in (None, breakers[name].state.value) and (name in pauses or not paused)
    ]
    page = page_of(names, cursor=str, limit=limit, after=after)
    counts = ledger.status(page.items)
    show_listing(
        page,
        [
            Column[str]("target", str),
            Column[str]("breaker", lambda name: breakers[name].state.value.replace("_", " ")),
            Column[str]("paused", lambda name: "yes" if name in pauses else ""),
            Column[str]("#queued", lambda name: counts[name].queued),
            Column[str]("#running", lambda name: counts[name].running),
            Column[str]("#waiting", lambda name: counts[name].waiting),
            Column[str]("#parked", lambda name: counts[name].parked),
            Column[str]("#delivered", lambda name: counts[name].delivered),
            Column[str]("#dead", lambda name: counts[name].dead),
            Column[str]("limits", lambda name: _limits(known[name])),
        ],
        document=lambda name: _document(
            known[name], counts[name], breakers[name], pauses.get(name)
        ),
        as_json=as_json,
        empty="No target is like that."
        if known
        else "No targets are known yet: a router announces them when it starts.",
    )
    for name in () if as_json else page.items:
        if breakers[name].state is not BreakerState.CLOSED:
            say(f"{name}: {visible(_story(breakers[name]))}", style="yellow")
        if name in pauses:
            say(f"{name}: {visible(pause_story(pauses[name]))}", style="yellow")


@targets.command("open")
@click.argument("target")
@click.option(
    "--for", "seconds", type=DURATION, help="How long, such as 10m; until closed if missing."
)
@click.option("--reason", default="", help="Shown wherever the breaker is.")
@bus_option
def open_target(target: str, seconds: float | None, reason: str, bus: str) -> None:
    """Open a target's circuit breaker by hand.

    Its deliveries are parked, and nothing is lost. After its time, if one is said, deliveries are let through one at a time as probes. What is
    parked ages: a delivery older than its policy allows becomes a dead letter.
    """
    ledger = ledger_with(target, bus)
    ledger.open_breaker(target, seconds=seconds, reason=reason)
    facts = {"bus": bus, "reason": reason, "seconds": seconds}
    record_audit("targets open", target=target, facts=facts)
    until = f"for {format_duration(seconds)}" if seconds is not None else "until it is closed"
    say(f"The circuit breaker of {target} is open {until}: its deliveries are parked.")


@targets.command("close")
@click.argument("target")
@bus_option
def close_target(target: str, bus: str) -> None:
    """Close a target's circuit breaker.

    What is parked goes on, as its limits allow.
    """
    ledger = ledger_with(target, bus)
    was_open = ledger.close_breaker(target)
    if was_open:
        record_audit("targets close", target=target, facts={"bus": bus})
    say(
        f"The circuit breaker of {target} is closed: its deliveries go on."
        if was_open
        else f"The circuit breaker of {target} was closed already."
    )


for _command in (pause_target, resume_target, start_target, balance, settle_target):
    targets.add_command(_command)


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


def _document(
    target: Target, count: TargetStatus, breaker: BreakerStatus, pause: Pause | None
) -> dict[str, object]:
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
        "paused": pause is not None,
        "paused_since": format_time(pause.since) if pause is not None else None,
        "paused_by": pause.by if pause is not None else "",
        "paused_reason": pause.reason if pause is not None else "",
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
