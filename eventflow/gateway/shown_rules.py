"""The rule set as EventBridge shows rules, targets and buses: names, ARNs, pages."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from eventflow.events import DEFAULT_BUS
from eventflow.gateway.publishers import Publisher
from eventflow.gateway.refusals import Refusal
from eventflow.rules import Rule, RuleSet, Target

__all__ = ["ACCOUNT", "OPERATIONS", "Question"]

ACCOUNT = "000000000000"
"""The account of every ARN: there is one here."""

_PAGE = 100  # the most items of an answer, as at AWS
_NOT_FOUND = "ResourceNotFoundException"
_VALIDATION = "ValidationException"
ItemT = TypeVar("ItemT")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, of what.

    Attributes:
        request: What the request says.
        rules: The rules in force.
        publisher: Who asks; it is shown the buses that it may use.
        region: Where it takes itself to be; ARNs say so.
    """

    request: Mapping[str, Any]
    rules: RuleSet
    publisher: Publisher
    region: str

    def text(self, name: str, *, needed: bool = False) -> str:
        """Return a text of the request.

        Raises:
            Refusal: When it is none, or is needed and missing.
        """
        value = self.request.get(name)
        if value is None or value == "":
            if needed:
                message = (
                    f"1 validation error detected: Value null at '{name[0].lower()}{name[1:]}' "
                    "failed to satisfy constraint: Member must not be null"
                )
                raise Refusal(message, code=_VALIDATION)
            return ""
        if not isinstance(value, str):
            message = f"{name} must be a string."
            raise Refusal(message, code="SerializationException")
        return value

    def bus(self, field: str = "EventBusName") -> str:
        """Return the bus that is meant, by name or ARN.

        Raises:
            Refusal: When there is none of this name, or not for this publisher.
        """
        bus = self.text(field).rpartition("/")[2] or DEFAULT_BUS
        if bus not in self.rules.buses or not self.publisher.may_use(bus):
            message = f"Event bus {bus} does not exist."
            raise Refusal(message, code=_NOT_FOUND)
        return bus

    def arn(self, resource: str) -> str:
        """Return the ARN of a resource."""
        return f"arn:aws:events:{self.region}:{ACCOUNT}:{resource}"

    def page(
        self, items: Sequence[ItemT], name_of: Callable[[ItemT], str]
    ) -> tuple[list[ItemT], dict[str, str]]:
        """Return the items of the page that is asked for, and how to ask for the next.

        Args:
            items: All of them.
            name_of: An item's name; they are shown in its order.

        Raises:
            Refusal: When `Limit` or `NextToken` cannot be.
        """
        limit = self.request.get("Limit", _PAGE)
        if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= _PAGE:
            message = (
                "1 validation error detected: Value at 'limit' failed to satisfy constraint: "
                f"Member must be between 1 and {_PAGE}"
            )
            raise Refusal(message, code=_VALIDATION)
        after = _read_token(self.text("NextToken"))
        rest = sorted((item for item in items if name_of(item) > after), key=name_of)
        if len(rest) <= limit:
            return rest, {}
        return rest[:limit], {"NextToken": _write_token(name_of(rest[limit - 1]))}


def _describe_rule(question: Question) -> dict[str, Any]:
    rule = _find_rule(question, "Name")
    return _show_rule(question, rule) | {"CreatedBy": ACCOUNT}


def _list_rules(question: Question) -> dict[str, Any]:
    bus, prefix = question.bus(), question.text("NamePrefix")
    rules = [
        rule for rule in question.rules.rules if rule.bus == bus and rule.name.startswith(prefix)
    ]
    shown, more = question.page(rules, lambda rule: rule.name)
    return {"Rules": [_show_rule(question, rule) for rule in shown], **more}


def _list_targets_by_rule(question: Question) -> dict[str, Any]:
    rule = _find_rule(question, "Rule")
    targets = {each.target: each for each in rule.targets}
    shown, more = question.page(list(targets), str)
    return {
        "Targets": [
            _show_target(question, question.rules.targets[name], targets[name].input)
            for name in shown
        ],
        **more,
    }


def _describe_event_bus(question: Question) -> dict[str, Any]:
    return _show_bus(question, question.bus("Name"))


def _list_event_buses(question: Question) -> dict[str, Any]:
    prefix = question.text("NamePrefix")
    buses = [
        bus
        for bus in question.rules.buses
        if bus.startswith(prefix) and question.publisher.may_use(bus)
    ]
    shown, more = question.page(buses, str)
    return {"EventBuses": [_show_bus(question, bus) for bus in shown], **more}


OPERATIONS: Mapping[str, Callable[[Question], dict[str, Any]]] = {
    "DescribeRule": _describe_rule,
    "ListRules": _list_rules,
    "ListTargetsByRule": _list_targets_by_rule,
    "DescribeEventBus": _describe_event_bus,
    "ListEventBuses": _list_event_buses,
}
"""What may be asked of the rules, by EventBridge's names."""


def _find_rule(question: Question, field: str) -> Rule:
    name, bus = question.text(field, needed=True), question.bus()
    for rule in question.rules.rules:
        if rule.name == name and rule.bus == bus:
            return rule
    message = f"Rule {name} does not exist on EventBus {bus}."
    raise Refusal(message, code=_NOT_FOUND)


def _show_rule(question: Question, rule: Rule) -> dict[str, Any]:
    path = rule.name if rule.bus == DEFAULT_BUS else f"{rule.bus}/{rule.name}"
    shown = {
        "Name": rule.name,
        "Arn": question.arn(f"rule/{path}"),
        "EventPattern": _json(rule.pattern.source),
        "State": "ENABLED" if rule.enabled else "DISABLED",
        "EventBusName": rule.bus,
    }
    return shown | ({"Description": rule.description} if rule.description else {})


def _show_target(question: Question, target: Target, input: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Id": target.name,
        "Arn": question.arn(f"target/{target.name}"),
        "RetryPolicy": {
            "MaximumRetryAttempts": max(0, target.retry.max_attempts - 1),
            "MaximumEventAgeInSeconds": int(target.retry.max_age),
        },
    }
    document = dict(input.document) if input is not None else {}
    if "constant" in document:
        shown["Input"] = _json(document["constant"])
    elif "path" in document:
        shown["InputPath"] = document["path"]
    elif "template" in document:
        shown["InputTransformer"] = {
            "InputPathsMap": dict(document.get("paths", {})),
            "InputTemplate": _json(document["template"]),
        }
    return shown


def _show_bus(question: Question, bus: str) -> dict[str, Any]:
    return {"Name": bus, "Arn": question.arn(f"event-bus/{bus}")}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _write_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read_token(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        message = "NextToken is not valid."
        raise Refusal(message, code=_VALIDATION) from None
