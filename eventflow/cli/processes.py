"""The commands `router`, `recorder` and `worker`: a Celery worker, in this process.

Plain `celery -A workers worker -Q …` does the same: all set-up hangs on Celery's own signals.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence

import click

from eventflow.cli.output import say
from eventflow.errors import LedgerError, RuleError
from eventflow.settings import Settings, load_settings

__all__ = ["known_targets", "queues_of", "recorder", "router", "worker"]

_ROUTE = "eventflow.route"
_RECORDED = ("eventflow.dead-letters", "eventflow.archive", "eventflow.journal")
_name_option = click.option(
    "--name", metavar="NAME", help="The node's name before the @; unique on each host."
)


@click.command()
@_name_option
def router(name: str | None) -> None:
    """Start a router: it matches events against the rules, and queues their deliveries.

    Any number may run. Each picks up changed rule files by itself.
    """
    _run(load_settings(), name or "router", [_ROUTE], pool="solo")


@click.command()
@_name_option
def recorder(name: str | None) -> None:
    """Start the recorder: it writes dead letters, archived events and the journal to the store."""
    _run(load_settings(), name or "recorder", _RECORDED, pool="solo")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="TARGET...")
@click.option(
    "-c",
    "--concurrency",
    type=click.IntRange(1, 1000),
    help="Processes or threads that run deliveries.  [default: EVENTFLOW_CONCURRENCY]",
)
@click.option(
    "-P",
    "--pool",
    type=click.Choice(["prefork", "threads", "solo"]),
    default="prefork",
    show_default=True,
    help="What runs deliveries.",
)
@_name_option
def worker(names: tuple[str, ...], concurrency: int | None, pool: str, name: str | None) -> None:
    """Start a worker for targets, or for all targets of an integration."""
    settings = load_settings()
    queues = queues_of(names, known_targets(settings, names))
    _run(
        settings,
        name if name is not None else "+".join(dict.fromkeys(names)),
        queues,
        pool=pool,
        concurrency=concurrency if concurrency is not None else settings.concurrency,
    )


def queues_of(names: Sequence[str], targets: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the queues that a worker of those names reads.

    Args:
        names: Of integrations and targets; an integration goes before a target of its name.
        targets: Each known target's integration and queue.

    Returns:
        The queues, each once, sorted.

    Raises:
        click.UsageError: When a name is unknown; it lists those that are known.
    """
    queues: set[str] = set()
    unknown = []
    for name in names:
        found = {queue for integration, queue in targets.values() if integration == name}
        if not found and name in targets:
            found = {targets[name][1]}
        if not found:
            unknown.append(name)
        queues |= found
    if unknown:
        known = sorted({*targets, *(integration for integration, _ in targets.values())})
        message = (
            f"no target or integration is named {', '.join(repr(name) for name in unknown)}. "
            f"Known are: {', '.join(known) or 'none'}."
        )
        raise click.UsageError(message)
    return sorted(queues)


def known_targets(settings: Settings, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the targets of the rule files; where those are missing or faulty, of the ledger.

    Args:
        settings: Where both are.
        names: Of targets and integrations; the ledger does only where it knows all of them.

    Returns:
        Each target's integration and queue.

    Raises:
        RuleError: When the rules cannot be used, and the ledger does not know every name.
    """
    from eventflow.rules import Target, load_rules  # noqa: PLC0415 - not needed for --help

    try:
        targets = dict(load_rules(settings.rules).targets)
    except RuleError as fault:
        from eventflow.delivery import Ledgers  # noqa: PLC0415

        ledgers = Ledgers(settings)
        try:
            targets = {
                name: Target.model_validate_json(text)
                for bus in ledgers.buses()
                for name, text in ledgers.of(bus).targets().items()
            }
        except LedgerError:
            raise fault from None
        known = {*targets, *(target.integration for target in targets.values())}
        if not known.issuperset(names):
            raise
        if settings.rules.exists():
            say(f"{fault}\nThe targets that a router announced earlier are used.", style="yellow")
    return {name: (target.integration, target.queue) for name, target in targets.items()}


def _run(
    settings: Settings, name: str, queues: Sequence[str], *, pool: str, concurrency: int = 1
) -> None:
    from celery.platforms import SecurityWarning  # noqa: PLC0415 - not needed for --help

    from eventflow.cli.application import (  # noqa: PLC0415
        check_servers,
        import_subscribers,
        load_app,
    )

    # Celery warns root of pickle, which nothing here reads.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # Nor does it help to read, at each loss of the broker, of late acknowledgements. Celery shows
    # its own warnings whatever the filters say, through this logger.
    logging.getLogger("py.warnings").addFilter(_matters)
    app = load_app(settings)
    check_servers(settings, app)
    import_subscribers(app)
    if settings.log_format == "text":
        say(f"reads the queue{'s' if queues[1:] else ''} {', '.join(queues)}")
    argv = ["--quiet", "worker", "--without-gossip", "--without-mingle"]
    argv += ["--queues", ",".join(queues), "--hostname", f"{name}@%h"]
    argv += ["--pool", pool, "--concurrency", str(concurrency)]
    argv += ["--loglevel", settings.log_level]
    if settings.task_events:
        argv.append("--task-events")
    app.worker_main(argv)


def _matters(record: logging.LogRecord) -> bool:
    return "In Celery 5.1 we introduced" not in record.getMessage()
