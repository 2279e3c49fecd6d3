"""The keywords of JSON Schema that decide what is valid; every other one is an annotation."""

__all__ = ["ASSERTIONS", "LEAF", "OPAQUE", "UNORDERED"]

LEAF = {
    "type": "",
    "enum": "",
    "const": "",
    "minimum": "number",
    "exclusiveMinimum": "number",
    "maximum": "number",
    "exclusiveMaximum": "number",
    "multipleOf": "number",
    "minLength": "string",
    "maxLength": "string",
    "pattern": "string",
    "format": "string",
    "minItems": "array",
    "maxItems": "array",
    "uniqueItems": "array",
    "minProperties": "object",
    "maxProperties": "object",
}
"""Keywords that look at one value without its parts, and the kind of value that they are about."""

OPAQUE = {
    "not": "",
    "if": "",
    "contains": "array",
    "unevaluatedItems": "array",
    "propertyNames": "object",
    "dependentSchemas": "object",
    "dependencies": "object",
    "unevaluatedProperties": "object",
    "$dynamicRef": "",
    "$recursiveRef": "",
}
"""Keywords that are not looked into, and the kind of value that they are about."""

STRUCTURE = frozenset(
    {
        "$ref",
        "additionalItems",
        "additionalProperties",
        "allOf",
        "anyOf",
        "dependentRequired",
        "else",
        "items",
        "maxContains",
        "minContains",
        "oneOf",
        "patternProperties",
        "prefixItems",
        "properties",
        "required",
        "then",
    }
)

ASSERTIONS = STRUCTURE | LEAF.keys() | OPAQUE.keys()
"""All keywords that decide."""

UNORDERED = frozenset({"required", "enum", "type", "anyOf", "oneOf", "allOf"})
"""Keywords whose list means the same in another order."""
