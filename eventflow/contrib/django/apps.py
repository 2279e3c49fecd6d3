"""The app as Django sees it."""

from django.apps import AppConfig

__all__ = ["EventflowConfig"]


class EventflowConfig(AppConfig):
    """eventflow in `INSTALLED_APPS`: the outbox's model, its admin pages, commands and checks."""

    name = "eventflow.contrib.django"
    label = "eventflow"
    verbose_name = "eventflow"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        from eventflow.contrib.django import checks  # noqa: PLC0415 - apps load before models do

        checks.register_checks()
