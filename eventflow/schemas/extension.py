"""`x-eventflow`: what a schema file says beside its JSON Schema."""

import json
from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eventflow.errors import SchemaError
from eventflow.schemas.compiled import SchemaFault
from eventflow.schemas.document import KEYWORD, Compatibility, Status, Validation
from eventflow.schemas.names import Version

__all__ = ["Extension", "read_extension"]


class Extension(BaseModel):
    """The content of `x-eventflow`.

    Attributes:
        owner: Who answers for the schema.
        status: How far it is.
        deprecated_on: Since or from when it is deprecated.
        successor: The version to use in its place.
        compatibility: What new versions must keep; None: the repository's default.
        validation: What is done about events that do not fit; None: the bus's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    owner: str = Field("", max_length=200)
    status: Status = Status.ACTIVE
    deprecated_on: date | None = None
    successor: str | None = None
    compatibility: Compatibility | None = None
    validation: Validation | None = None


def read_extension(schema: Any) -> tuple[Extension, list[SchemaFault]]:
    """Read `x-eventflow` of a schema file.

    Returns:
        What it says, and what is wrong with it; what is wrong counts as not said.
    """
    given = schema.get(KEYWORD, {}) if isinstance(schema, dict) else {}
    try:
        extension = Extension.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        faults = [
            SchemaFault((KEYWORD, *item["loc"]), _describe(item["type"], item["msg"]))
            for item in error.errors(include_url=False, include_input=False)
        ]
        return Extension(), faults
    return extension, _check(extension)


def _check(extension: Extension) -> list[SchemaFault]:
    faults = []
    dated = {"deprecated_on": extension.deprecated_on, "successor": extension.successor}
    for key, value in dated.items():
        if extension.status is Status.DEPRECATED and value is None:
            what = "the date" if key == "deprecated_on" else "the version to use in its place"
            message = f"is deprecated without {key}: say {what}"
            faults.append(SchemaFault((KEYWORD, "status"), message))
        elif extension.status is not Status.DEPRECATED and value is not None:
            message = f"is for what is deprecated: set status to deprecated, or leave {key} out"
            faults.append(SchemaFault((KEYWORD, key), message))
    if extension.successor is not None:
        try:
            Version.parse(extension.successor)
        except SchemaError as error:
            faults.append(SchemaFault((KEYWORD, "successor"), str(error)))
    return faults


def _describe(kind: str, message: str) -> str:
    known = ", ".join(Extension.model_fields)
    words = {
        "extra_forbidden": f"is no key of {KEYWORD}: {known}",
        "model_type": "must be an object",
        "string_type": "must be a string",
        "date_type": "must be a date, such as 2026-12-01",
        "date_parsing": "must be a date, such as 2026-12-01",
        "date_from_datetime_parsing": "must be a date, such as 2026-12-01",
    }
    return words.get(kind, f"cannot be: {message[:1].lower()}{message[1:]}")
