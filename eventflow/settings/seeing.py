"""Settings of what an operator sees and steers by: journal, archive, metrics, traces, logs."""

import base64
import binascii
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from eventflow.settings.duration import Duration

__all__ = ["SeeingSettings"]


_KEY_BYTES = 32


def _read_keys(value: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in value.split(",") if key.strip())


class SeeingSettings(BaseSettings):
    """Part of `Settings`, which reads them."""

    replay_backlog: int = Field(
        10_000,
        ge=1,
        description="How many events may wait to be routed, or deliveries for a target, before a "
        "replay waits until there are fewer.",
    )
    traces: bool | None = Field(
        None,
        description="Whether OpenTelemetry spans are made. Empty: where the application has set up "
        "a tracer provider, and in eventflow's own processes where OTEL_EXPORTER_OTLP_ENDPOINT is set.",
    )
    log_format: str = Field(
        "text",
        description="How eventflow's processes write their logs: text, or json, an object a line.",
    )

    @field_validator("log_format")
    @classmethod
    def _check_log_format(cls, value: str) -> str:
        if value not in {"text", "json"}:
            message = "one of text, json"
            raise ValueError(message)
        return value

    journal: bool = Field(
        True,
        description="Whether every step of every delivery is written down, for `eventflow trace`.",
    )
    journal_most: int = Field(
        200_000,
        ge=1,
        description="The most entries of a bus's journal that may wait for the recorder; beyond "
        "them none is written, which is counted and said.",
    )
    journal_retention: Duration = Field(
        14 * 86400.0, gt=0, description="How long the journal is kept in the store."
    )
    reconcile_interval: Duration = Field(
        30.0,
        ge=0.05,
        description="How often what was registered for each target is compared with what is there, "
        "by one of the routers.",
    )
    canary_interval: Duration = Field(
        10.0,
        ge=0,
        description="How often a canary is sent through each queue that is read; 0 sends none.",
    )
    canary_patience: Duration = Field(
        40.0,
        gt=0,
        description="How long a canary may be on its way, with nothing else happening on its queue, "
        "before the queue's workers count as stuck.",
    )
    journal_rows: int = Field(
        5_000_000,
        ge=0,
        description="The most entries of the journal that the store keeps; the oldest go first. "
        "0: any number.",
    )
    retention_interval: Duration = Field(
        60.0,
        ge=0.1,
        description="How often a recorder deletes what the store need not keep any longer: archived "
        "events and the journal.",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Where this process serves its metrics to Prometheus. 0: nowhere, and nothing "
        "is counted. `eventflow up` gives its processes this port and those that follow.",
    )
    metrics_address: str = Field(
        "127.0.0.1", description="The address that metrics are served at; `0.0.0.0`: at any."
    )
    silence_after: Duration = Field(
        7 * 86400.0,
        gt=0,
        description="How long a rule may match nothing, or a target have no success, before "
        "`eventflow doctor` says so.",
    )
    archive_key: str = Field(
        "",
        repr=False,
        description="The key that archived events are encrypted with, as `eventflow archive key` "
        "prints one. Several, with commas between: the first encrypts, each decrypts. "
        "Empty: they are not encrypted.",
    )
    actor: str = Field(
        "",
        description="Who acts, for the audit: a person or a pipeline. Empty: who is logged in, and "
        "on which machine.",
    )
    max_redrives: int = Field(
        3,
        ge=1,
        le=1000,
        description="How often a dead letter may be redriven; beyond, only `--force` sends it.",
    )
    audit_retention: Duration = Field(
        365 * 86400.0,
        description="How long the audit is kept in the store; 0s keeps it for good.",
    )

    flower_url: str = Field(
        "",
        description="Flower's address, such as https://flower.example.com: `eventflow trace` and "
        "`eventflow deadletters` then show a link to each delivery's task. Empty: no links.",
    )

    @field_validator("flower_url")
    @classmethod
    def _check_flower_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            message = f"{value!r} is no address: write http:// or https:// and a host"
            raise ValueError(message)
        if parts.username or parts.password:
            message = "must not hold a password: links are shown to whoever reads them"
            raise ValueError(message)
        return value

    @field_validator("archive_key")
    @classmethod
    def _check_keys(cls, value: str) -> str:
        for key in _read_keys(value):
            try:
                size = len(base64.b64decode(key, altchars=b"-_", validate=True))
            except (binascii.Error, ValueError):
                size = 0
            if size != _KEY_BYTES:
                message = (
                    "holds what is no key: write 32 bytes in URL-safe base64, as `eventflow archive "
                    "key` prints one; several with commas between"
                )
                raise ValueError(message)
        return value

    @property
    def archive_keys(self) -> tuple[str, ...]:
        """The archive's keys; the first one encrypts."""
        return _read_keys(self.archive_key)
