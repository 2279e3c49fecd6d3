"""EventBridge's event-pattern language: which events does a rule want?"""

from eventflow.errors import PatternError
from eventflow.patterns.matcher import Matcher
from eventflow.patterns.pattern import Pattern

__all__ = ["Matcher", "Pattern", "PatternError"]
