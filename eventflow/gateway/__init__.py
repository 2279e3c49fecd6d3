"""The gateway: events over HTTP.

`eventflow serve` runs it, and so does any ASGI server:

    gunicorn --worker-class asgi --workers 4 'eventflow.gateway:create_app()'

Nothing is imported until an application is made: it needs the extra `http`.
"""

from typing import TYPE_CHECKING

from eventflow.errors import StartError

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["create_app", "create_open_app"]


def create_app() -> "FastAPI":
    """Return the application for the publishers of EVENTFLOW_PUBLISHERS.

    Raises:
        SettingsError: When a setting cannot be.
        PublishersError: When the file of publishers is faulty.
        StartError: When there is no such file, or the extra `http` is not installed.
    """
    return _create(is_open=False)


def create_open_app() -> "FastAPI":
    """Return the application for anybody on this machine: it answers on loopback alone.

    Raises:
        SettingsError: When a setting cannot be.
        StartError: When the extra `http` is not installed.
    """
    return _create(is_open=True)


def _create(*, is_open: bool) -> "FastAPI":
    try:
        from eventflow.gateway.application import build_application  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("eventflow"):
            raise
        message = (
            f"{error.name} is not installed: install eventflow with the extra http, "
            "pip install 'eventflow[http]'"
        )
        raise StartError(message) from error
    return build_application(is_open=is_open)
