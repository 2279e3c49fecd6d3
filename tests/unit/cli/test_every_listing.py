"""Every listing of the command line has JSON, filters and pages."""

from collections.abc import Iterator

import click
import pytest

from eventflow.cli.main import cli

LISTINGS = {"list", "events", "groups"}
COMMON = {"as_json", "limit", "after"}


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Give every command below a group, with its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = {name: command for name, command in commands(cli) if name.split()[-1] in LISTINGS}


def test_listings_are_found() -> None:
    """The test below looks at something."""
    assert {"deadletters list", "targets list", "retries list", "rules list"} <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_listing_has_json_filters_and_pages(name: str) -> None:
    """`--json`, `--limit` and `--after`, and at least one option that chooses among its rows."""
    names = {parameter.name for parameter in ALL[name].params}
    assert names >= COMMON, f"{name} has no {COMMON - names}"
    assert names - COMMON, f"{name} has no filter"
