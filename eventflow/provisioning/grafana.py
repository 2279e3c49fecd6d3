"""Grafana's dashboard: the whole deployment, then a row for each target."""

import json
from typing import Any

from eventflow.provisioning import queries
from eventflow.provisioning.alerts import AGE_SHARE
from eventflow.provisioning.panels import DATASOURCE, Panel, graph, number, place, row
from eventflow.rules import RuleSet, Target

__all__ = ["dashboard"]

_BREAKER = ((0, "closed", "green"), (1, "half open", "yellow"), (2, "open", "red"))
_PLACES = ("queued", "running", "waiting", "parked")
_EVENT_RATE = "cps"
_SHARES = ((0.5, "half"), (0.95, "95 %"), (0.99, "99 %"))
_NONE_AT_ALL = (1.0, 1.0)  # the first is one too many
_BUS = 'bus=~"$bus"'


def dashboard(rules: RuleSet, *, title: str = "eventflow") -> str:
    """Return the dashboard.

    Args:
        rules: Name the targets, their owners and their limits.
        title: Its title.

    Returns:
        JSON, as Grafana imports it and as its provisioning reads it.
    """
    rows = [row("All of it", _overview(), is_open=True)]
    rows += [
        row(_title(target), _of_target(target)) for _, target in sorted(rules.announced.items())
    ]
    document = {
        "uid": "eventflow",
        "title": title,
        "tags": ["eventflow"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "annotations": {"list": []},
        "templating": {"list": _variables()},
        "panels": place(rows),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _variables() -> list[dict[str, Any]]:
    query = "label_values(eventflow_unrouted_events, bus)"
    bus = {
        "name": "bus",
        "label": "Bus",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "bus"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }
    source = {"name": "datasource", "label": "Data source", "type": "datasource"}
    return [{**source, "query": "prometheus", "current": {}}, bus]


def _overview() -> list[Panel]:
    def sum_of(name: str) -> str:
        return f"sum({queries.gauge(name, 'bus', selector=_BUS)})"

    def by_target(name: str) -> str:
        return queries.gauge(f"eventflow_target_{name}", "target", selector=_BUS)

    return [
        number("Events that wait", sum_of("eventflow_unrouted_events"), unit="short"),
        number(
            "The first waits for",
            queries.gauge("eventflow_unrouted_age_seconds", selector=_BUS),
            unit="s",
            thresholds=(10, 60),
        ),
        number(
            "Dead letters in the store",
            queries.gauge("eventflow_stored_dead_letters"),
            unit="short",
            thresholds=(1, 1000),
        ),
        number(
            "Deliveries that are nowhere",
            f"sum(abs({queries.gauge('eventflow_target_balance_difference', 'bus', 'target')}))",
            unit="short",
            thresholds=_NONE_AT_ALL,
            description="Registered, and neither delivered nor dead nor anywhere in the ledger.",
        ),
        graph(
            "Events accepted, and routed",
            [
                (f"sum({_accepted()})", "accepted"),
                (
                    queries.rate("eventflow_events_routed_total", "outcome", selector=_BUS),
                    "{{outcome}}",
                ),
            ],
            unit=_EVENT_RATE,
        ),
        graph(
            "Matches by rule",
            [(queries.rate("eventflow_rule_matches_total", "rule", selector=_BUS), "{{rule}}")],
            unit=_EVENT_RATE,
        ),
        graph("Queued by target", [(by_target("queued_deliveries"), "{{target}}")], unit="short"),
        graph(
            "Oldest queued by target", [(by_target("queued_age_seconds"), "{{target}}")], unit="s"
        ),
        graph(
            "Scheduled by target", [(by_target("waiting_deliveries"), "{{target}}")], unit="short"
        ),
        graph(
            "Processes by queue",
            [(queries.gauge("eventflow_queue_consumers", "queue"), "{{queue}}")],
            unit="short",
        ),
    ]


def _accepted() -> str:
    return queries.rate("eventflow_accepted_events_total", "bus", selector=_BUS)


def _of_target(target: Target) -> list[Panel]:
    age = target.retry.max_age
    labels = f'target="{target.name}",{_BUS}'

    def now(name: str) -> str:
        return queries.gauge(f"eventflow_target_{name}", selector=labels)

    def quantiles(name: str) -> list[tuple[str, str]]:
        return [(queries.quantile(share, name, selector=labels), text) for share, text in _SHARES]

    def rate(name: str, label: str) -> list[tuple[str, str]]:
        return [(queries.rate(name, label, selector=labels), f"{{{{{label}}}}}")]

    return [
        number("Circuit breaker", now("breaker_state"), unit="short", names=_BREAKER),
        number("Paused for", now("paused_seconds"), unit="s", thresholds=(1, 3600)),
        number("No success for", now("unserved_seconds"), unit="s", thresholds=(600, 1800)),
        number("Dead letters ever", _ever("dead_total", labels), unit="short"),
        graph(
            "Attempts by outcome",
            rate("eventflow_attempts_total", "outcome"),
            unit=_EVENT_RATE,
        ),
        graph(
            "Where deliveries are",
            [(now(f"{name}_deliveries"), name) for name in _PLACES],
            unit="short",
            is_stacked=True,
        ),
        graph(
            "Duration of an attempt",
            quantiles("eventflow_attempt_duration_seconds"),
            unit="s",
            thresholds=(target.timeout / 2, target.timeout),
            description="The lines are half the target's timeout, and the timeout.",
        ),
        graph(
            "From publish to success",
            quantiles("eventflow_delivery_latency_seconds"),
            unit="s",
        ),
        graph(
            "Age of the oldest",
            [(now(f"{name}_age_seconds"), name) for name in ("queued", "parked", "waiting")],
            unit="s",
            thresholds=(AGE_SHARE * age, age),
            description="At the red line (max_age) a delivery becomes a dead letter.",
        ),
        graph(
            "Dead letters by reason",
            rate("eventflow_dead_letters_total", "reason"),
            unit=_EVENT_RATE,
        ),
    ]


def _ever(name: str, labels: str) -> str:
    return f"sum(max by (bus) (eventflow_target_{name}{{{labels}}}))"


def _title(target: Target) -> str:
    return f"{target.name} ({target.owner})" if target.owner else target.name
