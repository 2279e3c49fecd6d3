"""The user's Celery app, found and imported, and the servers it needs, asked before it starts."""

import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType

import redis
from celery import Celery, signals
from kombu.exceptions import KombuError

from eventflow.errors import EventflowError, StartError
from eventflow.settings import Settings, mask_url
from eventflow.tls import ledger_tls, tls_advice

__all__ = ["check_servers", "import_here", "import_subscribers", "load_app"]

_ANSWER_WITHIN = 3.0


def load_app(settings: Settings) -> Celery:
    """Import the module of the settings' `workers` and return its Celery app.

    The current directory is looked in first, as plain Celery does.

    Args:
        settings: Its `workers` names the module.

    Returns:
        The module's attribute `app`.

    Raises:
        StartError: When there is no such module, it cannot be imported, or holds no app.
    """
    module = import_here(settings.workers)
    app = getattr(module, "app", None)
    if not isinstance(app, Celery):
        message = (
            f"the module {settings.workers!r} ({module.__file__ or 'a folder without __init__.py'})"
            " has no Celery app named `app`: write `app = flow.celery` there, where flow is your "
            "EventFlow(), or set EVENTFLOW_WORKERS to the module that has one"
        )
        raise StartError(message)
    return app


def import_here(name: str) -> ModuleType:
    """Import a module of the user's; the current directory is looked in first.

    Args:
        name: The module's name.

    Raises:
        StartError: When there is none, or it cannot be imported; it says where.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return _import(name)


def import_subscribers(app: Celery) -> None:
    """Import the modules that *app* would import when its worker starts, as it would.

    Celery's own signal goes before: by it Django is set up, without which its models are not to be
    imported.

    Args:
        app: The Celery app.

    Raises:
        StartError: When one cannot be; it says which and where.
    """
    for _, answer in signals.import_modules.send(sender=app):
        if isinstance(answer, Exception):
            message = f"what is to run before the subscribers are imported has failed: {answer}"
            raise StartError(message) from answer
    for name in dict.fromkeys([*(app.conf.imports or ()), *(app.conf.include or ())]):
        _import(name)


def check_servers(settings: Settings, app: Celery) -> None:
    """Ask the ledger's server and the broker whether they are there.

    Args:
        settings: Where the ledger is.
        app: Knows its broker.

    Raises:
        StartError: When one does not answer within a few seconds.
    """
    ledger = redis.Redis.from_url(
        settings.ledger_url,
        socket_timeout=_ANSWER_WITHIN,
        socket_connect_timeout=_ANSWER_WITHIN,
        retry=None,
        **ledger_tls(settings),
    )
    try:
        ledger.ping()
    except (redis.RedisError, OSError) as error:
        advice = tls_advice(settings.ledger_url, error)
        raise StartError(_say_missing_ledger(settings) + advice) from error
    finally:
        ledger.close()
    if not settings.broker_url and app.conf.broker_url == settings.celery_broker_url:
        return  # the same server
    with app.connection_for_write(connect_timeout=_ANSWER_WITHIN) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_ANSWER_WITHIN)
        except (KombuError, OSError) as error:
            message = (
                f"the broker {connection.as_uri()} does not answer: "
                "start it, or set EVENTFLOW_BROKER_URL to one that runs"
            )
            message += tls_advice(str(app.conf.broker_url), error)
            raise StartError(message) from error


def _say_missing_ledger(settings: Settings) -> str:
    if settings.embedded:
        return (
            f"no server answers on {settings.socket_path}: start the embedded one with "
            "`eventflow up`, or set EVENTFLOW_BROKER_URL or EVENTFLOW_REDIS_URL to one that runs"
        )
    variable = "EVENTFLOW_REDIS_URL" if settings.redis_url else "EVENTFLOW_BROKER_URL"
    return (
        f"the Redis or Valkey at {mask_url(settings.ledger_url)} does not answer: "
        f"start it, or set {variable} to one that runs"
    )


def _import(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            message = (
                f"there is no module {name!r} in {Path.cwd()}, nor elsewhere on the Python path: "
                "run this in your project's folder, or set EVENTFLOW_WORKERS to the module that "
                "holds your Celery app"
            )
            raise StartError(message) from None
        raise StartError(_say_broken(name, error)) from error
    except EventflowError:
        raise
    except Exception as error:  # the user's own module may raise anything
        raise StartError(_say_broken(name, error)) from error


def _say_broken(name: str, error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"the module {name!r} cannot be imported: {error.filename}:{error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_file(frame)]
    # The last line that is the user's own, rather than of a library that he called.
    own = [frame for frame in frames if _is_own(Path(frame.filename))]
    place = next((f": {frame.filename}:{frame.lineno}" for frame in reversed(own or frames)), "")
    return f"the module {name!r} cannot be imported{place}"


def _is_file(frame: traceback.FrameSummary) -> bool:
    path = Path(frame.filename)
    return path.is_file() and path != Path(__file__) and "importlib" not in path.parts


def _is_own(path: Path) -> bool:
    return path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts
