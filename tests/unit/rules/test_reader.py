"""Reading YAML: JSON values only, YAML 1.2 scalars, places, bounds."""

import json

import pytest
import yaml

from eventflow.rules import reader
from eventflow.rules.nodes import MappingNode, Place, locate, locate_text, plain
from eventflow.rules.reader import MAX_BYTES, MAX_DEPTH, MAX_NODES, Fault, read_document

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", None)]


@pytest.fixture(params=LOADERS, ids=["python", "libyaml"], autouse=True)
def each_parser(request, monkeypatch):
    """Run each test on PyYAML's own parser and on libyaml, which it may be built without."""
    if request.param is None:
        pytest.skip("this PyYAML was built without libyaml")
    monkeypatch.setattr(reader, "_Loader", request.param)


def value_of(text: str | bytes) -> object:
    """Return what a document that has no faults says."""
    reading = read_document(text if isinstance(text, bytes) else text.encode())
    assert () == reading.faults
    assert reading.root is not None
    return plain(reading.root)


def faults_of(text: str | bytes) -> list[tuple[int, int, str]]:
    """Return a document's faults as line, column and message."""
    reading = read_document(text if isinstance(text, bytes) else text.encode())
    return [
        (fault.place.line, fault.place.column, fault.message)
        for fault in reading.faults
        if fault.place is not None
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NO", "NO"),  # Norway
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("12:30", "12:30"),  # a base-60 integer in YAML 1.1
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T19:56:00Z", "2026-11-23T19:56:00Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("10s", "10s"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("1.2.3", "1.2.3"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("Null", None),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("007", 7),  # decimal in YAML 1.2, octal in 1.1
        ("0o17", 15),
        ("0xff", 255),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("5.0", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("3.0e2", 300.0),
        ("1e3", 1000.0),
        ("'5'", "5"),
        ('"true"', "true"),
        ("! 5", "5"),  # the non-specific tag: text
    ],
)
def test_scalars_follow_yaml_1_2(text, expected):
    """An unquoted scalar is what YAML 1.2's core schema says; all else is text."""
    actual = value_of(f"key: {text}\n")
    assert json.dumps({"key": expected}) == json.dumps(actual)


def test_keys_are_text_as_written():
    """A key is its own text, whatever an unquoted scalar of that form would mean."""
    assert {"on": 1, "404": 2, "null": 3, "true": 4, "1.50": 5} == value_of(
        "on: 1\n404: 2\nnull: 3\ntrue: 4\n1.50: 5\n"
    )


def test_aliases_are_written_out():
    """An alias stands for what its anchor names, in full."""
    assert {"a": {"x": [1]}, "b": {"x": [1]}} == value_of("a: &one {x: [1]}\nb: *one\n")


def test_byte_order_mark_is_passed_over():
    """A file that Windows saved is read like any other, and its columns count from the text."""
    assert [
        (1, 5, ".nan is a number that JSON does not have; put it in quotes if text is meant")
    ] == (faults_of(b"\xef\xbb\xbf\xc3\xa9a: .nan"))


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1, "'a' is written twice in one mapping; it is at line 1 too"),
        ("a: .inf", 1, 4, ".inf is a number that JSON does not have"),
        ("a: -.INF", 1, 4, "-.INF is a number that JSON does not have"),
        ("a: 1e999", 1, 4, "1e999 is a number that JSON does not have"),
        ("a: 9223372036854775808", 1, 4, "is an integer beyond 64 bits"),
        (f"a: {'9' * 5000}", 1, 4, "is an integer beyond 64 bits"),
        ("b: &b {x: 1}\na:\n  <<: *b", 3, 3, "merge keys (<<) are not YAML 1.2"),
        ("a: !!python/object:os.system [ls]", 1, 4, "!!python/object:os.system are not allowed"),
        ("a: !!str 5", 1, 4, "tags such as !!str are not allowed"),
        ("a: !mine x", 1, 4, "tags such as !mine are not allowed"),
        ("a: &x [*x]", 1, 8, "*x stands within &x itself"),
        ("a: *y", 1, 4, "no anchor goes by the name &y above"),
        ("? [a]\n: b", 1, 3, "a key must be text, not a mapping or a list"),
        ("k: &k x\n*k : y", 2, 1, "a key must be text, not an alias"),
        ("a: b\n---\nc: d", 2, 1, "is a second document"),
        ("a: b: c", 1, 5, "is not YAML: mapping values are not allowed"),
        (b"a: b\nc: \xff", 2, 4, "is not UTF-8: byte 0xff"),
        ("a: b\nc: \x01", 2, 4, "character U+0001 cannot stand in YAML"),
        ("é: b\né: .nan", 2, 1, "'é' is written twice"),
    ],
)
def test_faults_have_their_place(text, line, column, message):
    """What JSON or these rules do not have is a fault where it stands."""
    first = faults_of(text)[0]
    assert (line, column) == first[:2]
    assert message in first[2]


