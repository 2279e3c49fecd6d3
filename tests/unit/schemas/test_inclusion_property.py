"""What is found compatible is compatible: schemas that hypothesis makes up, and a pool of data."""

import json
import random
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from eventflow.schemas.inclusion import Inclusion, Node, Verdict

NAMES = st.sampled_from(["a", "b", "xa"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.5, "", "a", "xa"])
NUMBERS = st.integers(-2, 3)
LENIENT = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

LEAVES = st.one_of(
    st.sampled_from([True, {}, {"type": "null"}, {"type": "boolean"}, {"type": "string"}]),
    st.sampled_from([{"type": "integer"}, {"type": "number"}, {"type": ["string", "null"]}]),
    st.builds(lambda low: {"type": "integer", "minimum": low}, NUMBERS),
    st.builds(lambda low: {"type": "number", "exclusiveMaximum": low}, NUMBERS),
    st.builds(lambda least: {"type": "string", "minLength": least}, st.integers(0, 2)),
    st.builds(lambda values: {"enum": values}, st.lists(SCALARS, min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, SCALARS),
    st.sampled_from(
        [{"const": {"a": 1}}, {"enum": [[1], "a"]}, {"type": "string", "pattern": "^a"}]
    ),
)


def _objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    more = {
        "required": st.lists(NAMES, unique=True, max_size=2),
        "additionalProperties": st.one_of(st.just(False), parts),
        "patternProperties": st.dictionaries(st.just("^x"), parts, max_size=1),
        "maxProperties": st.integers(1, 3),
    }
    return st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(NAMES, parts, max_size=3)},
        optional=more,
    )


def _nested(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    some = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        _objects(parts),
        _objects(parts),
        st.fixed_dictionaries(
            {"type": st.just("array"), "items": parts},
            optional={"prefixItems": some, "maxItems": st.integers(0, 2)},
        ),
        st.builds(lambda branches: {"anyOf": branches}, some),
        st.builds(lambda branches: {"oneOf": branches}, some),
        st.builds(lambda branches: {"allOf": branches}, some),
        st.builds(lambda part: {"$ref": "#/$defs/part", "$defs": {"part": part}}, parts),
    )


SCHEMAS = st.recursive(LEAVES, _nested, max_leaves=6).filter(
    lambda schema: "$defs" not in str(schema) or "$ref" in schema
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two schemas, of which the second is most often a little wider or narrower than the first."""
    one = draw(SCHEMAS)
    other = draw(st.one_of(st.just(one).map(lambda schema: _changed(draw, schema)), SCHEMAS))
    assume(str(one).count("$ref") <= 1 and str(other).count("$ref") <= 1)
    return one, other


def _changed(draw: st.DrawFn, schema: Any) -> Any:
    """Change one keyword, somewhere."""
    if not isinstance(schema, dict) or not schema or draw(st.integers(0, 9)) == 0:
        return draw(LEAVES)
    name = draw(st.sampled_from(sorted(schema)))
    changed = dict(schema)
    value = schema[name]
    if draw(st.booleans()) and name != "$ref":
        del changed[name]
    elif name in ("items", "additionalProperties"):
        changed[name] = _changed(draw, value)
    elif name in ("properties", "patternProperties", "$defs") and value:
        key = draw(st.sampled_from(sorted(value)))
        changed[name] = {**value, key: _changed(draw, value[key])}
    elif name in ("anyOf", "allOf", "oneOf"):
        changed[name] = draw(st.sampled_from([[*value, draw(LEAVES)], value[:-1] or value]))
    if "$defs" in schema and "$defs" not in changed:
        return schema
    return changed


def find(writer: Any, reader: Any) -> set[Verdict]:
    inclusion = Inclusion(writer="1.0", reader="1.1")
    found = inclusion.differences(Node.whole(writer), Node.whole(reader))
    return {item.verdict for item in found}


def close(schema: Any) -> Any:
    """Let no object have fields that its schema does not speak of."""
    if isinstance(schema, list):
        return [close(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: part if name in ("enum", "const", "required") else close(part)
        for name, part in schema.items()
    }
    named = schema.get("properties")
    if isinstance(named, dict) and "type" in schema:
        closed["properties"] = {name: close(part) for name, part in named.items()}
        if closed.get("additionalProperties", True) in (True, {}):
            closed["additionalProperties"] = False
    return closed


def make_value(chance: random.Random, depth: int = 0) -> Any:
    """Make up a value of the few names and scalars that the schemas speak of."""
    kind = chance.choice(["scalar", "object", "object", "array"] if depth < 3 else ["scalar"])
    if kind == "object":
        names = chance.sample(["a", "b", "xa", "z"], chance.randint(0, 3))
        return {name: make_value(chance, depth + 1) for name in names}
    if kind == "array":
        return [make_value(chance, depth + 1) for _ in range(chance.randint(0, 3))]
    return chance.choice([None, True, False, -2, -1, 0, 1, 2, 3, 1.0, 0.5, "", "a", "ab", "xa"])


CHANCE = random.Random(20261125)
POOL = [make_value(CHANCE) for _ in range(1500)]


def refused(writer: Any, reader: Any) -> Iterator[Any]:
    """Give the values of the pool that the writer's schema accepts and the reader's does not."""
    sends, takes = jsonschema_rs.validator_for(writer), jsonschema_rs.validator_for(reader)
    return (value for value in POOL if sends.is_valid(value) and not takes.is_valid(value))


@LENIENT
@given(pairs())
def test_no_difference_means_that_all_data_is_taken(pair: tuple[Any, Any]) -> None:
    """Where nothing is found, whatever the writer's schema accepts, the reader's accepts too."""
    writer, reader = pair
    if not find(writer, reader):
        assert [] == list(refused(writer, reader))


@LENIENT
@given(pairs())
def test_what_is_assumed_is_the_only_condition(pair: tuple[Any, Any]) -> None:
    """Where fields without a name are all that was found, data without such fields is taken."""
    writer, reader = pair
    if find(writer, reader) == {Verdict.ASSUMED}:
        closed = jsonschema_rs.validator_for(close(writer))
        assert [] == [value for value in refused(writer, reader) if closed.is_valid(value)]


@LENIENT
@given(pairs())
def test_a_schema_reads_itself(pair: tuple[Any, Any]) -> None:
    """A schema takes all that it accepts itself."""
    writer, _ = pair
    assert set() == find(writer, json.loads(json.dumps(writer)))
