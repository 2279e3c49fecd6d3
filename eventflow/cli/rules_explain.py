"""`eventflow rules explain`: which rules match an event, and how near the others come."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from eventflow.cli.output import json_option, print_json, visible
from eventflow.cli.rules_path import choose_path, path_argument
from eventflow.encoding import encode_event
from eventflow.errors import EventError
from eventflow.events import Event, validate_event
from eventflow.patterns import Explanation
from eventflow.rules import ARCHIVE, Rule, RuleSet, load_rules
from eventflow.rules.answers import RuleAnswer, answers_of
from eventflow.rules.faults import suggest
from eventflow.settings import load_settings

__all__ = ["answer_document", "describe_failures", "describe_nearness", "explain"]

_COLOURS = {"matches": "green", "near": "yellow"}
_MOST_NAMED = 8
_MOST_NEAR = 20


@click.command()
@click.option(
    "--event",
    "event_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with one event as JSON, with eventflow's or EventBridge's names; - for standard "
    "input.",
)
@click.option("--rule", "name", help="Explain this rule or archive alone, and all of it.")
@path_argument
@json_option
def explain(path: Path | None, event_path: Path, name: str | None, as_json: bool) -> None:
    """Tell which rules match an event, and of the others which field failed; and who archives it.

    The rules that match come first, then the others by how near they come: the field, what was
    wanted, what the event has there, and a hint where the mistake is a known one. Nothing is
    published.
    """
    event = _read_event(event_path)
    rules = load_rules(choose_path(path))
    chosen = rules.rules if name is None else (_find_rule(rules, name),)
    document = event.to_eventbridge()
    answers = answers_of(chosen, event.bus, document)
    archives = [archive.name for archive in rules.archiving(event.bus, document)]
    if as_json:
        print_json(_to_json(event, answers) | {"archives": archives})
    elif name is None:
        _print_answers(event, answers)
        if archives:
            click.echo(f"\narchived  {_list_names(archives)}")
    else:
        _print_answer(answers[0])


def _read_event(path: Path) -> Event:
    named = "standard input" if str(path) == "-" else str(path)
    try:
        content = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        message = f"{named} cannot be read: {error.strerror}"
        raise EventError(message) from error
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        message = f"{named} is not one event as JSON: {error}"
        raise EventError(message) from None
    settings = load_settings()
    try:
        event = validate_event(document)
        # What could not be published is not explained as though it could.
        encode_event(event, max_bytes=settings.max_event_bytes, max_depth=settings.max_event_depth)
    except EventError as error:
        message = f"{named} holds no event: {error}"
        raise EventError(message) from None
    return event


def _find_rule(rules: RuleSet, name: str) -> Rule:
    for rule in rules.patterned:
        if rule.name == name:
            return rule
    names = [rule.name for rule in rules.patterned]
    message = f"no rule goes by the name {name!r}{suggest(name, names)}"
    raise click.BadParameter(message, param_hint="--rule")


def _to_json(event: Event, answers: Sequence[RuleAnswer]) -> dict[str, object]:
    return {
        "event": {
            "id": event.id,
            "source": event.source,
            "detail-type": event.type,
            "bus": event.bus,
        },
        "rules": [answer_document(answer) for answer in answers],
    }


def answer_document(answer: RuleAnswer) -> dict[str, object]:
    """Return what ``--json`` says of one rule's answer."""
    return {
        "rule": answer.rule.name,
        "status": answer.status,
        "bus": answer.rule.bus,
        "enabled": answer.rule.enabled,
        "targets": [each.target for each in answer.rule.targets],
        "file": answer.rule.file,
        "line": answer.rule.line,
        **answer.explanation.to_json(),
    }


def _print_answers(event: Event, answers: Sequence[RuleAnswer]) -> None:
    matching = [answer for answer in answers if answer.status == "matches"]
    missed = [answer for answer in answers if answer.status == "no match"]
    near = [answer for answer in missed if answer.is_near]
    click.echo(
        f"{visible(event.type)} from {visible(event.source)} on the bus {event.bus}: "
        f"{len(matching)} of {len(answers)} rules match"
    )
    if matching:
        click.echo()
    for answer in matching:
        _print_answer(answer)
    for answer in near[:_MOST_NEAR]:
        click.echo()
        _print_answer(answer)
    if len(near) > _MOST_NEAR:
        more = f"{len(near) - _MOST_NEAR:,} more rules fit in part"
        click.echo(f"\n{more}; --rule NAME explains one, --json prints all")
    far = [answer.rule.name for answer in missed if not answer.is_near]
    if far:
        click.echo(f"\nnothing fits  {_list_names(far)}")
    rest = [answer for answer in answers if answer.status in {"other bus", "disabled"}]
    if rest:
        click.echo()
    for answer in rest:
        click.echo(f"{answer.status}  {answer.rule.name}: {_describe_outside(answer)}")


def _print_answer(answer: RuleAnswer) -> None:
    rule = answer.rule
    explanation = answer.explanation
    targets = ", ".join(each.target for each in rule.targets)
    if answer.status == "matches":
        click.secho("matches", fg=_COLOURS["matches"], nl=False)
        click.echo(f"  {rule.name} → {targets or ARCHIVE}")
        return
    if answer.status == "no match":
        click.secho("no match", fg=_COLOURS["near"], nl=False)
        click.echo(f"  {rule.name}: {describe_nearness(explanation)}")
    else:
        click.echo(f"{answer.status}  {rule.name}: {_describe_outside(answer)}")
    for line in describe_failures(explanation):
        click.echo(line)


def describe_failures(explanation: Explanation) -> Iterator[str]:
    """Say which conditions failed: the field, what was wanted, what is there, and a hint.

    Args:
        explanation: What a pattern makes of an event.

    Yields:
        Lines for people, indented by two.
    """
    for report in explanation.failed:
        yield f"  {visible(report.path)}"
        yield f"    wanted  {visible(report.wanted)}"
        yield f"    found   {visible(report.describe_found())}"
        if report.hint:
            yield f"    hint    {visible(report.hint)}"


def describe_nearness(explanation: Explanation) -> str:
    """Say how near a pattern comes to an event.

    Args:
        explanation: What it makes of the event.

    Returns:
        Such as ``2 of 3 conditions met``.
    """
    count = len(explanation.conditions)
    words = f"{explanation.passed} of {count} condition{'s'[: count > 1]} met"
    if explanation.alternatives > 1:
        number = f"{explanation.alternative} of {explanation.alternatives:,}"
        words += f" in combination {number} of its $or, the nearest"
    return words


def _describe_outside(answer: RuleAnswer) -> str:
    """Say why a rule that is not asked is not, and what would be if it were."""
    rule = answer.rule
    why = "enabled is false" if not rule.enabled else f"it is of the bus {rule.bus}"
    if answer.explanation.matched:
        return f"{why}; its pattern matches"
    return f"{why}; {describe_nearness(answer.explanation)}"


def _list_names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown
