"""What is refused: each fault with its place, our message, and AWS's wording after it."""

import pickle
from typing import Any

import pytest

from eventflow.errors import EventflowError
from eventflow.patterns import Matcher, Pattern, PatternError

_STRUCTURE: list[tuple[Any, str, str]] = [
    ([1], "", "a pattern is an object, not a list (AWS: Filter is not an object)"),
    ("x", "", 'a pattern is an object, not "x" (AWS: Filter is not an object)'),
    (None, "", "a pattern is an object, not null (AWS: Filter is not an object)"),
    ({"a": "x"}, "a", ('a field takes a list of values or an object of fields, not "x"'
     ' (AWS: "a" must be an object or an array)')),
    ({"a": {"b": 5}}, "a.b", ("a field takes a list of values or an object of fields, not 5"
     ' (AWS: "b" must be an object or an array)')),
    ({}, "", ('an empty object asks nothing; to ask for a field, write [{"exists": true}]'
     " (AWS: Empty objects are not allowed)")),
    ({"a": {"b": {}}}, "a.b", ('an empty object asks nothing; to ask for a field, write'
     ' [{"exists": true}] (AWS: Empty objects are not allowed)')),
    ({"a": {"b": []}}, "a.b", ('an empty list matches nothing; for "any value" write'
     ' [{"exists": true}] (AWS: Empty arrays are not allowed)')),
    ({"a": ["x", ["y"]]}, "a[1]", ("a field's list holds strings, numbers, true, false, null and"
     " operators, not a list (AWS: Match value must be String, number, true, false, or null)")),
    ({"a": [{}]}, "a[0]", ('an empty object is no operator; write as {"prefix": "a"}'
     " (AWS: Match expression name not found)")),
    ({"a": [{"foo": 1}]}, "a[0]", ('"foo" is no operator; there are anything-but, cidr,'
     " equals-ignore-case, exactly, exists, numeric, prefix, suffix, wildcard"
     " (AWS: Unrecognized match type foo)")),
    ({"a": [{"prefix": "a", "suffix": "b"}]}, "a[0]", ("an operator's object has one key;"
     ' "suffix" beside "prefix" cannot be (AWS: Only one key allowed in match expression)')),
]  # fmt: skip

_OR: list[tuple[Any, str, str]] = [
    ({"$or": {"a": [1]}}, "$or", ("$or takes a list of objects, not an object"
     " (AWS: It must be an Array followed with $or.)")),
    ({"d": {"$or": [{"a": [1]}, "x"]}}, "d.$or[1]", ('$or takes a list of objects, and "x" is none'
     " (AWS: Only JSON object is allowed in array of $or relationship.)")),
    ({"$or": [{"a": [1]}]}, "$or", ("$or takes at least two objects, not 1"
     " (AWS: There must have at least 2 Objects in $or relationship.)")),
    ({"$or": []}, "$or", ("$or takes at least two objects, not 0"
     " (AWS: There must have at least 2 Objects in $or relationship.)")),
    ({"$or": [{"a": [1]}, {"b": {"regex": [1]}}]}, "$or[1].b.regex", ('"regex" is an operator\'s'
     " name and cannot be a field inside $or"
     " (AWS: regex is Ruler reserved fieldName which cannot be used inside $or.)")),
    ({"$or": [{"a": [1]}, {}]}, "$or[1]", ('an empty object asks nothing; to ask for a field,'
     ' write [{"exists": true}] (AWS: Empty objects are not allowed)')),
]  # fmt: skip

