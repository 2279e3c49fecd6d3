"""The gateway's OpenAPI document is true: schemathesis asks whatever it allows, and more."""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from eventflow.settings import Settings
from tests.gateway import KEY, serving, write_publishers

PATHS = ("/events", "/webhooks/{name}", "/")
ALL = hypothesis.settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
# What takes these depends on headers, or on a signature, which no JSON Schema can say.
BY_HEADERS = {"application/json", "application/x-amz-json-1.1"}
NOT_BY_HEADERS: list[Any] = [positive_data_acceptance, negative_data_rejection]

REFUSALS = [
    "400",
    "401",
    "403",
    "404",
    "405",
    "406",
    "409",
    "413",
    "415",
    "422",
    "428",
    "429",
    "5xx",
]
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 1,  # the same cases each time
        # As it has them, and 413: a batch of too many is too large.
        "checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}},
    }
)

schemathesis.serializer.alias("application/x-amz-json-1.1", "application/json")
schemathesis.serializer.alias("application/cloudevents-batch+json", "application/json")


@pytest.fixture(scope="module")
def address(server_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway's address."""
    publishers = write_publishers(tmp_path_factory.mktemp("gateway"))
    with serving(server_settings.with_changes(publishers=publishers)) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *(("post", path, mode) for path in PATHS for mode in GenerationMode),
        ("get", "/readyz", GenerationMode.POSITIVE),  # nothing can be wrong with such a request
        ("get", "/healthz", GenerationMode.POSITIVE),
    ],
)
def test_the_openapi_document_is_true(
    address: str, client: redis.Redis, method: str, path: str, mode: GenerationMode
) -> None:
    """Whatever is made of the document, right or wrong, gets a status and a body that it names."""
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=CONFIG)
    operation = schema[path][method]

    @ALL
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        by_headers = case.media_type in BY_HEADERS
        headers = {"Authorization": f"Bearer {KEY}"}
        case.call_and_validate(
            headers=headers, excluded_checks=NOT_BY_HEADERS if by_headers else None
        )

    check()
