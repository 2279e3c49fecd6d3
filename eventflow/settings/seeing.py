"""Settings of what an operator sees and steers by: journal, archive, metrics, traces, logs."""

from pydantic import Field
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