_OPERATORS: list[tuple[Any, str]] = [
    ({"exactly": 5}, "exactly takes a string, not 5 (AWS: exact match pattern must be a string)"),
    ({"prefix": 5}, "prefix takes a string, not 5 (AWS: prefix match pattern must be a string)"),
    ({"suffix": ["a"]}, ("suffix takes a string, not a list"
     " (AWS: suffix match pattern must be a string)")),
    ({"equals-ignore-case": ["a"]}, ("equals-ignore-case takes a string, not a list"
     " (AWS: equals-ignore-case match pattern must be a string)")),
    ({"wildcard": None}, ("wildcard takes a string, not null"
     " (AWS: wildcard match pattern must be a string)")),
    ({"prefix": {"wildcard": "a"}}, ('prefix knows equals-ignore-case alone, not "wildcard"'
     " (AWS: Unsupported prefix pattern: wildcard)")),
    ({"suffix": {"prefix": "a"}}, ('suffix knows equals-ignore-case alone, not "prefix"'
     " (AWS: Unsupported suffix pattern: prefix)")),
    ({"prefix": {}}, ('prefix takes a string or {"equals-ignore-case": …}, not an empty object'
     " (AWS: Prefix expression name not found)")),
    ({"suffix": {"equals-ignore-case": 5}}, ("equals-ignore-case takes a string, not 5"
     " (AWS: equals-ignore-case match pattern must be a string)")),
    ({"suffix": {"equals-ignore-case": "a", "b": 1}}, ("suffix takes an object with the one key"
     " equals-ignore-case, not 2 keys (AWS: Only one key allowed in match expression)")),
    ({"wildcard": "é**"}, ('two stars in a row at character 2 of "é**"; one is enough'
     " (AWS: Consecutive wildcard characters at pos 3)")),
    ({"wildcard": "a\\b"}, ('a backslash at character 2 of "a\\\\b" escapes neither * nor \\'
     " (AWS: Invalid escape character at pos 2)")),
    ({"wildcard": "a\\"}, ('a backslash at character 2 of "a\\\\" escapes neither * nor \\'
     " (AWS: Invalid escape character at pos 2)")),
    ({"anything-but": None}, ("anything-but takes a string, a number, a list of either or an"
     " object, not null"
     " (AWS: Value of anything-but must be an array or single string/number value.)")),
    ({"anything-but": True}, ("anything-but takes a string, a number, a list of either or an"
     " object, not true"
     " (AWS: Value of anything-but must be an array or single string/number value.)")),
    ({"anything-but": []}, ("an empty list in anything-but excludes nothing (AWS: Inside anything"
     " but list, either all values are number or string, mixed type is not supported)")),
    ({"anything-but": ["a", 1]}, ("a list in anything-but holds strings or numbers, not both (AWS:"
     " Inside anything but list, either all values are number or string, mixed type is not"
     " supported)")),
    ({"anything-but": ["a", None]}, ("a list in anything-but holds strings or numbers, not null"
     " (AWS: Inside anything but list, start|null|boolean is not supported.)")),
    ({"anything-but": {"equals-ignore-case": ["a", 1]}}, ("equals-ignore-case in anything-but takes"
     " strings, not 1 (AWS: Inside anything-but/equals-ignore-case list, number|start|null|boolean"
     " is not supported.)")),
    ({"anything-but": {}}, ("anything-but takes an object with one of prefix, suffix,"
     " equals-ignore-case, wildcard, not an empty one"
     " (AWS: Anything-But expression name not found)")),
    ({"anything-but": {"numeric": ["=", 1]}}, ("anything-but knows prefix, suffix,"
     ' equals-ignore-case, wildcard, not "numeric" (AWS: Unsupported anything-but pattern: numeric)')),
    ({"anything-but": {"exists": True}}, ("anything-but knows prefix, suffix, equals-ignore-case,"
     ' wildcard, not "exists" (AWS: Unsupported anything-but pattern: exists)')),
    ({"anything-but": {"cidr": "10.0.0.0/8"}}, ("anything-but knows prefix, suffix,"
     ' equals-ignore-case, wildcard, not "cidr" (AWS: Unsupported anything-but pattern: cidr)')),
    ({"anything-but": {"prefix": ""}}, ("an empty prefix in anything-but would exclude every string"
     " (AWS: Null prefix/suffix not allowed)")),
    ({"anything-but": {"suffix": ["a", ""]}}, ("an empty suffix in anything-but would exclude every"
     " string (AWS: Null prefix/suffix not allowed)")),
    ({"anything-but": {"prefix": 5}}, ("prefix in anything-but takes strings, not 5"
     " (AWS: prefix/suffix match pattern must be a string)")),
    ({"anything-but": {"prefix": None}}, ("prefix in anything-but takes strings, not null"
     " (AWS: Value of anything-but must be an array or single string/number value.)")),
    ({"anything-but": {"prefix": []}}, "an empty list in anything-but excludes nothing"),
    ({"anything-but": {"prefix": "a", "suffix": "b"}}, ("anything-but takes an object with one key,"
     " not 2 (AWS: Too many elements in numeric expression)")),
    ({"anything-but": {"wildcard": 5}}, ("wildcard takes a string, not 5"
     " (AWS: wildcard match pattern must be a string)")),
    ({"anything-but": 2**53 + 1}, ("anything-but cannot compare 9007199254740993: no IEEE-754 double"
     " is exactly that (AWS: Cannot compare number : 9007199254740993)")),
    ({"numeric": 5}, ('numeric takes a list as [">", 0] or [">", 0, "<=", 5], not 5'
     " (AWS: Value of numeric must be an array.)")),
    ({"numeric": []}, ("numeric begins with one of = < <= > >=, not an empty list"
     " (AWS: Invalid member in numeric match: ])")),
    ({"numeric": [5]}, ("numeric begins with one of = < <= > >=, not 5"
     " (AWS: Invalid member in numeric match: 5)")),
    ({"numeric": ["==", 5]}, ('numeric knows = < <= > >=, not "=="'
     " (AWS: Unrecognized numeric range operator: ==)")),
    ({"numeric": ["="]}, ('numeric takes a number after "=", not the end of the list'
     " (AWS: Value of equals must be numeric)")),
    ({"numeric": ["<", True]}, ('numeric takes a number after "<", not true'
     " (AWS: Value of < must be numeric)")),
    ({"numeric": [">", 0, "<", "5"]}, ('numeric takes a number after "<", not "5"'
     " (AWS: Value of < must be numeric)")),
    ({"numeric": [">", 0, 5]}, ("numeric takes < or <= after the lower bound, not 5"
     " (AWS: Bad value in numeric range: 5)")),
    ({"numeric": [">", 0, ">", 5]}, ('numeric takes < or <= after the lower bound, not ">"'
     " (AWS: Bad numeric range operator: >)")),
    ({"numeric": ["=", 5, 6]}, ('numeric takes nothing after ["=", 5]'
     " (AWS: Too many elements in numeric expression)")),
    ({"numeric": ["<", 5, ">", 0]}, ('numeric takes nothing after ["<", 5]; in a range the lower'
     " bound comes first (AWS: Too many elements in numeric expression)")),
    ({"numeric": [">", 0, "<", 5, 6]}, ("numeric takes two bounds, and nothing after them; 6 is too"
     " much (AWS: Too many terms in numeric range expression)")),
    ({"numeric": [">=", 5, "<=", 5]}, ("numeric's lower bound 5 is not below its upper one 5"
     " (AWS: Bottom must be less than top)")),
    ({"numeric": ["=", 2**53 + 1]}, ("numeric cannot compare 9007199254740993: no IEEE-754 double"
     " is exactly that (AWS: Cannot compare number : 9007199254740993)")),
    ({"numeric": ["=", 10**400]}, ("numeric cannot compare an integer of 1329 bits: no IEEE-754"
     " double is exactly that (AWS: Cannot compare number : an integer of 1329 bits)")),
    ({"exists": "true"}, ('exists takes true or false, not "true"'
     " (AWS: exists match pattern must be either true or false.)")),
    ({"exists": 1}, ("exists takes true or false, not 1"
     " (AWS: exists match pattern must be either true or false.)")),
    ({"cidr": 5}, ("cidr takes a string as 10.0.0.0/24, not 5"
     " (AWS: prefix match pattern must be a string)")),
    ({"cidr": "10.0.0.0"}, ('cidr takes an address, a slash and a number of bits, not "10.0.0.0"'
     " (AWS: Malformed CIDR, one '/' required)")),
    ({"cidr": "10.0.0.0/x"}, ('cidr takes a whole number of bits after the slash, not "10.0.0.0/x"'
     " (AWS: Malformed CIDR, mask bits must be an integer)")),
    ({"cidr": "10.0.0.0/-1"}, ('cidr takes a number of bits from 0, not "10.0.0.0/-1"'
     " (AWS: Malformed CIDR, mask bits must not be negative)")),
    ({"cidr": "10.0.0.0/32"}, ("cidr takes at most 31 bits for IPv4, not 32; write a single address"
     " bare, without cidr (AWS: IPv4 mask bits must be < 32)")),
    ({"cidr": "::1/128"}, ("cidr takes at most 127 bits for IPv6, not 128; write a single address"
     " bare, without cidr (AWS: IPv6 mask bits must be < 128)")),
    ({"cidr": "host/8"}, ('cidr takes an IPv4 or IPv6 address, not "host"'
     " (AWS: Nonstandard IP address: host)")),
    ({"cidr": "10.0.0.0/" + "9" * 5000}, ("cidr takes at most 31 bits for IPv4, not 9999; write a"
     " single address bare, without cidr (AWS: IPv4 mask bits must be < 32)")),
]  # fmt: skip

