"""Rules: YAML files, targets and their policies, archives, input shaping, the compiled rule set."""

from eventflow.rules.archives import ARCHIVE, ARCHIVE_TARGET, Archive
from eventflow.rules.inputs import InputTransform
from eventflow.rules.loader import load_rules
from eventflow.rules.restriction import UNRESTRICTED, Restriction
from eventflow.rules.ruleset import Rule, RuleSet, RuleTarget
from eventflow.rules.source import RuleSource
from eventflow.rules.targets import CircuitBreaker, RetryPolicy, Target

__all__ = [
    "ARCHIVE",
    "ARCHIVE_TARGET",
    "UNRESTRICTED",
    "Archive",
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
