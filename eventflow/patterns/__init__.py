"""EventBridge's event-pattern language: which events does a rule want?"""

from eventflow.errors import PatternError
from eventflow.patterns.explanation import ConditionReport, Explanation
from eventflow.patterns.matcher import Matcher
from eventflow.patterns.pattern import Pattern

__all__ = ["ConditionReport", "Explanation", "Matcher", "Pattern", "PatternError"]
