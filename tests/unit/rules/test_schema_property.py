"""No false alarm: what the linter holds for impossible never matches data that a schema allows."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import jsonschema_rs
import pytest

from eventflow.patterns import Pattern, PatternError
from eventflow.rules.field_lint import Candidate, Candidates, check_test
from eventflow.rules.readers import field_tests
from eventflow.rules.ruleset import Rule
from eventflow.schemas import SchemaDocument, SchemaName
from eventflow.schemas.fields import SchemaFields

LATEST = "https://json-schema.org/draft/2020-12/schema"
NAMES = ("a", "b", "c", "a.b")
LEAVES = ("", "x", "gate", "garage", None, True, False, 0, 1, -2, 3, 1.5)
LEAF_SCHEMAS: tuple[Any, ...] = (
    *({"type": "string", "maxLength": 3}, {"type": "string", "pattern": "^g"}, {"type": "string"}),
    *({"type": ["integer", "null"], "minimum": 0}, {"type": "number", "exclusiveMaximum": 2}),
    *({"type": "boolean"}, {"const": 1}, {"minLength": 1}, {}, True),
)
TESTS: tuple[Any, ...] = (
    *({"prefix": "ga"}, {"suffix": "e"}, {"wildcard": "g*e"}, {"equals-ignore-case": "GATE"}),
    *({"numeric": [">", 0]}, {"numeric": [">", 0, "<", 1]}, {"numeric": ["<=", -1]}),
    *({"anything-but": ["gate"]}, {"anything-but": {"prefix": "g"}}, {"exists": True}),
)
SCHEMAS, SAMPLES, MOST_LEAVES, DEEPEST = 150, 12, 8, 4


def make_object(random: Random, depth: int) -> dict[str, Any]:
    names = random.sample(NAMES, random.randint(0, 3))
    kind = {"type": "object"} if random.random() < 0.8 else {}
    return {
        **kind,
        "properties": {name: make_schema(random, depth + 1) for name in names},
        "additionalProperties": make_schema(random, DEEPEST) if random.random() < 0.2 else False,
    }


def make_schema(random: Random, depth: int) -> Any:
    """Make a schema; below a depth, one of a leaf."""
    if depth >= DEEPEST or random.random() < 0.25:
        if random.random() < 0.4:
            return {"enum": random.sample(LEAVES, random.randint(1, 3))}
        return random.choice(LEAF_SCHEMAS)
    inner = [make_schema(random, depth + 1) for _ in range(3)]
    makers: list[Callable[[], Any]] = [
        lambda: make_object(random, depth),
        lambda: make_object(random, depth),
        lambda: {"type": "array", "items": inner[0]},
        lambda: {"type": "array", "prefixItems": inner[:1], "items": inner[1]},
        lambda: {"anyOf": inner[:2]},
        lambda: {"oneOf": inner[:2]},
        lambda: {"allOf": inner[:2]},
        lambda: dict(zip(("if", "then", "else"), inner, strict=True)),
        lambda: {
            **make_object(random, depth),
            "unevaluatedProperties": False,
            "anyOf": inner[:2],
        },
        lambda: {"enum": [{"a": 1, "b": "x"}, "gate", [1, {"a": "x"}]]},
    ]
    return random.choice(makers)()


def make_data(random: Random, schema: Any, depth: int = 0) -> Any:
    """Make data that is likely to fit a schema: what it says is followed, most of the time."""
    if not isinstance(schema, dict) or depth > 2 * DEEPEST or random.random() < 0.05:
        return random.choice((*LEAVES, {"a": 1}, {"a.b": "x"}, [{"a": {"b": "gate"}}]))
    if "properties" in schema:
        return {
            name: make_data(
                random, schema["properties"].get(name, schema["additionalProperties"]), depth + 1
            )
            for name in (*schema["properties"], *(NAMES if schema["additionalProperties"] else ()))
            if random.random() < 0.8
        }
    if "items" in schema:
        tuple_items = [*schema.get("prefixItems", ()), schema["items"], schema["items"]]
        count = random.randint(0, len(tuple_items))
        return [make_data(random, each, depth + 1) for each in tuple_items[:count]]
    ways = [way for key in ("anyOf", "oneOf", "allOf") for way in schema.get(key, ())]
    ways += [schema[key] for key in ("then", "else") if key in schema]
    if ways:
        return make_data(random, random.choice(ways), depth + 1)
    return random.choice(schema.get("enum", LEAVES))


def leaves_of(value: Any, path: str = "detail") -> Iterator[tuple[str, Any]]:
    """Yield the path and the value of each leaf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves_of(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves_of(inner, path)
    else:
        yield path, value


def finds_certain(fields: SchemaFields, document: SchemaDocument, pattern: Pattern) -> bool:
    """Tell whether the linter holds one test of a pattern for impossible by a schema."""
    candidates = Candidates((Candidate(document, fields, enforced=True),), all_known=True)
    return any(
        finding.certain
        for test in field_tests(Rule("r", pattern, ()))
        for finding in check_test(test, candidates)
    )


def read(path: str, asked: Any) -> Pattern | None:
    """Read a pattern of one test; None where no pattern can ask that."""
    try:
        return Pattern({path: [asked]})
    except PatternError:
        return None


@pytest.mark.parametrize("seed", range(2))
def test_what_matches_is_never_called_impossible(seed):
    """Whatever stands in data that a schema allows, no test that accepts it is held impossible."""
    random = Random(seed)
    matched = impossible = 0
    for _ in range(SCHEMAS):
        schema = {"type": "object", "allOf": [make_object(random, 0)]}
        document = SchemaDocument(SchemaName.parse("shop/Sold/1.0"), schema, Path("x.json"), LATEST)
        fields, validator = SchemaFields(document), jsonschema_rs.validator_for(schema)
        samples = [make_data(random, schema["allOf"][0]) for _ in range(SAMPLES)]
        for value in filter(validator.is_valid, samples):
            for path, leaf in islice(leaves_of(value), MOST_LEAVES):
                for asked in (leaf, *TESTS):
                    pattern = read(path, asked)
                    if pattern is None:
                        continue
                    if pattern.matches({"detail": value}):
                        matched += 1
                        assert not finds_certain(fields, document, pattern), (
                            schema,
                            value,
                            path,
                            asked,
                        )
                    else:
                        impossible += finds_certain(fields, document, pattern)
    assert matched > 500
    assert impossible > 50  # that it does find something, too
