"""Paths into an event: both notations, what leads nowhere, what is no path."""

import pytest

from eventflow.rules.paths import MAX_PATH, MISSING, parse_path

EVENT = {
    "id": "e1",
    "source": "courier.app",
    "detail-type": "CourierArrived",
    "resources": ["arn:1", "arn:2"],
    "detail": {
        "door": {"kind": "garage", "x y": 1, "it's": 2, 'q"': 3, "a.b": 4, "a\\b": 5, "": 6},
        "items": [{"sku": "A"}, {"sku": "B"}],
        "note": None,
        "0": "zero",
    },
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail-type", "CourierArrived"),
        ("$.detail.door.kind", "garage"),
        ("$['detail']['door']['kind']", "garage"),
        ('$["detail"].door["kind"]', "garage"),
        ("$.detail.door['x y']", 1),
        (r"$.detail.door['it\'s']", 2),
        ('$.detail.door["it\'s"]', 2),
        (r'$.detail.door["q\""]', 3),
        ("$.detail.door['a.b']", 4),
        (r"$.detail.door['a\\b']", 5),
        ("$.detail.door['']", 6),
        ("$.detail.items[1].sku", "B"),
        ("$.resources[0]", "arn:1"),
        ("$.detail.note", None),  # null is a value
        ("$.detail.0", "zero"),  # a name, not an index
        ("$.detail.none", MISSING),
        ("$.detail.items.sku", MISSING),  # a name leads nowhere in an array
        ("$.detail.items[2]", MISSING),
        ("$.detail[0]", MISSING),  # an index leads nowhere in an object
        ("$.detail.door.kind.more", MISSING),
        ("$.detail.door.kind[0]", MISSING),  # a text is no array
        ("$.replay-name", MISSING),  # only replayed events have one
    ],
)
def test_paths_lead_to_values(path, expected):
    """Each notation leads to the value itself; where there is none, to MISSING."""
    assert parse_path(path).find(EVENT) == expected


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("detail.door", "'detail.door' is not a path: it begins with $"),
        ("", "'' is not a path"),
        ("$.", "'.' is none of"),
        ("$..kind", "'..kind' is none of"),
        ("$.detail.*", "wildcards, slices and filters are not supported"),
        ("$.detail.items[*]", "'[*]' is none of"),
        ("$.detail.items[-1]", "'[-1]' is none of"),
        ("$.detail.items[0:1]", "'[0:1]' is none of"),
        ("$.detail.items[?(@.sku)]", "is none of"),
        ("$.detail.items[0", "'[0' is none of"),
        ("$.detail['door", "is none of"),
        ("$.detail door", "' door' is none of"),
        ("$.detail.door ", "' ' is none of"),
        ("$detail", "'detail' is none of"),
        ("$.data.door", "there is no 'data' in an event; did you mean 'detail'?"),
        ("$.type", "did you mean 'detail-type'?"),
        ("$.detai.door", "did you mean 'detail'?"),
        ("$.zzz", "which has version, id, detail-type"),
        ("$[0]", "there is no 0 in an event"),
        ("$.detail." + "x" * MAX_PATH, "at most 256 are allowed"),
    ],
)
def test_what_is_no_path_is_refused(path, message):
    """A path that cannot lead anywhere is refused with its reason."""
    with pytest.raises(ValueError) as caught:
        parse_path(path)
    assert message in str(caught.value)


def test_longest_path_is_accepted():
    """A path may have exactly as many characters as at EventBridge."""
    path = "$.detail." + "x" * (MAX_PATH - len("$.detail."))
    assert parse_path(path).find({"detail": {}}) is MISSING
