"""The values of labels, bounded: what is beyond so many different ones is counted as `other`."""

__all__ = ["MOST_LABEL_VALUES", "OTHER", "BoundedLabels"]

MOST_LABEL_VALUES = 500
"""Different values that one label of a process has; Prometheus keeps a series for each."""

OTHER = "other"


class BoundedLabels:
    """Lets so many values of each label through. A name that comes first keeps its series.

    Args:
        most: How many values a label has, beside `other`.
    """

    def __init__(self, most: int = MOST_LABEL_VALUES) -> None:
        self._most = most
        self._known: dict[str, set[str]] = {}

    def bound(self, label: str, value: str) -> str:
        """Return *value*, or `other` where the label has as many values as it may."""
        known = self._known.setdefault(label, set())
        if value in known:
            return value
        if len(known) >= self._most:
            return OTHER
        known.add(value)
        return value
