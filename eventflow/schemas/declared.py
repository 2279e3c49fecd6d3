"""The typed events of a process: which classes say what an event's schema is."""

from collections.abc import Iterable

from eventflow.errors import SchemaError
from eventflow.schemas.export import describe_model, model_schema
from eventflow.schemas.models import EventModel
from eventflow.schemas.names import SchemaName, Version

__all__ = ["declared_models", "model_name"]


def declared_models(among: Iterable[str] | None = None) -> tuple[type[EventModel], ...]:
    """Return the typed events that are imported by now, one for each schema's name.

    One that only derives from a typed event, and one that was generated from a schema file, is no
    word of its own on what the schema is, and is left out.

    Args:
        among: Modules; only what is defined in them, or below them. None: wherever.

    Returns:
        The classes, sorted by the names of their schemas.

    Raises:
        SchemaError: When a version is none, or two classes give one name different schemas.
    """
    modules = None if among is None else tuple(among)
    found: dict[SchemaName, type[EventModel]] = {}
    for model in sorted(_subclasses(EventModel), key=describe_model):
        if not _is_declared(model) or not _is_among(model.__module__, modules):
            continue
        name = model_name(model)
        other = found.setdefault(name, model)
        if other is not model and model_schema(other) != model_schema(model):
            message = (
                f"{describe_model(other)} and {describe_model(model)} both declare {name}, and differ: "
                "keep one, or give one of them a version of its own"
            )
            raise SchemaError(message)
    return tuple(found[name] for name in sorted(found))


def model_name(model: type[EventModel]) -> SchemaName:
    """Return the name of a typed event's schema.

    Raises:
        SchemaError: When its version is none.
    """
    try:
        version = Version.parse(model.event_version)
    except SchemaError as error:
        message = f"{describe_model(model)}: {error.message}"
        raise SchemaError(message) from None
    return SchemaName(model.event_source, model.event_type, version)


def _subclasses(model: type[EventModel]) -> set[type[EventModel]]:
    own = set(model.__subclasses__())
    return own.union(*(_subclasses(each) for each in own))


def _is_declared(model: type[EventModel]) -> bool:
    is_event = bool(model.event_source and model.event_type)
    return is_event and model.event_declared and not model.event_generated


def _is_among(module: str, modules: tuple[str, ...] | None) -> bool:
    return modules is None or any(f"{module}.".startswith(f"{each}.") for each in modules)