_ALL = [
    *_STRUCTURE,
    *_OR,
    *(({"d": {"a": ["x", expression]}}, "d.a[1]", text) for expression, text in _OPERATORS),
]


@pytest.mark.parametrize(
    ("pattern", "path", "message"), [pytest.param(*row, id=str(row[0])[:60]) for row in _ALL]
)
def test_fault(pattern: Any, path: str, message: str) -> None:
    """The pattern is refused: the path says where, the message what and what AWS calls it."""
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)

    assert (path, message) == (caught.value.path, caught.value.message)
    assert (f"{path}: {message}" if path else message) == str(caught.value)


def test_fault_survives_pickling() -> None:
    """The error is an eventflow error, and comes out of a pickle as it went in."""
    with pytest.raises(EventflowError) as caught:
        Pattern({"a": {"b": 5}})

    copy = pickle.loads(pickle.dumps(caught.value))

    assert str(caught.value) == str(copy)
    assert "a.b" == copy.path


def test_matcher_names_the_faulty_pattern() -> None:
    """Of many patterns, the error says which one is at fault, and where in it."""
    with pytest.raises(PatternError) as caught:
        Matcher({"good": {"a": [1]}, "bad": {"a": [{"prefix": 5}]}})

    assert caught.value.path == "a[0]"
    assert caught.value.message.endswith('(in the pattern "bad")')
