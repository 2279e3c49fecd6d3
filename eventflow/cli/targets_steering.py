"""`eventflow targets pause`, `resume`, `balance` and `settle`: a target in a person's hands."""

import click

from eventflow.cli.actor import record_audit, who
from eventflow.cli.listing import Column, page_of, paging, show_listing
from eventflow.cli.output import json_option, say, visible
from eventflow.cli.targets_options import bus_option, ledger_with
from eventflow.cli.times import moment
from eventflow.delivery import Balance, Ledgers, Pause
from eventflow.settings import load_settings
from eventflow.transport.messages import DEAD_LETTERS, ROUTE

__all__ = ["balance", "pause_story", "pause_target", "resume_target", "settle_target"]


@click.command("pause")
@click.argument("target")
@click.option("--reason", default="", help="Why; shown wherever the target is.")
@bus_option
def pause_target(target: str, reason: str, bus: str) -> None:
    """Pause a target: its deliveries wait until it is resumed.

    It takes effect at the next claim of any worker; what runs is finished. Nothing is lost, and what
    waits spends neither attempts nor age.
    """
    ledger = ledger_with(target, bus)
    if not ledger.pause(target, reason=reason, by=who()):
        pause = ledger.pauses([target]).get(target)
        story = f": {visible(pause_story(pause))}" if pause is not None else ""
        say(f"{target} was paused already{story}.")
        return
    record_audit("targets pause", target=target, facts={"bus": bus, "reason": reason})
    say(f"{target} is paused: its deliveries wait until `eventflow targets resume {target}`.")


@click.command("resume")
@click.argument("target")
@bus_option
def resume_target(target: str, bus: str) -> None:
    """Let a paused target's deliveries go on, in order, as its limits allow."""
    ledger = ledger_with(target, bus)
    pause = ledger.pauses([target]).get(target)
    if not ledger.resume(target):
        say(f"{target} was not paused.")
        return
    status = ledger.status([target])[target]
    waits = status.parked + status.queued
    facts = {"bus": bus, "reason": pause.reason if pause is not None else ""}
    record_audit("targets resume", target=target, count=waits, facts=facts)
    say(f"{target} goes on, with {waits:,} deliveries that waited.")


@click.command("balance")
@bus_option
@click.option("--uneven", is_flag=True, help="Only where there is a difference.")
@paging()
@json_option
def balance(bus: str, limit: int, after: str | None, *, uneven: bool, as_json: bool) -> None:
    """Compare what was registered for each target with where it is.

    Registered is delivered, dead, queued, running, waiting or parked; all of it is counted in one
    moment, so that a difference is never one of timing.
    """
    ledger = Ledgers(load_settings()).of(bus)
    names = [ROUTE, DEAD_LETTERS, *sorted(ledger.targets())]
    found = [one for one in ledger.balances(names).values() if one.difference or not uneven]
    show_listing(
        page_of(found, cursor=lambda one: one.target, limit=limit, after=after),
        [
            Column[Balance]("target", lambda one: one.target),
            Column[Balance]("#registered", lambda one: one.registered),
            Column[Balance]("#delivered", lambda one: one.delivered),
            Column[Balance]("#dead", lambda one: one.dead),
            Column[Balance]("#queued", lambda one: one.queued),
            Column[Balance]("#running", lambda one: one.running),
            Column[Balance]("#waiting", lambda one: one.waiting),
            Column[Balance]("#parked", lambda one: one.parked),
            Column[Balance]("#difference", lambda one: one.difference),
        ],
        document=_document,
        as_json=as_json,
        empty="Every balance is even.",
    )


@click.command("settle")
@click.argument("target")
@bus_option
def settle_target(target: str, bus: str) -> None:
    """Take a target's balance for right as it is now.

    For a difference whose reason is understood, such as data that was taken out of Redis by hand;
    eventflow.route settles the events to be routed, eventflow.dead-letters what is to be recorded.
    Nothing is sent or deleted.
    """
    ledger_with(target, bus, ROUTE, DEAD_LETTERS)
    difference = Ledgers(load_settings()).reconciliation(bus).settle(target)
    if not difference:
        say(f"The balance of {target} is even: there is nothing to settle.")
        return
    record_audit("targets settle", target=target, count=abs(difference), facts={"bus": bus})
    state = "missing" if difference > 0 else "too many"
    say(f"The balance of {target} is even from now on: {abs(difference):,} were {state}.")


def pause_story(pause: Pause) -> str:
    """Say since when a target is paused, by whom and why.

    Args:
        pause: The pause.
    """
    by = f" by {pause.by}" if pause.by else ""
    return f"paused since {moment(pause.since)}{by}{f' ({pause.reason})' if pause.reason else ''}"


def _document(one: Balance) -> dict[str, object]:
    return {
        "target": one.target,
        "registered": one.registered,
        "delivered": one.delivered,
        "dead": one.dead,
        "queued": one.queued,
        "running": one.running,
        "waiting": one.waiting,
        "parked": one.parked,
        "vanished": one.vanished,
        "difference": one.difference,
    }
