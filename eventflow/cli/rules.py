"""`eventflow rules`: check the rule files, list what they say, explain what they decide."""

from pathlib import Path

import click

from eventflow.cli.listing import Column, page_of, paging, print_rows, say_more
from eventflow.cli.output import json_option, print_json
from eventflow.cli.rules_check import check
from eventflow.cli.rules_explain import explain
from eventflow.cli.rules_path import choose_path, path_argument
from eventflow.cli.rules_tests import run_tests
from eventflow.rules import ARCHIVE, Archive, Rule, Target, load_rules
from eventflow.rules.archives import FOREVER
from eventflow.units import format_duration

__all__ = ["rules"]


@click.group()
def rules() -> None:
    """Check, list, explain and test the rules.

    PATH is a directory of rule files, or one file; EVENTFLOW_RULES unless given, which is the
    directory `rules` unless set.
    """


rules.add_command(check)
rules.add_command(explain)
rules.add_command(run_tests)


@rules.command(name="list")
@path_argument
@click.option("--bus", help="Only rules of this bus.")
@click.option("--target", help="Only rules that deliver to this target.")
@click.option("--owner", help="Only this owner's rules.")
@click.option("--enabled/--disabled", "is_enabled", default=None, help="Only rules that are so.")
@paging()
@json_option
def list_(
    *,
    path: Path | None,
    bus: str | None,
    target: str | None,
    owner: str | None,
    is_enabled: bool | None,
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List the rules, their targets, and the archives.

    With a filter, or in pages, the targets are those of the rules that are shown.
    """
    rule_set = load_rules(choose_path(path))
    found = [
        rule
        for rule in rule_set.rules
        if bus in (None, rule.bus)
        and (target is None or any(each.target == target for each in rule.targets))
        and owner in (None, rule.owner)
        and is_enabled in (None, rule.enabled)
    ]
    page = page_of(found, cursor=lambda rule: rule.name, limit=limit, after=after)
    targets = list(rule_set.targets.values())
    if len(page.items) < len(rule_set.rules):
        named = {each.target for rule in page.items for each in rule.targets}
        targets = [each for each in targets if each.name in named]
    archives = [
        archive
        for archive in rule_set.archives
        if bus in (None, archive.bus)
        and target in (None, ARCHIVE)
        and owner in (None, archive.owner)
        and is_enabled in (None, archive.enabled)
    ]
    if as_json:
        print_json(
            {
                "rules": [_rule_document(rule) for rule in page.items],
                "targets": [each.model_dump(mode="json") for each in targets],
                "archives": [_archive_document(archive) for archive in archives],
            }
        )
    else:
        print_rows(page.items, _RULE_COLUMNS)
        click.echo()
        print_rows(targets, _TARGET_COLUMNS)
        if archives:
            click.echo()
            print_rows(archives, _ARCHIVE_COLUMNS)
    say_more(page)


def _describe_retry(target: Target) -> str:
    policy = target.retry
    return f"{policy.max_attempts} in {format_duration(policy.max_age)}"


def _describe_retention(archive: Archive) -> str:
    return "forever" if archive.retention == FOREVER else format_duration(archive.retention)


_RULE_COLUMNS = [
    Column[Rule]("RULE", lambda rule: rule.name),
    Column[Rule]("BUS", lambda rule: rule.bus),
    Column[Rule]("ENABLED", lambda rule: "yes" if rule.enabled else "no"),
    Column[Rule]("TARGETS", lambda rule: ", ".join(each.target for each in rule.targets)),
    Column[Rule]("OWNER", lambda rule: rule.owner),
    Column[Rule]("DESCRIPTION", lambda rule: rule.description),
]
_TARGET_COLUMNS = [
    Column[Target]("TARGET", lambda target: target.name),
    Column[Target]("TASK", lambda target: target.task),
    Column[Target]("QUEUE", lambda target: target.queue),
    Column[Target]("INTEGRATION", lambda target: target.integration),
    Column[Target]("TIMEOUT", lambda target: format_duration(target.timeout)),
    Column[Target]("RETRY", _describe_retry),
    Column[Target]("OWNER", lambda target: target.owner),
    Column[Target]("DESCRIPTION", lambda target: target.description),
]
_ARCHIVE_COLUMNS = [
    Column[Archive]("ARCHIVE", lambda archive: archive.name),
    Column[Archive]("BUS", lambda archive: archive.bus),
    Column[Archive]("ENABLED", lambda archive: "yes" if archive.enabled else "no"),
    Column[Archive]("RETENTION", _describe_retention),
    Column[Archive]("OWNER", lambda archive: archive.owner),
    Column[Archive]("DESCRIPTION", lambda archive: archive.description),
]


def _archive_document(archive: Archive) -> dict[str, object]:
    document = _rule_document(archive)
    del document["targets"]
    return document | {"retention": None if archive.retention == FOREVER else archive.retention}


def _rule_document(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "description": rule.description,
        "owner": rule.owner,
        "bus": rule.bus,
        "enabled": rule.enabled,
        "pattern": rule.pattern.source,
        "targets": [
            {"target": each.target, "input": dict(each.input.document) if each.input else None}
            for each in rule.targets
        ],
        "file": rule.file,
        "line": rule.line,
    }
