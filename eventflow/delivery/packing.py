"""Writing a command in Redis's protocol (RESP): redis-py's own way takes several times as long.

A script's call has dozens of short arguments, and a list of events thousands; each is written with
one format here. Given to redis-py as its `command_packer`.
"""

from collections.abc import Sequence

from redis.exceptions import DataError

__all__ = ["CommandPacker", "Template", "cut"]


def cut(lengths: bytes, text: bytes, size: int) -> list[list[bytes]]:
    """Return the texts that a script has put together (`lua/shared/pieces.lua`).

    Args:
        lengths: Their lengths, as decimals.
        text: The texts, one after another.
        size: How many belong together.
    """
    texts: list[bytes] = []
    start = 0
    for length in map(int, lengths.split()):
        texts.append(text[start : start + length])
        start += length
    return [texts[first : first + size] for first in range(0, len(texts), size)]


class CommandPacker:
    """Writes commands; it keeps nothing, and may be shared."""

    def pack(self, *words: object) -> list[bytes]:
        """Return what is to be sent for one command.

        Args:
            words: The command (`CONFIG GET` is two of them) and its arguments.

        Raises:
            redis.exceptions.DataError: When an argument is of a kind that Redis does not know.
        """
        parts = [*_encode(words[0]).split(), *map(_encode, words[1:])]
        return [b"*%d\r\n%b" % (len(parts), _join(parts))]


class Template:
    """A command of which only some words change from one call to the next; the rest is written once.

    Args:
        words: The command, of one word, and its arguments; None for each that changes.
    """

    def __init__(self, words: Sequence[object]) -> None:
        pieces: list[list[bytes]] = [[]]
        for word in words:
            if word is None:
                pieces.append([])
            else:
                pieces[-1].append(_encode(word))
        first, *self._between = map(_join, pieces)
        self._first = b"*%d\r\n%b" % (len(words), first)

    def pack(self, words: Sequence[object]) -> bytes:
        """Return what is to be sent.

        Args:
            words: Those that change, in order.

        Raises:
            redis.exceptions.DataError: When one is of a kind that Redis does not know.
        """
        pieces = [self._first]
        for word, between in zip(words, self._between, strict=True):
            part = _encode(word)
            pieces.append(b"$%d\r\n%b\r\n%b" % (len(part), part, between))
        return b"".join(pieces)


def _join(parts: Sequence[bytes]) -> bytes:
    return b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


def _encode(word: object) -> bytes:
    if isinstance(word, bytes):
        return word
    if isinstance(word, str):
        return word.encode()
    if isinstance(word, int | float) and not isinstance(word, bool):
        return repr(word).encode()
    if isinstance(word, bytearray | memoryview):
        return bytes(word)
    message = f"a {type(word).__name__} is no argument of a Redis command: give text or a number"
    raise DataError(message)
