"""Links to Flower."""

from urllib.parse import parse_qs, urlsplit

from eventflow.transport.flower import flower_link


def test_a_link_searches_for_the_event_among_the_task_s() -> None:
    """Whatever characters an id has, they are one term of the search."""
    link = flower_link(
        "https://flower.example/", "workers.device_vendor.unlock_door", 'a "b" & c\\'
    )
    assert "https://flower.example/tasks" == link.partition("?")[0]
    assert {"name": ['device_vendor.unlock_door args:"a \\"b\\" & c\\\\"']} == parse_qs(
        urlsplit(link).query
    )
