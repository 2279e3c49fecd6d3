"""The rules in force: picks up a changed directory, and keeps the last good set over a faulty one."""

from eventflow.errors import RuleError
from eventflow.reloading import ReloadedFiles
from eventflow.rules.files import Listing, list_files
from eventflow.rules.loader import load_rules
from eventflow.rules.ruleset import RuleSet

__all__ = ["RuleSource"]


class RuleSource(ReloadedFiles[Listing, RuleSet]):
    """The rule set of a directory, as it is now."""

    noun = "rules"
    error = RuleError

    def list(self) -> Listing:
        """Return the rule files."""
        return list_files(self._path)

    def read(self, listing: Listing, before: RuleSet | None) -> RuleSet:  # noqa: ARG002 - each set is new
        """Load them."""
        return load_rules(self._path)

    def tell(self, content: RuleSet, *, is_first: bool) -> None:  # noqa: ARG002 - told each time
        """Log which rules are in force."""
        self._log.info(
            "rules loaded from %s: %d rules, %d targets, %d archives",
            self._path,
            len(content.rules),
            len(content.targets),
            len(content.archives),
            extra={
                "action": "rules_loaded",
                "rules": len(content.rules),
                "targets": len(content.targets),
                "archives": len(content.archives),
                "fingerprint": content.fingerprint,
            },
        )
