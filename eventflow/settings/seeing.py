"""Settings of what an operator sees and steers by: journal, archive, metrics, traces, logs."""

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from eventflow.settings.duration import Duration

__all__ = ["SeeingSettings"]


class SeeingSettings(BaseSettings):
    """Part of `Settings`, which reads them."""

    journal: bool = Field(
        True,
        description="Whether every step of every delivery is written down, for `eventflow trace`.",
    )
    journal_retention: Duration = Field(
        14 * 86400.0, gt=0, description="How long the journal is kept in the store."
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
