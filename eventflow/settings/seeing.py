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
        45.0,
        gt=0,
        description="How long a canary may be on its way, with nothing else happening on its queue, "
        "before the queue's workers count as stuck.",
    )
