"""JSON files, read strictly: a key given twice is a fault, and each value's place can be told."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["MAX_BYTES", "MAX_DEPTH", "JsonFault", "locate", "read_json"]

MAX_BYTES = 1024 * 1024
"""The most bytes that a schema file may have."""

MAX_DEPTH = 128
"""The most levels that a schema file may be nested."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


@dataclass(frozen=True, slots=True)
class JsonFault:
    """What is wrong with a text.

    Attributes:
        message: What is wrong.
        path: Where in the document, as far as that is known.
        line: 1-based; 0 when *path* says where.
        column: 1-based; 0 when *path* says where.
    """

    message: str
    path: tuple[str | int, ...] = ()
    line: int = 0
    column: int = 0


class _Repeated(dict[str, Any]):
    """An object with a key that was given twice."""

    repeated: tuple[str, ...] = ()


def read_json(content: bytes) -> tuple[Any, list[JsonFault]]:
    """Read a JSON document.

    Args:
        content: The file's bytes, UTF-8.

    Returns:
        The document and what is wrong with it; the document is None where it cannot be read.
    """
    document, fault = _parse(content)
    if fault is not None:
        return None, [fault]
    faults: list[JsonFault] = []
    unusable: list[JsonFault] = []
    for path, value in _walk(document):
        if len(path) > MAX_DEPTH:
            return None, [JsonFault(_TOO_DEEP)]
        if isinstance(value, _Repeated):
            faults += [JsonFault("is given twice", (*path, key)) for key in value.repeated]
        if isinstance(value, str) and not _is_text(value):
            unusable.append(JsonFault("holds half a surrogate pair, which is no text", path))
        if isinstance(value, float) and math.isinf(value):
            unusable.append(JsonFault("is a number too large for any program", path))
    return None if unusable else document, [*faults, *unusable]


def _parse(content: bytes) -> tuple[Any, JsonFault | None]:
    if len(content) > MAX_BYTES:
        return None, JsonFault(f"has more than {MAX_BYTES:,} bytes, and no more may be")
    fault: JsonFault
    try:
        text = content.decode("utf-8")
        document = json.loads(text, object_pairs_hook=_read_pairs, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        fault = JsonFault("is not UTF-8", line=content.count(b"\n", 0, error.start) + 1)
    except json.JSONDecodeError as error:
        fault = JsonFault(f"is no JSON: {error.msg}", line=error.lineno, column=error.colno)
    except RecursionError:
        fault = JsonFault(_TOO_DEEP)
    except ValueError as error:  # a constant, or a number of thousands of digits
        fault = JsonFault(f"is no JSON: {error}")
    else:
        return document, None if document is not None else JsonFault("is null, which is no schema")
    return None, fault


def locate(text: str, path: Sequence[str | int]) -> tuple[int, int]:
    """Return the line and column of a value, or of the deepest one above it that there is.

    Args:
        text: A document that can be read as JSON.
        path: Keys and indexes.

    Returns:
        Both 1-based.
    """
    wanted = tuple(path)
    best, best_depth = 0, -1
    for found, offset in _places(text):
        if len(found) > best_depth and wanted[: len(found)] == found:
            best, best_depth = offset, len(found)
            if best_depth == len(wanted):
                break
    return text.count("\n", 0, best) + 1, best - (text.rfind("\n", 0, best) + 1) + 1


_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels, and no deeper may be"


def _read_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) == len(pairs):
        return document
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            repeated[key] = None
        seen.add(key)
    marked = _Repeated(document)
    marked.repeated = tuple(repeated)
    return marked


def _refuse(constant: str) -> NoReturn:
    message = f"it holds {constant}"
    raise ValueError(message)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _walk(document: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    pending: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while pending:
        path, value = pending.pop()
        yield path, value
        if isinstance(value, dict):
            for key, item in value.items():
                if not _is_text(key):
                    yield (*path, "(a key)"), key
                pending.append(((*path, key), item))
        elif isinstance(value, list):
            pending += [((*path, index), item) for index, item in enumerate(value)]


def _places(text: str) -> Iterator[tuple[tuple[str | int, ...], int]]:
    """Say where each value begins; a member of an object begins with its key."""
    frames: list[_Frame] = []
    for match in _TOKEN.finditer(text):
        symbol = match[0]
        frame = frames[-1] if frames else None
        if symbol in "}]":
            frames.pop()
        elif symbol == ":":
            continue
        elif symbol == "," and frame is not None:
            frame.here = None if frame.is_object else int(frame.here or 0) + 1
        elif frame is not None and frame.here is None:
            frame.here, frame.offset = json.loads(symbol), match.start()
        else:
            in_object = frame is not None and frame.is_object
            place = frame.offset if frame is not None and in_object else match.start()
            yield tuple(each.here for each in frames if each.here is not None), place
            if symbol in "{[":
                frames.append(_Frame(symbol == "{", None if symbol == "{" else 0))


@dataclass(slots=True)
class _Frame:
    """An object or an array that is open: which of its members is read, and where its key is."""

    is_object: bool
    here: str | int | None
    offset: int = 0
