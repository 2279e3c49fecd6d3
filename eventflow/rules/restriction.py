"""What a replay is restricted to: the rules that count, and the targets that get its events."""

import json
from dataclasses import dataclass

from eventflow.errors import RuleError
from eventflow.rules.ruleset import RuleSet
from eventflow.rules.templates import compact

__all__ = ["UNRESTRICTED", "Restriction"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which rules and targets a replayed event is for. Empty means any.

    Attributes:
        rules: The names of the rules that count.
        targets: The names of the targets that get what these rules match.
    """

    rules: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()

    def allows_rule(self, name: str) -> bool:
        """Whether a rule counts."""
        return not self.rules or name in self.rules

    def allows_target(self, name: str) -> bool:
        """Whether a target gets what a rule matches."""
        return not self.targets or name in self.targets

    def missing(self, rules: RuleSet) -> str:
        """Say what of it is not among some rules; empty where all is there.

        Args:
            rules: The rules of whoever asks, such as a router that has not read the newest yet.
        """
        known = {rule.name for rule in rules.rules}
        parts = [f"the rule {name!r}" for name in sorted(self.rules - known)]
        parts += [f"the target {name!r}" for name in sorted(self.targets - set(rules.targets))]
        return " and ".join(parts)

    def to_json(self) -> str:
        """Write it as the ledger keeps it."""
        return compact({"rules": sorted(self.rules), "targets": sorted(self.targets)})

    @classmethod
    def from_json(cls, text: str) -> "Restriction":
        """Read what `to_json` wrote.

        Raises:
            RuleError: When it is none.
        """
        try:
            document = json.loads(text)
            return cls(frozenset(document["rules"]), frozenset(document["targets"]))
        except (ValueError, KeyError, TypeError) as error:
            message = f"the ledger holds a restriction of a replay that cannot be read: {error!r}"
            raise RuleError(message) from error


UNRESTRICTED = Restriction()
"""Every rule counts, for every target."""
