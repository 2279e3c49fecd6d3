"""`eventflow targets start`: a new target gets what happened before it was there."""

import time

import click

from eventflow.cli.output import json_option, say
from eventflow.cli.replay_options import dry_option, name_option, rate_option, since_option

__all__ = ["start_target"]

_WAIT = 0.2  # seconds between two looks
_MOST_NAME = 64  # characters of a replay's name


@click.command("start")
@click.argument("target")
@since_option
@rate_option
@name_option
@click.option("--bus", default="default", show_default=True, help="The bus.")
@dry_option
@json_option
@click.pass_context
def start_target(
    context: click.Context,
    /,
    target: str,
    *,
    since: float | None,
    rate: str | None,
    name: str | None,
    bus: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Give a new target the events since a moment, besides what it receives from now on.

    Put the target and its rules into force first. Then this sends it, from the archive, what its
    rules match and what it was not sent when it happened: so it gets each event once, whenever each
    router learned of it. It is a replay, and can be resumed and cancelled as one.
    """
    from eventflow.cli.actor import who  # noqa: PLC0415 - other commands of `targets` need no store
    from eventflow.cli.replay import show_estimate  # noqa: PLC0415
    from eventflow.cli.replay_running import as_wrong_use, replaying, show_run  # noqa: PLC0415
    from eventflow.replay.request import ReplayRequest  # noqa: PLC0415

    if since is None:
        message = "say from when on: --from 30d, --from 2026-11-23T19:56:00Z, --from 2026-11-23"
        raise click.UsageError(message)
    with replaying() as replayer, as_wrong_use():
        request = ReplayRequest(
            bus=bus,
            since=since,
            until=replayer.now(),
            targets=(target,),
            rate=rate or "",
            unsent_to=target,
        )
        name = name or f"start-{target}"[:_MOST_NAME]
        if dry_run:
            show_estimate(replayer, request, name, as_json=as_json)
            return
        run, said = replayer.begin_target, ""

        def wait(what: str) -> None:
            nonlocal said
            if what != said and not as_json:
                say(f"Waits for {what}.")
            said = what
            time.sleep(_WAIT)

        code = show_run(
            "targets start",
            lambda tell: run(request, name, who(), tell, wait),
            name=name,
            as_json=as_json,
            target=target,
        )
    context.exit(code)
