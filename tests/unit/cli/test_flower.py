"""Links to Flower."""

from urllib.parse import parse_qs, urlsplit

from eventflow.cli.flower import event_link, flower_link
from eventflow.settings import load_settings

SETTINGS = load_settings(flower_url="https://flower.example/")


def test_a_link_searches_for_all_that_names_an_event() -> None:
    """Whatever characters an id has, they are one term of the search."""
    link = event_link(SETTINGS, 'a "b" & c\\')
    assert "https://flower.example/tasks" == link.partition("?")[0]
    term = r'"a \"b\" & c\\"'
    assert {"name": [f"any-of OR args:{term} OR result:{term}"]} == parse_qs(urlsplit(link).query)


def test_a_delivery_s_link_is_its_page() -> None:
    """Its id is one part of the path."""
    assert "https://flower.example/task/a%2Fb%3Avendor" == flower_link(SETTINGS, "a/b:vendor")


def test_there_is_no_link_where_flower_is_not_known() -> None:
    """Nor for what is no delivery."""
    assert ["", "", ""] == [
        event_link(load_settings(), "e1"),
        flower_link(load_settings(), "e1:vendor"),
        flower_link(SETTINGS, ""),
    ]
