"""`anyOf` and `oneOf` of the reader: the writer's data must fit one, or exactly one."""

from itertools import chain

from eventflow.schemas.inclusion.comparison import Comparison
from eventflow.schemas.inclusion.decide import accepts, excludes
from eventflow.schemas.inclusion.difference import Difference, Verdict
from eventflow.schemas.inclusion.facts import Facts, Written, expand, write_kinds
from eventflow.schemas.inclusion.node import Node

__all__ = ["check_alternatives"]

_DEEPEST = 3  # fields of fields that tell two alternatives apart


def check_alternatives(
    comparison: Comparison, written: Written, facts: Facts, reader: Node, path: str, *, keyword: str
) -> list[Difference]:
    """Compare the writer's data with alternatives; each kind of value for itself."""
    branches = [reader.part(part) for part in reader.get(keyword)]
    if not reader.is_old and accepts({keyword: reader.get(keyword)}, facts.leaf) is True:
        return []
    kinds = write_kinds(facts.kinds)
    if len(kinds) == 1:
        return _check_kind(comparison, written, branches, path, keyword=keyword)
    found = (
        _check_kind(
            comparison,
            written.with_fact(Node.whole({"type": kind})),
            branches,
            path,
            keyword=keyword,
        )
        for kind in kinds
    )
    return list(dict.fromkeys(chain.from_iterable(found)))


def _check_kind(
    comparison: Comparison, written: Written, branches: list[Node], path: str, *, keyword: str
) -> list[Difference]:
    tried = [(branch, comparison.check(written, branch, path)) for branch in branches]
    fitting = [(branch, found) for branch, found in tried if not _is_hard(found)]
    if fitting:
        branch, found = min(fitting, key=lambda item: len(item[1]))
        if keyword == "anyOf" or _is_only(comparison, written, branch, branches):
            return found
        return [comparison.undecided(path, "'oneOf'")]
    near = [found for branch, found in tried if not _is_apart(comparison, written, branch)]
    if not near:
        return [Difference(path, comparison.words.no_branch())]
    return near[0] if len(near) == 1 else [comparison.undecided(path, f"{keyword!r}")]


def _is_hard(found: list[Difference]) -> bool:
    return any(item.verdict is not Verdict.ASSUMED for item in found)


def _is_only(comparison: Comparison, written: Written, fitting: Node, branches: list[Node]) -> bool:
    return all(branch is fitting or _is_apart(comparison, written, branch) for branch in branches)


def _is_apart(comparison: Comparison, written: Written, branch: Node) -> bool:
    """Tell whether it is sure that nothing of the writer's data fits a branch of the reader's."""
    if _apart(written.facts, (branch,), 0):
        return True
    # The data fits none of what was refused; a branch that is within one of those cannot be met.
    return any(comparison.is_within(branch, refused) for refused in written.refused)


def _apart(one: tuple[Node, ...], other: tuple[Node, ...], depth: int) -> bool:
    mine, theirs = expand(Written(one)), expand(Written(other))
    if not mine.kinds & theirs.kinds or excludes(mine.leaf, theirs.leaf):
        return True
    if mine.kinds != {"object"} or depth >= _DEEPEST:
        return False
    return any(
        _apart(mine.field(name)[0], theirs.field(name)[0], depth + 1)
        for name in sorted(mine.required | theirs.required)
    )
