"""What a replay would do, found by looking at every archived event that it concerns; nothing is changed."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eventflow.replay.selection import Selected, Selection
from eventflow.store.archive import ArchiveStore
from eventflow.units import Rate

__all__ = ["Estimate", "estimate"]

_PAGE = 500  # events read at once
_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a replay would do.

    Attributes:
        seen: Archived events that the database gives for it.
        sent: How many of them would be sent.
        unmatched: How many of these no rule matches, as the rules are here.
        by_target: Deliveries that would come of them, by target.
        by_rule: Matches, by rule.
        oldest: When the first of them was accepted, seconds since the epoch; 0 where there is none.
        newest: When the last of them was.
        sample: The first few.
        seconds: How long it takes at the rate that was asked for; 0 where none was.
    """

    seen: int
    sent: int
    unmatched: int
    by_target: Mapping[str, int]
    by_rule: Mapping[str, int]
    oldest: float
    newest: float
    sample: tuple[Selected, ...]
    seconds: float


def estimate(
    archive: ArchiveStore,
    selection: Selection,
    *,
    rate: Rate | None = None,
    tell: Callable[[int, int], None],
) -> Estimate:
    """Find what a replay would do.

    Args:
        archive: Where the events are.
        selection: Which of them.
        rate: How fast it would go.
        tell: Is told how many events were looked at, and how many there are.

    Raises:
        StoreError: When the archive cannot be used.
    """
    total = archive.count(selection.filters)
    seen = sent = unmatched = 0
    oldest = newest = 0.0
    by_target: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    sample: list[Selected] = []
    after = None
    while page := archive.read(selection.filters, after=after, limit=_PAGE):
        after = page[-1].cursor
        seen += len(page)
        for event in page:
            selected = selection.of(event)
            if selected is None:
                continue
            sent += 1
            oldest, newest = oldest or event.accepted_at, event.accepted_at
            unmatched += not selected.deliveries
            by_target.update(selected.deliveries.keys())
            by_rule.update({rule for rules in selected.deliveries.values() for rule in rules})
            if len(sample) < _SAMPLE:
                sample.append(selected)
        tell(seen, max(total, seen))
    return Estimate(
        seen=seen,
        sent=sent,
        unmatched=unmatched,
        by_target=dict(by_target.most_common()),
        by_rule=dict(by_rule.most_common()),
        oldest=oldest,
        newest=newest,
        sample=tuple(sample),
        seconds=sent * rate.seconds / rate.count if rate is not None else 0.0,
    )
