"""Rules: YAML files, targets and their policies, input shaping, the compiled rule set."""

from eventflow.rules.inputs import InputTransform
from eventflow.rules.loader import load_rules
from eventflow.rules.restriction import UNRESTRICTED, Restriction
from eventflow.rules.ruleset import Rule, RuleSet, RuleTarget
from eventflow.rules.source import RuleSource
from eventflow.rules.targets import CircuitBreaker, RetryPolicy, Target

__all__ = [
    "UNRESTRICTED",
    "CircuitBreaker",
    "InputTransform",
    "Restriction",
    "RetryPolicy",
    "Rule",
    "RuleSet",
    "RuleSource",
    "RuleTarget",
    "Target",
    "load_rules",
]
