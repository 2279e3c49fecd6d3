"""`manage.py eventflow …`: the commands of `eventflow`, with the settings of this project."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from eventflow.cli.main import main
from eventflow.contrib.django.configuration import export_settings
from eventflow.errors import SettingsError

__all__ = ["Command"]


class Command(BaseCommand):
    """Runs `eventflow` with what `settings.EVENTFLOW` says."""

    help = (
        "Run eventflow's own commands with this project's settings: see `manage.py eventflow -h`."
    )
    requires_system_checks = ()  # `doctor` is for when something is wrong

    def run_from_argv(self, argv: list[str]) -> None:
        """Give everything after the command's name to `eventflow`, which has options of its own."""
        try:
            self.handle(*argv[2:])
        except CommandError as error:
            self.stderr.write(str(error))
            raise SystemExit(error.returncode) from None

    def handle(self, *arguments: str, **_: Any) -> None:
        """Run a command, and exit as it does.

        Raises:
            CommandError: When a setting cannot be.
        """
        try:
            export_settings()
        except SettingsError as error:
            raise CommandError(str(error)) from error
        main(arguments)
