"""The catalogue as pages for people: one file a page, no script or style from elsewhere."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from eventflow.catalogue.asyncapi import GENERATOR
from eventflow.catalogue.content import Catalogue, EventEntry
from eventflow.errors import SchemaError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["render_pages"]


class _Inline(NamedTuple):
    """A style or script that stands in the page, and the hash by which the page allows it."""

    text: "Markup"
    source: str


def render_pages(catalogue: Catalogue, *, shows_rules: bool = True) -> dict[str, str]:
    """Write the pages of a catalogue.

    Args:
        catalogue: What there is.
        shows_rules: Whether the rules are known: else nothing is said of who receives.

    Returns:
        The pages by their paths: `index.html`, and `events/KEY.html` for each event.

    Raises:
        SchemaError: When Jinja2 is not installed.
    """
    environment = _environment()
    environment.globals.update(
        catalogue=catalogue,
        generator=GENERATOR,
        shows_rules=shows_rules,
        style=_inline("style.css"),
        script=_inline("search.js"),
        search_text=_search_text,
    )
    index = environment.get_template("index.html.j2").render(
        root="",
        wants_script=True,
        events=catalogue.events,
        sources=tuple(dict.fromkeys(event.source for event in catalogue.events)),
        choices=_choices(catalogue),
    )
    page = environment.get_template("event.html.j2")
    return {
        "index.html": index,
        **{
            f"events/{event.key}.html": page.render(root="../", wants_script=False, event=event)
            for event in catalogue.events
        },
    }


def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        message = "the pages are written by Jinja2: pip install 'eventflow[schemas]'"
        raise SchemaError(message) from error
    environment = Environment(
        loader=PackageLoader("eventflow.catalogue"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        json=_pretty, tojson_plain=_compact, first_paragraph=_first_paragraph
    )
    return environment


def _inline(name: str) -> _Inline:
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    text = (files("eventflow.catalogue") / "templates" / name).read_text(encoding="utf-8")
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Inline(Markup(text), f"sha256-{digest}")  # noqa: S704 - our own file


def _choices(catalogue: Catalogue) -> list[tuple[str, str, list[str]]]:
    documents = [event.current.document for event in catalogue.events]
    return [
        ("status", "Status", sorted({str(document.status) for document in documents})),
        ("owner", "Owner", sorted({document.owner for document in documents} - {""})),
        ("target", "Target", [target.name for target in catalogue.targets]),
    ]


def _search_text(event: EventEntry) -> str:
    """Return all that the search looks in, in lower case."""
    document = event.current.document
    words = [event.source, event.type, document.owner, document.description]
    words += [row.path for row in event.current.fields]
    words += [name for each in event.receivers for name in (each.rule.name, each.target.name)]
    words += event.current.models
    return " ".join(dict.fromkeys(" ".join(words).lower().split()))


def _pretty(value: Any) -> str:  # Any: a JSON value
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def _compact(value: Any) -> str:  # Any: a JSON value
    return json.dumps(value, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    message = f"{type(value).__name__} is no JSON"
    raise TypeError(message)


def _first_paragraph(text: str) -> str:
    return text.strip().partition("\n\n")[0]
