"""Subscribers: which function is bound to which target, and how an event becomes its arguments."""

import inspect
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from eventflow.errors import EventError, SubscriberError
from eventflow.events import Event
from eventflow.schemas.upcasting import Converters, faults_of

__all__ = ["Delivery", "Subscriber", "Subscribers"]

SubscriberFunction = Callable[..., Any]
_MOST_PARAMETERS = 2


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a subscriber may know of the delivery that it is handed.

    Attributes:
        id: The same at each attempt: pass it on as an idempotency key.
        target: The target's name.
        attempt: The number of this attempt, from 1.
        last_attempt: Whether the target's policy allows none after this one.
        rules: The rules that matched.
        redrives: How often it was redriven from the dead letters.
    """

    id: str
    target: str
    attempt: int
    last_attempt: bool
    rules: tuple[str, ...] = ()
    redrives: int = 0


class Subscriber:
    """A function bound to a target.

    Its first parameter's annotation says what it is handed: `Event` or `Event[Model]`, a pydantic
    model (the event's data, or the rule's input), anything else the rule's input as it is (the
    EventBridge dict where the rule shapes none). No annotation means `Event`. A second parameter,
    if there is one, is handed the `Delivery`.

    An `EventModel` names a version; an event of another version is brought to it first.

    Args:
        target: The target's name.
        function: The function.
        converters: What brings events to the version that is asked for.
    """

    def __init__(
        self, target: str, function: SubscriberFunction, converters: Converters | None = None
    ) -> None:
        self.target = target
        self.converters = converters if converters is not None else Converters()
        self.function = function
        self.name = f"{function.__module__}.{function.__qualname__}"
        self.is_async = inspect.iscoroutinefunction(function)
        self._parameter: Any = None
        self._takes_delivery = False
        self._prepared = False

    def prepare(self) -> None:
        """Read the signature; done when first called, or earlier to find faults at start.

        Raises:
            SubscriberError: When the function cannot be handed an event and a delivery.
        """
        parameters = list(inspect.signature(self.function).parameters.values())
        required = [item for item in parameters if _is_required(item)]
        variadic = any(item.kind is item.VAR_POSITIONAL for item in parameters)
        positional = [item for item in parameters if item.kind in _POSITIONAL]
        if not (positional or variadic) or len(required) > _MOST_PARAMETERS:
            message = (
                f"{self.place}: {self.name} must take an event and, if it likes, a delivery: "
                f"def {self.function.__name__}(event: Event, delivery: Delivery)"
            )
            raise SubscriberError(message)
        try:
            hints = typing.get_type_hints(self.function)
        except (NameError, TypeError) as error:
            message = f"{self.place}: an annotation of {self.name} cannot be read: {error}"
            raise SubscriberError(message) from error
        first = positional[0].name if positional else ""
        self._parameter = hints.get(first, Event)
        self._takes_delivery = (
            variadic
            or len(required) == _MOST_PARAMETERS
            or (len(positional) >= _MOST_PARAMETERS and hints.get(positional[1].name) is Delivery)
        )
        self._prepared = True

    def bind(self, event: Event, shaped: str | None, delivery: Delivery) -> tuple[Any, ...]:
        """Return the function's arguments for one delivery.

        Args:
            event: The event.
            shaped: The rule's input as JSON; None where the rule shapes none.
            delivery: The delivery.

        Raises:
            EventError: When the data does not fit the annotated model, with every fault's path;
                or when a converter on the way to its version raises.
        """
        if not self._prepared:
            self.prepare()
        argument = _fit(self._parameter, event, shaped, self.converters)
        return (argument, delivery) if self._takes_delivery else (argument,)

    @property
    def model(self) -> type[BaseModel] | None:
        """The model that the function is handed the event's data as; None where it asks for none."""
        if not self._prepared:
            self.prepare()
        return _model_of(self._parameter)

    @property
    def place(self) -> str:
        """Where the function is, as file:line."""
        code = inspect.unwrap(self.function).__code__
        return f"{code.co_filename}:{code.co_firstlineno}"


class Subscribers:
    """The subscribers of one EventFlow, by target."""

    def __init__(self) -> None:
        self.converters = Converters()
        self._by_target: dict[str, Subscriber] = {}

    def add(self, target: str, function: SubscriberFunction) -> Subscriber:
        """Bind *function* to *target*.

        Raises:
            SubscriberError: When another function is bound to it, or this is no function.
        """
        if not hasattr(function, "__code__"):
            message = f"a subscriber is a function, not {function!r}"
            raise SubscriberError(message)
        subscriber = Subscriber(target, function, self.converters)
        known = self._by_target.get(target)
        # The same function again is the same module imported again, as reloaders do.
        if known is not None and known.name != subscriber.name:
            message = (
                f"target '{target}' has two subscribers, {known.name} ({known.place}) and "
                f"{subscriber.name} ({subscriber.place}): a target has one; give the second a "
                "target of its own, and name both in the rule"
            )
            raise SubscriberError(message)
        self._by_target[target] = subscriber
        return subscriber

    def get(self, target: str) -> Subscriber | None:
        """Return the subscriber of *target*, None where there is none."""
        return self._by_target.get(target)

    def all(self) -> list[Subscriber]:
        """Return all subscribers, in the order of their targets' names."""
        return [self._by_target[target] for target in sorted(self._by_target)]


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _is_required(parameter: inspect.Parameter) -> bool:
    named = parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    return named and parameter.default is parameter.empty


def _model_of(wanted: Any) -> type[BaseModel] | None:
    """Return the model of an event's data that an annotation asks for."""
    if not (inspect.isclass(wanted) and issubclass(wanted, BaseModel)):
        return None
    if not issubclass(wanted, Event):
        return wanted
    arguments = wanted.__pydantic_generic_metadata__["args"]
    model = arguments[0] if arguments else None
    return model if inspect.isclass(model) and issubclass(model, BaseModel) else None


def _fit(wanted: Any, event: Event, shaped: str | None, converters: Converters) -> Any:
    model = _model_of(wanted)
    is_event = inspect.isclass(wanted) and issubclass(wanted, Event)
    if model is None:
        if is_event:
            return event
        return event.to_eventbridge() if shaped is None else json.loads(shaped)
    doubt = ""
    try:
        if shaped is not None and not is_event:
            return model.model_validate_json(shaped)
        handed = converters.hand_over(model, event)
        doubt = f" ({handed.doubt})" if handed.doubt else ""
        if not is_event:
            return model.model_validate(handed.data)
        if handed.name is not None:
            event = event.model_copy(update={"data": handed.data, "dataschema": str(handed.name)})
        elif handed.data is not event.data:
            event = event.model_copy(update={"data": handed.data})
        return event.with_data(model)
    except ValidationError as error:
        message = f"does not fit {wanted.__name__}{doubt}: {faults_of(error)}"
        raise EventError(message, "data") from None
