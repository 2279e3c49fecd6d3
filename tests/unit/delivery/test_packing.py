"""Commands are written as redis-py writes them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.connection import Connection
from redis.exceptions import DataError

from eventflow.delivery.packing import CommandPacker, Template

redis_py: Any = Connection()  # type: ignore[no-untyped-call]
_WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(max_size=9000)
    | st.integers()
    | st.floats()
)


@settings(deadline=None)  # a busy machine is no fault
@given(st.sampled_from(["GET", "CONFIG SET", b"SCRIPT LOAD", b"PING"]), _WORDS)
def test_as_redis_py_does(command: str | bytes, words: list[object]) -> None:
    """Whatever the arguments are, the same bytes are sent."""
    expected = b"".join(map(bytes, redis_py.pack_command(command, *words)))
    assert expected == b"".join(CommandPacker().pack(command, *words))


@pytest.mark.parametrize("word", [bytearray(b"a\r\nb"), memoryview(b"ab")])
def test_bytes_of_other_kinds(word: bytearray | memoryview) -> None:
    """What redis-py takes for bytes is taken here too."""
    assert b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(word), bytes(word)) == b"".join(
        CommandPacker().pack("GET", word)
    )


@pytest.mark.parametrize("word", [None, True, [1]])
def test_what_is_no_argument(word: object) -> None:
    """None, a boolean and a list are mistakes of the caller's, and refused as by redis-py."""
    with pytest.raises(DataError):
        redis_py.pack_command("GET", word)
    with pytest.raises(DataError, match="is no argument of a Redis command"):
        CommandPacker().pack("GET", word)


def test_a_template_writes_what_the_packer_does() -> None:
    """Whichever words change, at the ends too, and whatever they are."""
    words: list[object] = ["EVALSHA", "digest", 2, "kéy", b"\x00raw", 0.5, "", -7]
    changes = {1: "other", 4: b"body", 5: 1.25, 7: "ünd"}
    template = Template([None if place in changes else word for place, word in enumerate(words)])
    changed = [changes.get(place, word) for place, word in enumerate(words)]
    assert CommandPacker().pack(*changed) == [template.pack(list(changes.values()))]
    assert CommandPacker().pack(*words) == [Template(words).pack([])]
