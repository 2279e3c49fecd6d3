"""Options that take a rate or a length of time."""

from typing import Any

import click

from eventflow.units import Rate, parse_duration, parse_rate

__all__ = ["DURATION", "RATE"]


class _Rate(click.ParamType[Rate]):
    """A rate such as 50/s."""

    name = "rate"

    def convert(
        self,
        value: Any,  # Any: as click declares it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Rate:
        """Read it."""
        try:
            return value if isinstance(value, Rate) else parse_rate(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Duration(click.ParamType[float]):
    """A duration such as 1m."""

    name = "duration"

    def convert(
        self,
        value: Any,  # Any: as click declares it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return it in seconds."""
        try:
            return float(parse_duration(value)) if isinstance(value, str) else float(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


RATE = _Rate()
"""For ``--rate``: the value is a `Rate`."""

DURATION = _Duration()
"""For ``--wait`` and the like: the value is in seconds."""
