"""A setting that is a length of time."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from eventflow.units import parse_duration

__all__ = ["Duration"]


def _read_duration(value: object) -> object:
    if isinstance(value, bool):  # pydantic would read true as one second
        message = f"{str(value).lower()} is not a duration: write such as 10s, 15m or 24h"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError only
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return parse_duration(value)
    return value


Duration = Annotated[float, BeforeValidator(_read_duration), Field(ge=0, allow_inf_nan=False)]
"""Seconds; a string such as `10s` or `24h` is read as one."""
