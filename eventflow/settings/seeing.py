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
    actor: str = Field(
        "",
        description="Who acts, for the audit: a person or a pipeline. Empty: who is logged in, and "
        "on which machine.",
    )
    audit_retention: Duration = Field(
        365 * 86400.0,
        description="How long the audit is kept in the store; 0s keeps it for good.",
    )
