"""What the repository asks of events: by default, and on each bus."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from eventflow.schemas.document import Compatibility, Unknown, Validation

__all__ = ["POLICY_FILE", "BusPolicy", "Policy"]

POLICY_FILE = "repository.yaml"
"""The file of the policy, in the repository's directory; it may be missing."""

_STRICT = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class BusPolicy(BaseModel):
    """What one bus does otherwise; None: as the repository's default.

    Attributes:
        validation: What is done about events that do not fit their schema.
        unknown: What is done about events that have none.
    """

    model_config = _STRICT

    validation: Validation | None = None
    unknown: Unknown | None = None


class Policy(BaseModel):
    """The content of `repository.yaml`.

    Attributes:
        validation: What is done about events that do not fit their schema.
        unknown: What is done about events that have none.
        compatibility: What a new version of a schema must keep.
        buses: What some buses do otherwise, by their names.
    """

    model_config = _STRICT

    validation: Validation = Validation.ENFORCE
    unknown: Unknown = Unknown.ALLOW
    compatibility: Compatibility = Compatibility.BACKWARD
    buses: Annotated[Mapping[str, BusPolicy], Field(default_factory=dict)]

    def of_bus(self, bus: str) -> tuple[Validation, Unknown]:
        """Return what *bus* does about events that do not fit, and about those without a schema."""
        own = self.buses.get(bus)
        if own is None:
            return self.validation, self.unknown
        return own.validation or self.validation, own.unknown or self.unknown
