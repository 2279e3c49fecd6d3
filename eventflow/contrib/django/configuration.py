"""`settings.EVENTFLOW` as eventflow's settings, and the one EventFlow of a process."""

import difflib
import os
import threading
from collections.abc import Mapping
from typing import Any

from celery import Celery
from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from eventflow.app import EventFlow
from eventflow.errors import SettingsError
from eventflow.settings import Settings, load_settings

__all__ = ["export_settings", "get_flow", "load_celery", "read_settings"]

_NAME = "EVENTFLOW"
_CELERY = "CELERY"
_KEYS = frozenset({_CELERY, *(name.upper() for name in Settings.model_fields)})


class _Process:
    """What a process makes once."""

    lock = threading.Lock()
    flow: EventFlow | None = None


def get_flow() -> EventFlow:
    """Return the process's EventFlow, made of `settings.EVENTFLOW` when first asked for.

    Returns:
        Always the same one. It connects when it is first used, and is safe in threads and after a
        fork.

    Raises:
        SettingsError: When a setting cannot be; `manage.py check` says the same.
    """
    if _Process.flow is None:
        with _Process.lock:
            if _Process.flow is None:
                _Process.flow = EventFlow(read_settings(), celery=load_celery())
    return _Process.flow


def read_settings() -> Settings:
    """Read `settings.EVENTFLOW`; what it does not name is from the environment, `EVENTFLOW_…`.

    Returns:
        The settings.

    Raises:
        SettingsError: When it is no dict, has an unknown key, or a value cannot be; every fault.
    """
    values = _given()
    faults = [_unknown(key) for key in values if key not in _KEYS]
    known = {key.lower(): values[key] for key in values if key in _KEYS and key != _CELERY}
    try:
        settings = load_settings(**known)
    except SettingsError as error:
        raise SettingsError("\n  ".join([*faults, _in_django_words(str(error), known)])) from None
    if faults:
        raise SettingsError("\n  ".join(faults))
    return settings


def export_settings() -> None:
    """Put `settings.EVENTFLOW` into the environment, for what reads its settings from there.

    Raises:
        SettingsError: As `read_settings`.
    """
    read_settings()
    for name, value in _given().items():
        if name != _CELERY and value is not None:
            os.environ[f"EVENTFLOW_{name}"] = str(value)


def load_celery() -> Celery | None:
    """Return the project's own Celery app, where `EVENTFLOW["CELERY"]` names one to join.

    Raises:
        SettingsError: When there is none by that name.
    """
    path = _given().get(_CELERY)
    if path is None:
        return None
    try:
        app = import_string(path)
    except (ImportError, TypeError, AttributeError) as error:
        message = (
            f'{_NAME}["{_CELERY}"]: {path!r} cannot be imported ({error}): write the path of a '
            'Celery app, such as "shop.celery.app"'
        )
        raise SettingsError(message) from error
    if not isinstance(app, Celery):
        message = f'{_NAME}["{_CELERY}"]: {path!r} is a {type(app).__name__}, and no Celery app'
        raise SettingsError(message)
    return app


def _given() -> Mapping[str, Any]:
    values = getattr(django_settings, _NAME, None) or {}
    if not isinstance(values, Mapping):
        message = (
            f'{_NAME} is a {type(values).__name__}: write a dict, such as {{"BROKER_URL": '
            '"redis://…"}'
        )
        raise SettingsError(message)
    return values


def _unknown(key: object) -> str:
    text = str(key)
    near = difflib.get_close_matches(text.upper().removeprefix("EVENTFLOW_"), _KEYS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{_NAME}[{key!r}]: there is no such setting{hint}"


def _in_django_words(text: str, known: Mapping[str, object]) -> str:
    """Name each setting as it was given: in the dict, or in the environment."""
    for name in known:
        text = text.replace(f"EVENTFLOW_{name.upper()}: ", f'{_NAME}["{name.upper()}"]: ')
    return text


def _forget(*, setting: str, **_: object) -> None:
    """Make the EventFlow anew when a test overrides its settings."""
    if setting == _NAME:
        with _Process.lock:
            _Process.flow = None


setting_changed.connect(_forget, dispatch_uid="eventflow.contrib.django")
