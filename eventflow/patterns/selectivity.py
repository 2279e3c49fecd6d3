"""Which of an alternative's conditions lets the fewest events through?

What the events will be, nobody knows. But the rules tell: a value that many of them ask for is a
common one, and a long text is rarer than a short one.
"""

from collections.abc import Iterable

from eventflow.patterns.condition import Condition
from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.cidr import Cidr
from eventflow.patterns.operators.exact import ExactAddress, ExactNumber, ExactString
from eventflow.patterns.operators.exists import Exists
from eventflow.patterns.operators.ignore_case import (
    EqualsIgnoreCase,
    PrefixIgnoreCase,
    SuffixIgnoreCase,
)
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.numeric import Numeric
from eventflow.patterns.operators.prefix import Prefix
from eventflow.patterns.operators.suffix import Suffix
from eventflow.patterns.operators.wildcard import Wildcard
from eventflow.patterns.syntax import Alternative

__all__ = ["Selectivity"]

_WEIGHTS: dict[type[Operator], int] = {
    ExactString: 1,
    ExactNumber: 1,
    ExactAddress: 1,
    EqualsIgnoreCase: 1,
    Prefix: 4,
    PrefixIgnoreCase: 4,
    Suffix: 4,
    SuffixIgnoreCase: 4,
    Wildcard: 4,
    Cidr: 8,
    Numeric: 8,
    AnythingBut: 2_000,
    Exists: 1_000,
}
_EXACT_LENGTH = len(str(ExactString("")))
_CONSTANT = 32
_ONE_SIDED = 64
_WITHOUT_KEY = 1_000


class Selectivity:
    """What the patterns of one matcher ask for, counted.

    Args:
        alternatives: All of them.
    """

    __slots__ = ("_counts",)

    def __init__(self, alternatives: Iterable[Alternative]) -> None:
        self._counts: dict[str, dict[Operator, int]] = {}
        for alternative in alternatives:
            if len(alternative) > 1:  # else there is nothing to choose
                for condition in alternative:
                    counts = self._counts.get(condition.path)
                    if counts is None:
                        counts = self._counts[condition.path] = {}
                    for operator in condition.operators:
                        counts[operator] = counts.get(operator, 0) + 1

    def choose(self, alternative: Alternative) -> Condition | None:
        """Choose the condition to file an alternative under.

        Args:
            alternative: The alternative.

        Returns:
            The one that is likely to be met least; None when every field may be absent.
        """
        present = [condition for condition in alternative if not condition.may_be_absent]
        if len(alternative) == 1 or not present:
            return present[0] if present else None
        return min(present, key=self._rate)

    def _rate(self, condition: Condition) -> tuple[int, int]:
        counts = self._counts[condition.path]
        operators = condition.operators
        if len(operators) == 1 and type(operators[0]) is ExactString:  # the common case
            return counts[operators[0]], -_EXACT_LENGTH - len(operators[0].text)
        expected = sum(_weigh(operator) * counts[operator] for operator in operators)
        return expected, -min(len(str(operator)) for operator in operators)


def _weigh(operator: Operator) -> int:
    match operator:
        case Numeric(low=low, high=high):
            if low == high:
                return 1
            if low in _INFINITE or high in _INFINITE:
                return _ONE_SIDED
        case Wildcard(parts=(first, *_, last)) if not (first or last):
            return _WITHOUT_KEY
    return _WEIGHTS.get(type(operator), _CONSTANT)


_INFINITE = (float("-inf"), float("inf"))
