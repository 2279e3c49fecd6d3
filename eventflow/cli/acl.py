"""`eventflow acl`: what a user of Redis or RabbitMQ needs for its processes, and nothing more."""

import shlex
from collections.abc import Sequence
from typing import Any, TypeVar

import click

from eventflow.cli.output import json_option, print_json
from eventflow.cli.processes import known_targets, queues_of
from eventflow.privileges import Duty, Role, acl_of, permissions_of
from eventflow.settings import Settings, load_settings

__all__ = ["acl"]

CommandT = TypeVar("CommandT", bound=Any)  # Any: click's decorators type what they decorate so


def _user_options(command: CommandT) -> CommandT:
    options = (
        click.option(
            "--user", metavar="NAME", help="The user.  [default: the role or its targets]"
        ),
        click.option(
            "--publishes", is_flag=True, help="A worker's subscribers publish events, too."
        ),
        click.option(
            "--target",
            "names",
            multiple=True,
            metavar="TARGET",
            help="A worker's target or integration; several times for several.",
        ),
        click.option(
            "--role",
            type=click.Choice([role.value for role in Role]),
            required=True,
            help="What the user's processes are.",
        ),
        json_option,
    )
    for option in options:
        command = option(command)
    return command


@click.group()
def acl() -> None:
    """Print what a user may do, for least privilege.

    Targets and their queues come from the rule files, or from the ledger where there are none.
    Passwords are neither read nor printed.
    """


@acl.command()
@_user_options
@click.option("--bus", "buses", multiple=True, metavar="BUS", help="Only this bus.")
@click.option(
    "--database",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="The number of the broker's database, as in its address.",
)
@click.option(
    "--ledger-only",
    is_flag=True,
    help="The server is not the broker.  [default: as EVENTFLOW_BROKER_URL says]",
)
def redis(
    *,
    role: str,
    names: tuple[str, ...],
    user: str | None,
    publishes: bool,
    buses: tuple[str, ...],
    database: int,
    ledger_only: bool,
    as_json: bool,
) -> None:
    """Print a user of Redis 7 or Valkey as the command that makes or changes it."""
    settings = load_settings()
    targets = _targets(settings, Role(role), names)
    duty = Duty(Role(role), targets, buses or ("*",), database=database, publishes=publishes)
    has_broker = not (ledger_only or settings.broker_url.startswith("amqp"))
    rules = acl_of(duty, has_broker=has_broker)
    name = user or _default_user(role, names)
    if as_json:
        print_json({"user": name, "rules": rules})
    else:
        click.echo(
            " ".join(["ACL", "SETUSER", name, *rules])
        )  # for redis-cli, which needs no quotes


@acl.command()
@_user_options
@click.option("--vhost", default="/", show_default=True, help="The virtual host.")
@click.option(
    "--node",
    help="What the processes' nodes are called before the @.  [default: as `eventflow` names them]",
)
def rabbitmq(
    *,
    role: str,
    names: tuple[str, ...],
    user: str | None,
    publishes: bool,
    vhost: str,
    node: str | None,
    as_json: bool,
) -> None:
    """Print a user's permissions in RabbitMQ as the command that sets them."""
    targets = _targets(load_settings(), Role(role), names)
    called = node or ("+".join(dict.fromkeys(names)) if role == Role.WORKER else role)
    duty = Duty(Role(role), targets, node=called, publishes=publishes)
    permissions = permissions_of(duty)
    name = user or _default_user(role, names)
    expressions = (permissions.configure, permissions.write, permissions.read)
    if as_json:
        kinds = ("configure", "write", "read")
        print_json({"user": name, "vhost": vhost, **dict(zip(kinds, expressions, strict=True))})
    else:
        click.echo(shlex.join(["rabbitmqctl", "set_permissions", "-p", vhost, name, *expressions]))


def _targets(settings: Settings, role: Role, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the targets that a role is about, each with its queue."""
    if role is Role.WORKER:
        if not names:
            message = "say which targets or integrations the worker is for: --target NAME"
            raise click.UsageError(message)
    elif names:
        message = f"--target is for workers; of a {role} all targets are its business, or none"
        raise click.UsageError(message)
    if role not in {Role.WORKER, Role.ROUTER, Role.OPERATOR}:
        return ()
    known = known_targets(settings, names)
    queues = set(queues_of(names, known)) if names else {queue for _, queue in known.values()}
    return tuple(sorted((name, queue) for name, (_, queue) in known.items() if queue in queues))


def _default_user(role: str, names: Sequence[str]) -> str:
    return "+".join(dict.fromkeys(names)) or role
