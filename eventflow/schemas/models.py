"""EventModel: an event's data as a pydantic model that knows its source, type and version."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eventflow.errors import EventError
from eventflow.events import Event, write_path

__all__ = ["EventModel"]


class EventModel(BaseModel):
    """The base of typed events.

    Class arguments:
        source: Who publishes it, such as `courier.app`.
        type: What happened, EventBridge's `detail-type`.
        version: The schema's version; `1.0` unless said.
        owner: Who answers for the schema, for its file; what the file says unless said.
        status: `draft`, `active` or `deprecated`, for its file, likewise.
        generated: Whether the class was written from a schema file, which is then what counts.

    Example:
        >>> class CourierArrived(EventModel, source="courier.app", type="CourierArrived"):
        ...     parcel_id: str
        >>> CourierArrived(parcel_id="P1").to_event().type
        'CourierArrived'
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    event_source: ClassVar[str] = ""
    event_type: ClassVar[str] = ""
    event_version: ClassVar[str] = ""
    event_owner: ClassVar[str] = ""
    event_status: ClassVar[str] = ""
    # Whether the class itself says what event it is, rather than the one that it derives from.
    event_declared: ClassVar[bool] = False
    event_generated: ClassVar[bool] = False

    def __init_subclass__(
        cls,
        *,
        source: str = "",
        type: str = "",
        version: str = "",
        owner: str = "",
        status: str = "",
        generated: bool = False,
        **kwargs: Any,
    ) -> None:
        """Take the class arguments; pydantic reads the rest."""
        super().__init_subclass__(**kwargs)
        cls.event_declared = bool(source or type or version)
        cls.event_generated = generated
        cls.event_owner = owner or cls.event_owner
        # One event's state says nothing of another's.
        cls.event_status = status
        # A model derived from a typed event without arguments of its own keeps its parent's.
        inherited = "" if source or type else cls.event_version
        cls.event_source = source or cls.event_source
        cls.event_type = type or cls.event_type
        cls.event_version = version or inherited or "1.0"

    def check(self) -> None:
        """See whether this still is what its class asks for: a model can be changed once made.

        Raises:
            EventError: When it is not; with every fault's path.
        """
        values = {**self.__dict__, **(self.__pydantic_extra__ or {})}
        try:
            type(self).model_validate(values, by_name=True, by_alias=False)
        except ValidationError as error:
            faults = [
                f"  {write_path(('data', *item['loc']))}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            ]
            message = f"this {type(self).__name__} does not fit its own model:"
            raise EventError("\n".join([message, *faults])) from None

    def to_event(self, **envelope: Any) -> Event[Any]:
        """Return the event that carries this as its data.

        Args:
            envelope: Fields of the envelope, such as `id`, `time`, `subject` or `bus`.

        Raises:
            TypeError: When the class was declared without a source or a type.
        """
        cls = type(self)
        if not cls.event_source or not cls.event_type:
            message = (
                f"{cls.__name__} names no source and type: declare it as "
                f"class {cls.__name__}(EventModel, source=..., type=...)"
            )
            raise TypeError(message)
        schema = f"{cls.event_source}/{cls.event_type}/{cls.event_version}"
        values: dict[str, Any] = {"dataschema": schema, **envelope}
        return Event[Any](source=cls.event_source, type=cls.event_type, data=self, **values)
