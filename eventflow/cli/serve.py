"""`eventflow serve`: events over HTTP."""

import ipaddress

import click

from eventflow.cli.output import say

__all__ = ["serve"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8080, show_default=True, help="The port."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer; a publisher's rate counts in each of them.",
)
@click.option(
    "--no-auth",
    is_flag=True,
    help="Ask nobody who he is; on this machine alone (loopback).",
)
def serve(host: str, port: int, workers: int, no_auth: bool) -> None:
    """Take events over HTTP: CloudEvents, EventBridge's protocol and signed webhooks.

    EVENTFLOW_PUBLISHERS names the file of those who may publish. Behind a proxy that ends TLS,
    or under gunicorn: `gunicorn -k asgi -w 4 'eventflow.gateway:create_app()'`.
    """
    from eventflow.app import EventFlow  # noqa: PLC0415 - not needed for --help
    from eventflow.cli.application import check_servers  # noqa: PLC0415
    from eventflow.gateway import create_app, create_open_app  # noqa: PLC0415
    from eventflow.settings import load_settings  # noqa: PLC0415

    if no_auth and not _is_loopback(host):
        message = f"--no-auth is for loopback alone, such as 127.0.0.1, and not for {host}"
        raise click.UsageError(message)
    settings = load_settings()
    if settings.metrics_port:
        from eventflow.metrics.serving import ServedMetrics  # noqa: PLC0415

        # Before anything counts; the processes that answer count in the same folder.
        metrics = ServedMetrics(address=settings.metrics_address, port=settings.metrics_port)
    create = create_open_app if no_auth else create_app
    create()  # here, so that what is wrong is one line; the processes make their own
    check_servers(settings, EventFlow(settings).celery)
    from eventflow.gateway.server import run_server  # noqa: PLC0415 - needs the extra `http`

    where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if settings.metrics_port:
        metrics.serve()
    if settings.log_format == "text":
        say(f"takes events at {where}/events; what else there is: {where}/docs")
    run_server(
        f"{create.__module__}:{create.__name__}",
        host=host,
        port=port,
        workers=workers,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
