"""`app.config["EVENTFLOW_…"]` as eventflow's settings."""

import difflib

from flask import Flask

from eventflow.errors import SettingsError
from eventflow.settings import Settings, load_settings

__all__ = ["given_keys", "read_settings"]

_PREFIX = "EVENTFLOW_"


def given_keys(app: Flask) -> list[str]:
    """Return the keys of the app's configuration that are settings of eventflow."""
    return sorted(key for key in app.config if key.startswith(_PREFIX))


def read_settings(app: Flask) -> Settings:
    """Read `app.config["EVENTFLOW_…"]`; what it does not have is from the environment.

    Returns:
        The settings.

    Raises:
        SettingsError: When there is no such setting, or a value cannot be; every fault.
    """
    keys = given_keys(app)
    faults = [_unknown(key) for key in keys if _field_of(key) not in Settings.model_fields]
    values = {
        _field_of(key): app.config[key] for key in keys if _field_of(key) in Settings.model_fields
    }
    try:
        settings = load_settings(**values)
    except SettingsError as error:
        raise SettingsError("\n  ".join([*faults, str(error)])) from None
    if faults:
        raise SettingsError("\n  ".join(faults))
    return settings


def _field_of(key: str) -> str:
    return key.removeprefix(_PREFIX).lower()


def _unknown(key: str) -> str:
    near = difflib.get_close_matches(_field_of(key), Settings.model_fields, n=1)
    hint = f"; did you mean {_PREFIX}{near[0].upper()}?" if near else ""
    return f"app.config[{key!r}]: there is no such setting{hint}"