def test_several_faults_are_found_at_once():
    """A fault that reading can go on from does not hide the next."""
    assert [2, 3, 4] == [line for line, _, _ in faults_of("a: 1\na: 2\nb: .nan\nc: !x y\n")]


def test_half_a_surrogate_pair_is_refused():
    """An escape that is no character cannot get into an event or a message."""
    (fault,) = faults_of('a: "\\ud800"')
    assert 1 == fault[0]
    assert "surrogate" in fault[2] or "invalid Unicode" in fault[2]


def test_quoted_merge_key_is_a_key():
    """A field may be called << where it is quoted."""
    assert {"<<": 1} == value_of('"<<": 1')


def test_text_of_a_fault_can_be_printed():
    """A fault that names a broken key can itself be written as UTF-8."""
    reading = read_document(b'{"\\ud800": 1, "\\ud800": 2}')
    assert all(fault.message.encode() for fault in reading.faults)
    assert reading.faults


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_depth_is_bounded(opening):
    """As many levels as allowed are read; one more is a fault, and a thousand no crash."""
    closing = "]" if opening == "[" else "}"
    deepest = read_document((opening * MAX_DEPTH + closing * MAX_DEPTH).encode())
    assert () == deepest.faults
    for levels in (MAX_DEPTH + 1, 1000):
        fault = read_document((opening * levels).encode()).faults[-1]
        assert f"is nested deeper than {MAX_DEPTH} levels" == fault.message


def test_depth_through_aliases_is_bounded():
    """Aliases of aliases cannot build what may not be written."""
    half = "[" * 70 + "x" + "]" * 70
    text = f"a: &a {half}\nb: {'[' * 70}*a{']' * 70}\n"
    (fault,) = read_document(text.encode()).faults
    assert "is nested deeper than 120 levels with its alias" == fault.message


def test_a_billion_laughs_are_refused():
    """Aliases that multiply are refused before anything is written out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    reading = read_document("\n".join(lines).encode())
    assert reading.root is None
    assert f"the file holds more than {MAX_NODES:,} values" in reading.faults[0].message


def test_number_of_values_is_bounded(monkeypatch):
    """One value more than allowed is a fault where it stands."""
    monkeypatch.setattr(reader, "MAX_NODES", 5)
    assert () == read_document(b"[1, 2, 3, 4]").faults
    assert [(1, 14)] == [place[:2] for place in faults_of("[1, 2, 3, 4, 5]")]


def test_size_is_bounded():
    """A file of one byte more than allowed is not even decoded."""
    fill = b"a: " + b"x" * (MAX_BYTES - 3)
    assert () == read_document(fill).faults
    expected = f"the file has {MAX_BYTES + 1:,} bytes, and at most {MAX_BYTES:,} are allowed"
    assert (Fault(None, expected),) == read_document(fill + b"\xff").faults


@pytest.mark.parametrize("text", ["", "# nothing\n", "   \n"])
def test_an_empty_document_has_no_root(text):
    """A text without content is no fault here; who asked for it decides."""
    reading = read_document(text.encode())
    assert (None, ()) == (reading.root, reading.faults)


NESTED = """\
detail:
  door.kind: [garage, {prefix: g}]
  door:
    kind:
      - garage
      - prefix: 5
"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        pytest.param("detail.door.kind[1].prefix", 6, 17, id="to the value"),
        pytest.param("detail.door.kind[1]", 6, 9, id="an element"),
        pytest.param("detail.door", 4, 5, id="a mapping begins at its first key"),
        pytest.param("detail.door.kind[7]", 5, 7, id="beyond the end: the list"),
        pytest.param("detail.door.sort", 4, 5, id="no such key: the mapping"),
        pytest.param("", 1, 1, id="the whole"),
        pytest.param("else", 1, 1, id="nothing at all"),
    ],
)
def test_written_paths_are_located(path, line, column):
    """A pattern's path leads to the very element, or to the deepest part that there is."""
    root = read_document(
        NESTED.replace("  door.kind: [garage, {prefix: g}]\n", "  x: 1\n").encode()
    ).root
    assert root is not None
    assert Place(line, column) == locate_text(root, path)


def test_dotted_keys_are_located():
    """Of the keys that fit a written path, the longest counts."""
    root = read_document(NESTED.encode()).root
    assert root is not None
    assert Place(2, 23) == locate_text(root, "detail.door.kind[1]")


def test_steps_are_located():
    """A path of steps leads to a value, to a key, or as far as it goes."""
    root = read_document(NESTED.encode()).root
    assert isinstance(root, MappingNode)
    assert (Place(5, 9), ("detail", "door", "kind", 0)) == locate(
        root, ("detail", "door", "kind", 0)
    )
    assert (Place(4, 5), ("detail", "door", "kind")) == locate(
        root, ("detail", "door", "kind"), key=True
    )
    assert (Place(4, 5), ("detail", "door")) == locate(root, ("detail", "door", "sort", 3))
