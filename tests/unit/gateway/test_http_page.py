"""The page docs/reference/http.md: nothing that the gateway knows is missing from it."""

import re
from pathlib import Path

import pytest

from eventflow.gateway import publishers
from eventflow.gateway.application import build_application
from eventflow.gateway.cloud_events import EXTENSIONS
from eventflow.gateway.shown_rules import OPERATIONS
from eventflow.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")
KINDS = [
    publishers.KeyPublisher,
    publishers.AccessKeyPublisher,
    publishers.GitHubPublisher,
    publishers.StandardWebhooksPublisher,
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_key_of_a_publisher_is_there(kind: type[publishers.KeyPublisher]) -> None:
    """Each key that a publisher may have has a row."""
    for name in set(kind.model_fields) - {"name"}:
        assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE), name


@pytest.mark.parametrize("name", ["PutEvents", "TestEventPattern", *OPERATIONS, *EXTENSIONS])
def test_each_operation_and_extension_is_there(name: str) -> None:
    """Each operation of EventBridge, and each extension attribute that is kept, is named."""
    assert f"`{name}`" in PAGE


def test_each_route_and_status_is_there() -> None:
    """Each request of the OpenAPI document has a row, and each status of POST /events."""
    settings = Settings()
    document = build_application(settings, is_open=True).openapi()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"`{method.upper()} {path.replace('{name}', 'NAME')}`" in PAGE
    for status in document["paths"]["/events"]["post"]["responses"]:
        assert re.search(rf"^\| {status} \|", PAGE, re.MULTILINE), status


def test_each_action_of_the_log_is_there() -> None:
    """Each action that the gateway logs has a row."""
    for path in (ROOT / "eventflow" / "gateway").glob("*.py"):
        for action in re.findall(r'"action": "(\w+)"', path.read_text(encoding="utf-8")):
            assert f"| `{action}` |" in PAGE
