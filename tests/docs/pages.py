"""Reads a Markdown page: its fenced blocks, and what the comments before them ask for.

The conventions are in CONTRIBUTING.md, under "Documentation".
"""

import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Block", "Page", "PageError", "read_page"]

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[\w+-]*)(?P<info>.*)$")
_TITLE = re.compile(r'title="(?P<title>[^"]+)"')
_LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")
_COMMENT = re.compile(
    r"^\s*<!-- (?P<verb>not run|background until|repeat until|exit|project|port): *(?P<what>.*?) *-->$"
)


class PageError(AssertionError):
    """A page that is wrong, or a block of it that failed; the text begins with file and line."""


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes:
        place: Page and line of the block's first line of text.
        line: The number of that line.
        language: The fence's language, such as `python`.
        title: The file that the block is; empty where it is none.
        text: What stands in it, without the fence's own indentation.
        asks: What the comments before it ask for, by verb.
    """

    place: str
    line: int
    language: str
    title: str
    text: str
    asks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        path: Where it is.
        project: What it starts from: `reference` or, where it says nothing, an empty folder.
        port: The port on which its own servers listen, for which a run takes a free one; empty
            where it has none.
        blocks: Its fenced blocks, in order.
        links: The relative links in its text, without their anchors.
    """

    path: Path
    project: str
    port: str
    blocks: tuple[Block, ...]
    links: tuple[str, ...]


def read_page(path: Path) -> Page:
    """Read a page.

    Raises:
        PageError: When a fence is not closed, or a comment asks for what it cannot.
    """
    blocks: list[Block] = []
    asks: dict[str, str] = {}
    of_page = {"project": "", "port": ""}
    links: list[str] = []
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    for number, line in lines:
        place = f"{path}:{number}"
        if comment := _COMMENT.match(line):
            verb, what = comment["verb"], comment["what"].strip('"')
            if not what:
                message = f"{place}: '{verb}:' says nothing: write what, or why"
                raise PageError(message)
            if verb in of_page:
                of_page[verb] = what
            else:
                asks[verb] = what
        elif fence := _FENCE.match(line):
            text = []
            for _, inner in lines:
                if inner.strip() == fence["ticks"]:
                    break
                text.append(inner)
            else:
                message = f"{place}: this fence is never closed"
                raise PageError(message)
            title = _TITLE.search(fence["info"])
            blocks.append(
                Block(
                    place=f"{path}:{number + 1}",
                    line=number + 1,
                    language=fence["language"],
                    title=title["title"] if title else "",
                    text=textwrap.dedent("\n".join(text)) + "\n",
                    asks=asks,
                )
            )
            asks = {}
        elif line.strip() and asks:
            message = f"{place}: the comment before this asks something of a block: put it there"
            raise PageError(message)
        else:
            links += _LINK.findall(line)
    return Page(path, **of_page, blocks=tuple(blocks), links=tuple(links))
