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
    journal_most: int = Field(
        200_000,
        ge=1,
        description="The most entries of a bus's journal that may wait for the recorder; beyond "
        "them none is written, which is counted and said.",
    )
    journal_retention: Duration = Field(
        14 * 86400.0, gt=0, description="How long the journal is kept in the store."
    )
    journal_rows: int = Field(
        5_000_000,
        ge=0,
        description="The most entries of the journal that the store keeps; the oldest go first. "
        "0: any number.",
    )
