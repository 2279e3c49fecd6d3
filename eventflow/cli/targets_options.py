"""What the commands of `eventflow targets` share: options, and which targets there are."""

import click

from eventflow.delivery import Ledger, Ledgers
from eventflow.rules import Target
from eventflow.settings import load_settings

__all__ = ["bus_option", "known_targets", "ledger_with"]

bus_option = click.option("--bus", default="default", show_default=True, help="The bus.")
"""The option ``--bus``."""


def known_targets(ledger: Ledger) -> dict[str, Target]:
    """Return the targets that routers announced, by name.

    Args:
        ledger: Their bus's ledger.

    Raises:
        LedgerError: When the ledger cannot be reached.
    """
    announced = ledger.targets()
    return {name: Target.model_validate_json(text) for name, text in announced.items()}


def ledger_with(target: str, bus: str, *others: str) -> Ledger:
    """Return a bus's ledger, which knows a target.

    Args:
        target: The target's name.
        bus: The bus.
        others: Names that are allowed beside those of targets.

    Raises:
        click.UsageError: When nobody has announced such a target there.
        LedgerError: When the ledger cannot be reached.
    """
    ledger = Ledgers(load_settings()).of(bus)
    known = ledger.targets()
    if target not in known and target not in others:
        message = f"no target {target!r}; known are: {', '.join(sorted(known)) or 'none yet'}"
        raise click.UsageError(message)
    return ledger
