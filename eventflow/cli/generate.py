"""`eventflow generate`: dashboard, alerts and scalers of the rules' targets."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eventflow.cli.output import say
from eventflow.cli.text_files import changed, diff_text, write_texts
from eventflow.settings import load_settings

if TYPE_CHECKING:
    from eventflow.rules import RuleSet

__all__ = ["generate"]

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_STDOUT = Path("-")


def _output_options(command: CommandT) -> CommandT:
    options = (
        click.option(
            "--check", "is_check", is_flag=True, help="Write nothing; exit with 1 if it differs."
        ),
        click.option(
            "--output",
            default=str(_STDOUT),
            type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            help="The file to write.  [default: -, which is stdout]",
        ),
        click.option(
            "--rules",
            "rules_path",
            type=click.Path(path_type=Path),
            help="The rule files.  [default: EVENTFLOW_RULES]",
        ),
    )
    for option in options:
        command = option(command)
    return command


@click.group()
def generate() -> None:
    """Write what other tools are set up with: a dashboard, alerts, scalers.

    They follow the targets of the rule files: generate them anew when those change. `--check` in CI
    says when that was forgotten.
    """


@generate.command()
@_output_options
@click.option("--title", default="eventflow", show_default=True, help="The dashboard's title.")
@click.pass_context
def grafana(
    ctx: click.Context, *, rules_path: Path | None, output: Path, is_check: bool, title: str
) -> None:
    """Write a Grafana dashboard: the deployment, and a row for each target."""
    from eventflow.provisioning.grafana import dashboard  # noqa: PLC0415 - `--help` is quick

    _give(ctx, dashboard(_rules(rules_path), title=title), output, is_check=is_check)


@generate.command()
@_output_options
@click.option(
    "--job",
    default="eventflow",
    show_default=True,
    help="The job_name under which Prometheus scrapes eventflow.",
)
@click.pass_context
def alerts(
    ctx: click.Context, *, rules_path: Path | None, output: Path, is_check: bool, job: str
) -> None:
    """Write Prometheus' alert rules: for the deployment, and for each target with its owner."""
    from eventflow.provisioning.alerts import alert_rules  # noqa: PLC0415

    _give(ctx, alert_rules(_rules(rules_path), job=job), output, is_check=is_check)


@generate.command()
@_output_options
@click.option("--min", "least", default=1, show_default=True, type=click.IntRange(0, 1000))
@click.option("--max", "most", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--messages",
    default=20,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Messages on a queue for each worker.",
)
@click.option("--namespace", default="", help="Of Kubernetes.  [default: where it is applied]")
@click.pass_context
def keda(
    ctx: click.Context,
    *,
    rules_path: Path | None,
    output: Path,
    is_check: bool,
    least: int,
    most: int,
    messages: int,
    namespace: str,
) -> None:
    """Write KEDA's scalers: workers of each integration, by the length of its queues.

    The broker is that of EVENTFLOW_BROKER_URL, or of EVENTFLOW_REDIS_URL; its login is not written,
    the scalers name a secret.
    """
    from eventflow.provisioning.keda import Scale, read_broker, scaled_objects  # noqa: PLC0415

    if least > most:
        message = f"--min {least} is more than --max {most}"
        raise click.UsageError(message)
    settings = load_settings()
    broker = read_broker(settings.broker_url or settings.redis_url)
    scale = Scale(least, most, messages, settings.concurrency, namespace)
    _give(ctx, scaled_objects(_rules(rules_path), broker, scale), output, is_check=is_check)


def _rules(path: Path | None) -> "RuleSet":
    from eventflow.rules import load_rules  # noqa: PLC0415

    return load_rules(path if path is not None else load_settings().rules)


def _give(ctx: click.Context, text: str, output: Path, *, is_check: bool) -> None:
    """Print the text, write it, or say how the file differs."""
    if output == _STDOUT:
        if is_check:
            message = "--check compares with a file: name it with --output"
            raise click.UsageError(message)
        click.echo(text, nl=False)
        return
    different = changed({output: text})
    if is_check:
        if different:
            click.echo(diff_text(output, text), nl=False)
            say(f"{output} is not what the rules say: generate it anew.", style="red")
            ctx.exit(1)
        click.echo(f"{output}: as the rules say")
        return
    write_texts(different)
    click.echo(f"wrote {output}" if different else f"{output} is the same")
