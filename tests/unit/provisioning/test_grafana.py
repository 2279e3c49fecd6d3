"""The dashboard: every panel is whole, stands in its place, and asks for what is served."""

import json
import re
from collections.abc import Iterator
from typing import Any

from eventflow.metrics.catalogue import CATALOGUE, series_names
from eventflow.provisioning.grafana import dashboard
from eventflow.provisioning.panels import DATASOURCE, WIDTH
from eventflow.rules import RetryPolicy, RuleSet, Target

DOOR = Target(name="door", task="x.open", owner="devices-team", timeout=8)
MAIL = Target(name="mail", task="x.mail", retry=RetryPolicy(max_age=600))
RULES = RuleSet([MAIL, DOOR], [])


def document(rules: RuleSet = RULES) -> dict[str, Any]:
    """Return the dashboard."""
    return json.loads(dashboard(rules))


def every_panel(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return all panels, those in closed rows included."""
    for panel in panels:
        yield panel
        yield from every_panel(panel.get("panels", []))


def drawn() -> list[dict[str, Any]]:
    """Return the panels that draw something."""
    return [panel for panel in every_panel(document()["panels"]) if panel["type"] != "row"]


def test_the_dashboard_has_what_grafana_imports():
    """Its schema, its time, its variables; its uid stays, so that an import replaces it."""
    whole = document()
    assert whole["uid"] == "eventflow"
    assert whole["schemaVersion"] == 39
    assert set(whole["time"]) == {"from", "to"}
    names = [variable["name"] for variable in whole["templating"]["list"]]
    assert names == ["datasource", "bus"]
    assert "id" not in whole  # Grafana's own number, which an import must not bring


def test_each_target_has_its_row_with_its_owner():
    """After the row of the whole deployment, which is open."""
    rows = [panel for panel in document()["panels"] if panel["type"] == "row"]
    assert [one["title"] for one in rows] == ["All of it", "door (devices-team)", "mail"]
    assert [one["collapsed"] for one in rows] == [False, True, True]
    assert rows[0]["panels"] == []
    assert len(rows[1]["panels"]) == len(rows[2]["panels"]) > 5


def test_every_panel_is_whole():
    """Its data source is the one that is chosen, its unit is known, its queries have letters."""
    units = {"short", "s", "cps"}
    for panel in drawn():
        assert panel["type"] in {"timeseries", "stat"}
        assert panel["datasource"] == DATASOURCE
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in units
        steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        assert steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values)
        letters = [query["refId"] for query in panel["targets"]]
        assert letters == list("ABCD")[: len(letters)]
        assert letters
        for query in panel["targets"]:
            assert query["datasource"] == DATASOURCE
            assert query["range"] != query["instant"]
            assert query["legendFormat"]


def test_every_panel_has_a_number_and_a_place_of_its_own():
    """Nothing overlaps, and nothing is wider than the grid; a closed row has a grid of its own."""
    whole = document()["panels"]
    ids = [panel["id"] for panel in every_panel(whole)]
    assert len(ids) == len(set(ids))
    for grid in (whole, *(panel["panels"] for panel in whole if panel.get("panels"))):
        taken: set[tuple[int, int]] = set()
        for panel in grid:
            at = panel["gridPos"]
            assert at["x"] + at["w"] <= WIDTH
            cells = {
                (x, y)
                for x in range(at["x"], at["x"] + at["w"])
                for y in range(at["y"], at["y"] + at["h"])
            }
            assert not cells & taken
            taken |= cells


def test_every_query_asks_for_what_is_served_by_labels_that_it_has():
    """A name or label that is wrong would draw nothing, and say nothing."""
    for panel in drawn():
        for query in panel["targets"]:
            text = query["expr"]
            named = set(re.findall(r"\beventflow_\w+", text))
            assert named
            assert named <= series_names()
            for name in named:
                metric = CATALOGUE[re.sub(r"_(bucket|sum|count)$", "", name)]
                grouped = re.search(r"by \(([\w, ]+)\)", text)
                labels = set(grouped[1].split(", ")) if grouped else set()
                assert labels <= {*metric.labels, "le"}
                for selector in re.findall(rf"{name}{{(.*?)}}", text):
                    assert set(re.findall(r"(\w+)=", selector)) <= set(metric.labels)
            shown = re.findall(r"{{(\w+)}}", query["legendFormat"])
            assert all(f"by ({label})" in text for label in shown)


def test_thresholds_are_the_targets_own():
    """Its timeout, and its max_age."""
    rows = {
        panel["title"]: panel["panels"] for panel in document()["panels"] if panel.get("panels")
    }
    duration = next(p for p in rows["door (devices-team)"] if p["title"].startswith("Duration"))
    age = next(p for p in rows["mail"] if p["title"].startswith("Age"))

    def steps(panel: dict[str, Any]) -> list[float]:
        return [one["value"] for one in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]

    assert steps(duration) == [4, 8]
    assert steps(age) == [300, 600]


def test_the_same_rules_give_the_same_text():
    """Whatever the order of the files."""
    assert dashboard(RULES) == dashboard(RuleSet([DOOR, MAIL], []))
