"""Grafana's panels: what each kind needs, and where it stands on the grid of 24 columns."""

from collections.abc import Sequence
from typing import Any

__all__ = ["DATASOURCE", "WIDTH", "Panel", "graph", "number", "place", "row"]

WIDTH = 24
"""Columns of Grafana's grid."""

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""What every panel asks: the data source that the person who looks has chosen."""

Panel = dict[str, Any]  # Any: a JSON value
Query = tuple[str, str]
"""A query, and its legend."""

_GREEN, _YELLOW, _RED = "green", "yellow", "red"


def graph(
    title: str,
    queries: Sequence[Query],
    *,
    unit: str,
    thresholds: tuple[float, float] | None = None,
    description: str = "",
    is_stacked: bool = False,
) -> Panel:
    """Return a panel of lines over time.

    Args:
        title: What it shows.
        queries: Each query, and its legend.
        unit: Grafana's name of the unit.
        thresholds: From where on it is yellow, and red; lines show them.
        description: What a person may want to know of it.
        is_stacked: Whether the areas are put on one another.
    """
    custom: dict[str, Any] = {"lineWidth": 1, "fillOpacity": 20 if is_stacked else 0}
    custom["stacking"] = {"mode": "normal" if is_stacked else "none", "group": "A"}
    custom["thresholdsStyle"] = {"mode": "dashed" if thresholds else "off"}
    defaults = {"unit": unit, "min": 0, "custom": custom, "thresholds": _thresholds(thresholds)}
    panel = _panel("timeseries", title, queries, description)
    panel["fieldConfig"] = {"defaults": defaults, "overrides": []}
    panel["options"] = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return panel


def number(
    title: str,
    query: str,
    *,
    unit: str,
    thresholds: tuple[float, float] | None = None,
    names: Sequence[tuple[int, str, str]] = (),
    description: str = "",
) -> Panel:
    """Return a panel of the last number.

    Args:
        title: What it shows.
        query: The query.
        unit: Grafana's name of the unit.
        thresholds: From where on it is yellow, and red.
        names: Numbers that have a name: number, name and colour.
        description: What a person may want to know of it.
    """
    defaults: dict[str, Any] = {"unit": unit, "thresholds": _thresholds(thresholds)}
    if names:
        options = {str(value): {"text": text, "color": colour} for value, text, colour in names}
        defaults["mappings"] = [{"type": "value", "options": options}]
    panel = _panel("stat", title, [(query, title)], description)
    panel["fieldConfig"] = {"defaults": defaults, "overrides": []}
    panel["options"] = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "background",
        "graphMode": "none",
        "textMode": "value",
    }
    return panel


def row(title: str, panels: Sequence[Panel], *, is_open: bool = False) -> list[Panel]:
    """Return a row: its panels follow it where it is open, and stand in it where it is not."""
    head: Panel = {"type": "row", "title": title, "collapsed": not is_open}
    head["panels"] = [] if is_open else list(panels)
    return [head, *(panels if is_open else ())]


def place(rows: Sequence[Sequence[Panel]]) -> list[Panel]:
    """Give every panel its number and its place, left to right and down.

    Args:
        rows: From `row`; the size of each panel is by its kind.
    """
    placed: list[Panel] = []
    identity, y = 0, 0
    for panels in rows:
        identity += 1
        head = panels[0]
        head["id"], head["gridPos"] = identity, {"x": 0, "y": y, "w": WIDTH, "h": 1}
        inner = head["panels"] or panels[1:]
        x, line, height = 0, y + 1, 0
        for panel in inner:
            width, own = (6, 4) if panel["type"] == "stat" else (12, 8)
            if x + width > WIDTH:
                x, line, height = 0, line + height, 0
            identity += 1
            panel["id"] = identity
            panel["gridPos"] = {"x": x, "y": line, "w": width, "h": own}
            x, height = x + width, max(height, own)
        # What is in a closed row takes no room below it.
        y = y + 1 if head["collapsed"] else line + height
        placed.extend(panels)
    return placed


def _panel(kind: str, title: str, queries: Sequence[Query], description: str) -> Panel:
    targets = [
        {
            "refId": chr(ord("A") + place),
            "datasource": DATASOURCE,
            "expr": query,
            "legendFormat": legend,
            "range": kind != "stat",
            "instant": kind == "stat",
        }
        for place, (query, legend) in enumerate(queries)
    ]
    panel: Panel = {"type": kind, "title": title, "datasource": DATASOURCE, "targets": targets}
    if description:
        panel["description"] = description
    return panel


def _thresholds(levels: tuple[float, float] | None) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": _GREEN, "value": None}]
    if levels is not None:
        yellow, red = levels
        if yellow < red:
            steps.append({"color": _YELLOW, "value": yellow})
        steps.append({"color": _RED, "value": red})
    return {"mode": "absolute", "steps": steps}
