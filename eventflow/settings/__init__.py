"""Settings: every one from the environment, with a default that works, refused at start if wrong."""

from eventflow.addresses import mask_url
from eventflow.settings.duration import Duration
from eventflow.settings.settings import Settings, load_settings

__all__ = ["Duration", "Settings", "load_settings", "mask_url"]
