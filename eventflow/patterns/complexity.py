"""How complex wildcards are, measured as AWS measures them."""

from collections.abc import Iterable

from eventflow.patterns.operators.anything_but import AnythingBut
from eventflow.patterns.operators.node import Operator
from eventflow.patterns.operators.wildcard import Wildcard

__all__ = ["MAX_MEASURED", "measure_wildcards"]

MAX_MEASURED = 100
"""Where the measuring ends: what has this measure may have more."""

_MOST_STEPS = 300_000
_ANY = None
_Place = tuple[int, int]


def measure_wildcards(operators: Iterable[Operator]) -> int:
    """Measure the wildcards of one field together.

    A machine that reads a text character by character keeps, for each wildcard, every place of it
    that the text so far may have led to. The measure is the most places that any text can keep
    open at once; it is what AWS's matcher bounds when it refuses a rule as too complex.

    Args:
        operators: The operators of a condition; those that are no wildcards do not count.

    Returns:
        The measure, 0 without a wildcard and at most `MAX_MEASURED`. Of very complex wildcards
        it is the measure of the texts that were tried.
    """
    shapes = [_spell(wildcard) for wildcard in _wildcards(operators)]
    letters = {letter for shape in shapes for letter in shape if letter is not _ANY}
    begin = frozenset((number, 0) for number in range(len(shapes)))
    seen = {begin}
    pending = [begin]
    most = steps = 0
    while pending and steps < _MOST_STEPS and most < MAX_MEASURED:
        places = pending.pop()
        for letter in sorted(letters):
            steps += len(places)
            if steps > _MOST_STEPS:
                break
            following = _step(shapes, places, letter)
            most = max(most, len(following))
            if following and following not in seen:
                seen.add(following)
                pending.append(following)
    return min(max(most, 1 if shapes else 0), MAX_MEASURED)


def _wildcards(operators: Iterable[Operator]) -> Iterable[Wildcard]:
    for node in operators:
        if isinstance(node, Wildcard):
            yield node
        elif isinstance(node, AnythingBut):
            yield from _wildcards(node.operators)


def _spell(wildcard: Wildcard) -> list[str | None]:
    shape: list[str | None] = list(wildcard.parts[0])
    for part in wildcard.parts[1:]:
        shape.append(_ANY)
        shape.extend(part)
    return shape


def _step(
    shapes: list[list[str | None]], places: frozenset[_Place], letter: str
) -> frozenset[_Place]:
    following: set[_Place] = set()
    for number, index in places:
        shape = shapes[number]
        if index < len(shape) and shape[index] is _ANY:
            following.add((number, index))
            index += 1  # noqa: PLW2901 - the star may also stand for nothing more
        if index < len(shape) and shape[index] == letter:
            following.add((number, index + 1))
    return frozenset(following)
