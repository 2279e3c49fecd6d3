"""`eventflow publish`: events from the command line, a file, or standard input."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from eventflow.cli.output import json_option, print_json, print_table, say

__all__ = ["publish"]


@click.command()
@click.option("--source", help="Who says so, such as courier.app.")
@click.option("--type", "event_type", help="What happened, such as CourierArrived.")
@click.option("--data", help="The event's content, a JSON object.")
@click.option("--id", "event_id", help="The event's id; one that is known already counts as done.")
@click.option("--subject", help="What it is about.")
@click.option("--bus", help="The bus; default unless said.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Events to publish, one JSON object a line, with eventflow's or EventBridge's names; "
    "- for standard input.",
)
@json_option
def publish(path: Path | None, *, as_json: bool, **fields: str | None) -> None:
    """Publish one event, or a file of events.

    When this ends with 0, every event is in the ledger. A file is checked as a whole first.
    """
    from eventflow.app import EventFlow  # noqa: PLC0415 - `--help` need not pay for Celery
    from eventflow.cli.event_files import read_events  # noqa: PLC0415
    from eventflow.embedded import running_server  # noqa: PLC0415
    from eventflow.events import validate_event  # noqa: PLC0415

    document = _document(path, fields)
    flow = EventFlow()
    if document is not None:
        events = [validate_event(document)]
    else:
        source = Path("/dev/stdin") if str(path) == "-" else Path(str(path))
        events = read_events(
            source,
            max_bytes=flow.settings.max_event_bytes,
            max_depth=flow.settings.max_event_depth,
        )
    with ExitStack() as stack:
        is_alone = False
        if flow.settings.embedded:
            is_alone = stack.enter_context(running_server(flow.settings)).owned
        flow.publish_many(events)
    if as_json:
        print_json(
            [{"id": event.id, "source": event.source, "type": event.type} for event in events]
        )
    else:
        print_table(
            ["id", "source", "type"], [[event.id, event.source, event.type] for event in events]
        )
    if is_alone:
        say("Accepted and safe. Nothing runs here now: `eventflow up` routes and delivers it.")


def _document(path: Path | None, fields: dict[str, str | None]) -> dict[str, Any] | None:
    """Return the event that the options make; None when a file brings the events."""
    given = {name: value for name, value in fields.items() if value is not None}
    if path is not None:
        if given:
            message = "--file brings whole events: leave out the other options"
            raise click.UsageError(message)
        return None
    if fields["source"] is None or fields["event_type"] is None:
        message = "say --source and --type (and --data), or --file"
        raise click.UsageError(message)
    data = given.pop("data", "{}")
    names = {"event_type": "type", "event_id": "id"}
    document: dict[str, Any] = {names.get(name, name): value for name, value in given.items()}
    try:
        document["data"] = json.loads(data)
    except (ValueError, RecursionError) as error:
        message = f"--data is no JSON: {error}"
        raise click.UsageError(message) from None
    return document
