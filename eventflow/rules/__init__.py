"""Rules: YAML files, targets and their policies, input shaping, the compiled rule set."""

from eventflow.rules.targets import CircuitBreaker, RetryPolicy, Target

__all__ = ["CircuitBreaker", "RetryPolicy", "Target"]
