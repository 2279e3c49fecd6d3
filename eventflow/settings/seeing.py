"""Settings of what is seen of the events: the journal, the archive, metrics, logs and traces."""

from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["PREFIX", "SeeingSettings"]

PREFIX = "EVENTFLOW_"


class SeeingSettings(BaseSettings):
    """The part of the settings that watching needs; `Settings` has them all."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # Compose files pass `${NAME:-}` on as an empty variable: that is no setting.
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
    )
