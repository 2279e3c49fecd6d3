"""Files that a command writes: all of them or none, each at once, and only where it changes."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from difflib import unified_diff
from pathlib import Path

from eventflow.errors import StartError

__all__ = ["changed", "diff_text", "write_texts"]


def changed(texts: Mapping[Path, str]) -> dict[Path, str]:
    """Return those of the files that do not hold their text by now."""
    return {path: text for path, text in texts.items() if _read(path) != text}


def diff_text(path: Path, text: str) -> str:
    """Return what writing *text* would change in a file, as a unified diff."""
    before = _read(path)
    lines = unified_diff(
        (before or "").splitlines(keepends=True),
        text.splitlines(keepends=True),
        "/dev/null" if before is None else str(path),
        str(path),
    )
    return "".join(lines)


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write files, with the folders that they need; nobody ever reads half of one.

    Args:
        texts: Each file, and what it is to hold.

    Raises:
        StartError: When one cannot be written; those that could not be prepared are not begun.
    """
    with ExitStack() as stack:
        ready = []
        for path, text in texts.items():
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
                stack.callback(_discard, Path(name))
                with os.fdopen(number, "w", encoding="utf-8") as file:
                    file.write(text)
                mode = path.stat().st_mode if path.exists() else 0o666 & ~_umask()
                Path(name).chmod(mode & 0o777)
            except OSError as error:
                message = f"{path} cannot be written: {error.strerror}"
                raise StartError(message) from error
            ready.append((Path(name), path))
        for temporary, path in ready:
            temporary.replace(path)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise StartError(message) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _discard(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
