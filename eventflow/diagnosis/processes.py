"""Judging what runs: who is missing, who differs from the others, whose clock is wrong."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from eventflow.delivery import ProcessReport, Roster
from eventflow.diagnosis.clocks import MOST_APART, write_offset
from eventflow.diagnosis.finding import Finding
from eventflow.transport.messages import DEAD_LETTERS, ROUTE
from eventflow.units import format_duration

__all__ = ["judge_processes", "named_by_routers", "recorders_of", "routers_of"]

_MOST_NAMED = 5


def routers_of(roster: Roster) -> list[ProcessReport]:
    """Return the processes that route."""
    return [one for one in roster.alive if ROUTE in one.queues]


def recorders_of(roster: Roster) -> list[ProcessReport]:
    """Return the processes that record dead letters."""
    return [one for one in roster.alive if DEAD_LETTERS in one.queues]


def named_by_routers(roster: Roster) -> set[str]:
    """Return the targets that the routers' rules name."""
    return {name for one in routers_of(roster) for name in one.named_targets}


def judge_processes(roster: Roster, *, clock_offset: float, rules: str) -> Iterator[Finding]:
    """Judge the processes.

    Args:
        roster: Those that there are.
        clock_offset: Seconds that this machine's clock is ahead of the ledger's.
        rules: The fingerprint of the rules here; empty where there are none.

    Yields:
        What is wrong.
    """
    yield from _judge_roles(roster)
    yield from _judge_rules(roster, rules)
    yield from _judge_agreement(roster)
    yield from _judge_subscribers(roster)
    yield from _judge_clocks(roster, clock_offset)
    for identity, ago in sorted(roster.vanished.items()):
        name = identity.rpartition(":")[0]
        message = (
            f"it was last seen {format_duration(round(ago))} ago, and had not stopped in order"
        )
        advice = "if nothing has taken its place, start it; its log says why it ended"
        if not any(one.name == name for one in roster.alive):
            yield Finding("process-vanished", f"process {name}", message, advice)


def _judge_roles(roster: Roster) -> Iterator[Finding]:
    if not routers_of(roster):
        message = f"no process reads {ROUTE}, so no event is routed"
        yield Finding("no-router", "processes", message, "start `eventflow router`")
    if not recorders_of(roster):
        message = f"no process reads {DEAD_LETTERS}, so dead letters stay in Redis"
        yield Finding("no-recorder", "processes", message, "start `eventflow recorder`")
    by_name = _group(roster.alive, lambda one: one.name)
    for name, group in sorted(by_name.items()):
        if group[1:]:
            places = ", ".join(f"process {one.pid} on {one.host}" for one in group)
            message = f"{len(group)} processes have this name: {places}"
            advice = "give each its own with --name (or -n): Celery and Flower take them for one"
            yield Finding("name-twice", f"process {name}", message, advice)


def _judge_rules(roster: Roster, rules: str) -> Iterator[Finding]:
    routers = routers_of(roster)
    advice = "deploy the same rule files everywhere; routers pick up a change by themselves"
    by_rules = _group(routers, lambda one: one.rules)
    if len(by_rules) > 1:
        message = f"routers work by different rules: {_list_groups(by_rules)}"
        yield Finding("rules-differ", "rules", message, advice)
    for one in routers:
        if one.rule_faults:
            count = "a fault" if one.rule_faults == 1 else f"{one.rule_faults} faults"
            message = f"its rule files have {count}, and it works by the last good ones"
            todo = "run `eventflow rules check` there"
            yield Finding("rules-refused", f"process {one.name}", message, todo)
    if not routers:
        return
    others = [one for one in roster.alive if one.rules and one.rules not in by_rules]
    if others:
        message = f"{_list_names(others)} have other rules than the routers"
        yield Finding("rules-differ", "rules", message, advice)
    if rules and rules not in by_rules:
        message = "the rule files here are not those of the routers"
        todo = "deploy them, or set EVENTFLOW_RULES to the directory that the routers read"
        yield Finding("rules-differ", "rules", message, todo)


def _judge_agreement(roster: Roster) -> Iterator[Finding]:
    libraries = sorted({name for one in roster.alive for name in one.versions})
    for library in libraries:
        by_version = _group(
            (one for one in roster.alive if library in one.versions),
            lambda one, name=library: one.versions[name],  # type: ignore[misc]  # bound at once
        )
        if len(by_version) > 1:
            message = f"processes run different versions of {library}: {_list_groups(by_version)}"
            advice = "finish the roll-out, or pin one version for all"
            yield Finding("versions-differ", "processes", message, advice)
    by_broker = _group(roster.alive, lambda one: one.broker)
    if len(by_broker) > 1:
        message = f"processes use different brokers: {_list_groups(by_broker)}"
        advice = (
            "unless these are names of one server, set EVENTFLOW_BROKER_URL to the same everywhere: "
            "what one sends, the other does not see"
        )
        yield Finding("broker-differs", "processes", message, advice)


def _judge_subscribers(roster: Roster) -> Iterator[Finding]:
    for one in roster.alive:
        for target in one.unable:
            message = (
                f"it reads the queue of the target '{target}' and has neither a subscriber for it "
                "nor its task: its deliveries become dead letters"
            )
            advice = "have the module that binds it imported there, or let another worker read it"
            yield Finding("no-subscriber", f"process {one.name}", message, advice)
    routers = routers_of(roster)
    if not routers or len({one.rules for one in routers}) > 1:
        return
    named = named_by_routers(roster)
    bound = _group_targets(one for one in roster.alive if ROUTE not in one.queues)
    for target, names in sorted(bound.items()):
        if target not in named:
            message = f"a subscriber is bound to it ({_list(names)}), and no enabled rule names it"
            advice = "correct the name on either side, or remove the subscriber"
            yield Finding("subscriber-unbound", f"target {target}", message, advice)


def _judge_clocks(roster: Roster, clock_offset: float) -> Iterator[Finding]:
    advice = "set the clock by NTP; retries go by the ledger's, and what people read does not"
    if abs(clock_offset) > MOST_APART:
        message = f"this machine's clock is {write_offset(clock_offset)} the ledger's"
        yield Finding("clocks-apart", "clock", message, advice)
    for one in roster.alive:
        if abs(one.clock_offset) > MOST_APART:
            message = f"its clock is {write_offset(one.clock_offset)} the ledger's"
            yield Finding("clocks-apart", f"process {one.name}", message, advice)


def _group(
    reports: Iterable[ProcessReport], key: Callable[[ProcessReport], str]
) -> dict[str, list[ProcessReport]]:
    groups: dict[str, list[ProcessReport]] = {}
    for one in reports:
        groups.setdefault(key(one), []).append(one)
    return groups


def _group_targets(reports: Iterable[ProcessReport]) -> dict[str, list[str]]:
    bound: dict[str, list[str]] = {}
    for one in reports:
        for target in one.subscribers:
            bound.setdefault(target, []).append(one.name)
    return bound


def _list_groups(groups: dict[str, list[ProcessReport]]) -> str:
    return "; ".join(
        f"{value[:12] if _is_digest(value) else value or 'none'} ({_list_names(group)})"
        for value, group in sorted(groups.items())
    )


def _is_digest(value: str) -> bool:
    return len(value) == 64 and value.isalnum()  # noqa: PLR2004 - SHA-256's length


def _list_names(reports: Sequence[ProcessReport]) -> str:
    return _list([one.name for one in reports])


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown
