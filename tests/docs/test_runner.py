"""The runner of documentation notices what is wrong on a page, and lets pass what is right."""

import os
import re
from pathlib import Path

import pytest

from tests.docs.pages import PageError, read_page
from tests.docs.runner import Project

RULE = """
```yaml
rules:
  unlock:
    pattern: {source: [courier.app]}
    targets: [device-vendor]
```
"""


def follow(folder: Path, text: str) -> Path:
    """Follow a page of this text; return the project's folder."""
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    with Project(folder / "project") as project:
        project.follow(read_page(path))
    return folder / "project"


def fault_of(folder: Path, text: str) -> str:
    """Follow a page that is wrong; return what is said of it, from the page's name on."""
    with pytest.raises(PageError) as caught:
        follow(folder, text)
    return str(caught.value).removeprefix(f"{folder}/")


def test_python_blocks_share_a_namespace(tmp_path: Path) -> None:
    """What one block names, the next one knows; files go into the project."""
    place = follow(
        tmp_path, "```python\nx = 1\n```\n\n```python\nopen('x', 'w').write(str(x))\n```\n"
    )
    assert "1" == (place / "x").read_text()


def test_python_fault_has_its_line(tmp_path: Path) -> None:
    """A block that raises is said with the page's line and the traceback."""
    fault = fault_of(tmp_path, "# Title\n\n```python\nx = 1\n1 / 0\n```\n")
    assert fault.startswith("page.md:4: Traceback")
    assert 'page.md:4", line 5' in fault
    assert "ZeroDivisionError" in fault


def test_python_that_ends_its_interpreter(tmp_path: Path) -> None:
    """A block that ends the process at once is a fault, not an endless wait."""
    fault = fault_of(tmp_path, "```python\nimport os\nos._exit(0)\n```\n")
    assert "page.md:2: it ended the interpreter" == fault


def test_titled_block_is_a_file(tmp_path: Path) -> None:
    """A block with a title is written to the project before what comes later, and not executed."""
    page = '```python title="shop/door.py"\nkind = "garage"\n```\n\n'
    follow(tmp_path, page + "```python\nfrom shop.door import kind\nassert kind == 'garage'\n```\n")


def test_commands_run_in_the_project(tmp_path: Path) -> None:
    """Each command after a prompt runs, and what is shown after it must be said; … is anything."""
    follow(
        tmp_path,
        "```console\n$ printf 'one 1\\ntwo 2\\n'\none …\ntwo 2\n$ echo a \\\n  b > c\n$ cat c\na b\n```\n",
    )


def test_script_without_prompts(tmp_path: Path) -> None:
    """A block of sh without prompts is one script."""
    place = follow(tmp_path, "```sh\ncd /\ntouch $OLDPWD/here\n```\n")
    assert (place / "here").exists()


def test_output_that_differs(tmp_path: Path) -> None:
    """Output that the page shows and the command does not say is a fault that shows both."""
    fault = fault_of(tmp_path, "```console\n$ echo two\none\n```\n")
    assert "page.md:2: $ echo two\ntwo\n\nthe page also shows: one" == fault


def test_failing_command(tmp_path: Path) -> None:
    """A command that fails is a fault, except where the page says its exit code."""
    assert fault_of(tmp_path, "```sh\n$ exit 3\n```\n").endswith("exit code 3")
    follow(tmp_path / "again", "<!-- exit: 3 -->\n```sh\n$ exit 3\n```\n")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    """Make the folder that a second page of a test goes into."""
    (tmp_path / "again").mkdir()


def test_exempt_block(tmp_path: Path) -> None:
    """A block is exempt by a comment that says why, and by none that does not."""
    follow(tmp_path, "<!-- not run: it costs money -->\n\n```sh\n$ exit 3\n```\n")
    fault = fault_of(tmp_path / "again", "<!-- not run: -->\n```sh\n$ exit 3\n```\n")
    assert "page.md:1: 'not run:' says nothing: write what, or why" == fault


def test_exempt_is_the_next_block_alone(tmp_path: Path) -> None:
    """An exemption does not reach the block after the next."""
    page = "<!-- not run: why -->\n```sh\n$ exit 3\n```\n\n```sh\n$ exit 4\n```\n"
    assert fault_of(tmp_path, page).endswith("exit code 4")


def test_comment_without_its_block(tmp_path: Path) -> None:
    """A comment that asks something, with text before the block, is a fault."""
    fault = fault_of(tmp_path, "<!-- not run: why -->\nText.\n```sh\n$ exit 3\n```\n")
    assert fault.startswith("page.md:2: the comment before this asks something of a block")


def test_open_fence(tmp_path: Path) -> None:
    """A fence that is never closed is a fault, as all after it would not be run."""
    assert "page.md:1: this fence is never closed" == fault_of(tmp_path, "```python\nx = 1\n")


def test_block_in_a_list(tmp_path: Path) -> None:
    """A block that stands indented in a list is run without its indentation."""
    place = follow(tmp_path, "1. Do:\n\n   ```python\n   open('x', 'w')\n   ```\n")
    assert (place / "x").exists()


def test_background_command(tmp_path: Path) -> None:
    """A command in the background is waited for, runs meanwhile, and is stopped at the end."""
    page = (
        '<!-- background until: "listening" -->\n```console\n'
        "$ echo $$ > pid; echo listening; exec sleep 600\n```\n\n"
        "```sh\n$ kill -0 $(cat pid)\n```\n"
    )
    place = follow(tmp_path, page)
    with pytest.raises(ProcessLookupError):
        os.kill(int((place / "pid").read_text()), 0)


def test_background_command_that_ends(tmp_path: Path) -> None:
    """A command in the background that ends without its line is a fault that shows its output."""
    fault = fault_of(tmp_path, '<!-- background until: "ready" -->\n```sh\n$ echo broken\n```\n')
    assert "page.md:3: $ echo broken\nbroken\n\nnever said: ready" == fault


def test_repeated_command(tmp_path: Path) -> None:
    """A command whose effect takes time is repeated until it says what it should."""
    place = follow(
        tmp_path, '<!-- repeat until: "xxx" -->\n```sh\n$ printf x >> file; cat file\n```\n'
    )
    assert "xxx" == (place / "file").read_text()


def test_rules_are_loaded(tmp_path: Path) -> None:
    """A rule on a page is loaded as the product would, also without its target."""
    follow(tmp_path, RULE)
    fault = fault_of(tmp_path / "again", RULE.replace("pattern", "patterns"))
    assert "patterns" in fault


def test_reference_project(tmp_path: Path) -> None:
    """A page may start from the reference deployment."""
    place = follow(tmp_path, "<!-- project: reference -->\n```sh\n$ ls workers/audit.py\n```\n")
    assert list(place.glob("rules/*.yaml"))


def test_port_of_a_page(tmp_path: Path) -> None:
    """The port that a page's servers listen on is exchanged for a free one, and no other number."""
    page = "<!-- port: 8000 -->\n```sh\n$ echo 127.0.0.1:8000 18000 > said\n```\n"
    said = (follow(tmp_path, page) / "said").read_text()
    assert re.fullmatch(r"127\.0\.0\.1:(?!8000 )\d+ 18000\n", said)


def test_command_line_is_this_one(tmp_path: Path) -> None:
    """`eventflow` on a page is the checkout's."""
    follow(tmp_path, "```console\n$ eventflow --version\neventflow …\n```\n")


@pytest.mark.parametrize("command", ["pip install eventflow", "apt-get install -y postgresql"])
def test_nothing_is_installed(tmp_path: Path, command: str) -> None:
    """A page that installs something must be exempt there: a test fetches nothing from outside."""
    assert "a test installs nothing" in fault_of(tmp_path, f"```console\n$ {command}\n```\n")


def test_python_installs_nothing(tmp_path: Path) -> None:
    """Pip as a module finds no registry either."""
    fault = fault_of(
        tmp_path, "```console\n$ python -m pip install --no-input eventflow-is-not-there\n```\n"
    )
    assert "No matching distribution found" in fault


def test_links(tmp_path: Path) -> None:
    """Relative links are found without their anchors; addresses and code are no such links."""
    page = tmp_path / "page.md"
    page.write_text("[a](a.md#x) [b](../b.md) [c](https://c) [d](#d)\n\n```text\n[e](e.md)\n```\n")
    assert ("a.md", "../b.md") == read_page(page).links


def test_a_quoted_text_may_have_several_lines(tmp_path: Path) -> None:
    """A command ends where its quotes do, and its output begins after that."""
    place = follow(tmp_path, "```console\n$ echo '{\n$ 1}' | tee x\n{\n…\n$ cp x y\n```\n")
    assert "{\n$ 1}\n" == (place / "y").read_text()


def test_an_apostrophe_in_a_comment_opens_no_quote(tmp_path: Path) -> None:
    """What stands behind a command to explain it is not part of it."""
    place = follow(tmp_path, "```console\n$ touch x    # it's a file\n$ touch y\n```\n")
    assert ["x", "y"] == sorted(path.name for path in place.iterdir())
