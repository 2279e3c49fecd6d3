"""Writing a command in Redis's protocol (RESP): redis-py's own way takes several times as long.

A script's call has dozens of short arguments, and a list of events thousands; each is written with
one format here. Given to redis-py as its `command_packer`.
"""

from redis.exceptions import DataError

__all__ = ["CommandPacker"]


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
        pieces = [b"*%d\r\n" % len(parts)]
        pieces += [b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]
        return [b"".join(pieces)]


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
