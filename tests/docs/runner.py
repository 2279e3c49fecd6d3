"""Does what a page of documentation says, in a project of its own, with real processes."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import yaml

from eventflow.errors import EventflowError
from eventflow.rules import load_rules
from tests.docs.background import Background
from tests.docs.pages import Block, Page, PageError
from tests.ports import free_port

__all__ = ["Project"]

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 90.0  # seconds for one step
_INSTALLERS = (
    "pip",
    "pip3",
    "pipx",
    "uv",
    "poetry",
    "npm",
    "apt-get",
    "apt",
    "brew",
    "docker",
    "sudo",
)
_SHELLS = ("console", "sh", "bash", "shell")

# Runs Python blocks one after the other in one namespace; a line of JSON for each, both ways.
_INTERPRETER = """
import json, sys, traceback
answers, sys.stdout = sys.stdout, sys.stderr
namespace = {"__name__": "__main__"}
for line in sys.stdin:
    place, first, text = json.loads(line)
    try:
        exec(compile("\\n" * (first - 1) + text, place, "exec"), namespace)
        fault = ""
    except BaseException:
        fault = traceback.format_exc()
    sys.stdout.flush()
    print(json.dumps(fault), file=answers, flush=True)
"""


class Project:
    """The folder in which one page is followed, and the processes that it started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Background] = []
        self._interpreter: subprocess.Popen[str] | None = None
        self._rules = 0
        programs = folder.parent / f"{folder.name}-bin"
        programs.mkdir(parents=True)
        python = f'exec "{sys.executable}"'
        refusal = "echo 'a test installs nothing: say <!-- not run: ... --> before it'; exit 1 #"
        scripts = {"eventflow": f"{python} -P -m eventflow", "python": python, "python3": python}
        # A page's `pip install` would fetch and run whatever goes by that name outside.
        scripts |= dict.fromkeys(_INSTALLERS, refusal)
        for name, script in scripts.items():
            (programs / name).write_text(f'#!/bin/sh\n{script} "$@"\n')
            (programs / name).chmod(0o755)
        self._environment = {
            **os.environ,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PIP_NO_INDEX": "1",
        }

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._interpreter is not None:
            self._interpreter.communicate()
        for process in reversed(self._running):
            process.stop()

    def follow(self, page: Page) -> None:
        """Do everything that *page* says, in order.

        Raises:
            PageError: When something does not work as the page says; with file and line.
        """
        if page.project == "reference":
            for name in ("workers", "rules", "schemas"):
                shutil.copytree(ROOT / name, self.folder / name)
        port = str(free_port()) if page.port else ""
        for block in page.blocks:
            if "not run" not in block.asks:
                text = re.sub(rf"\b{page.port}\b", port, block.text) if port else block.text
                self._follow_block(replace(block, text=text))

    def _follow_block(self, block: Block) -> None:
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        if block.language in ("yaml", "yml", "json"):
            self._load(block)
        elif block.title:
            return
        elif block.language in _SHELLS:
            for command, shown in _commands(block):
                self._run(block, command, shown)
        elif block.language in ("python", "py"):
            self._execute(block)

    def _execute(self, block: Block) -> None:
        if self._interpreter is None:
            self._interpreter = subprocess.Popen(
                [sys.executable, "-c", _INTERPRETER],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._interpreter.stdin
        assert self._interpreter.stdout
        self._interpreter.stdin.write(json.dumps([block.place, block.line, block.text]) + "\n")
        self._interpreter.stdin.flush()
        answer = self._interpreter.stdout.readline()
        _check(block, not (fault := json.loads(answer or '"it ended the interpreter"')), fault)

    def _run(self, block: Block, command: str, shown: list[str]) -> None:
        if text := block.asks.get("background until"):
            process = Background(command, self.folder, self._environment, text, _PATIENCE)
            self._running.append(process)
            _check(block, process.is_ready(), f"$ {command}\n{process.output}\nnever said: {text}")
            return
        wanted = int(block.asks.get("exit", "0"))
        until = block.asks.get("repeat until", "")
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", command],
                    cwd=self.folder,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    timeout=_PATIENCE,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                _check(block, False, str(error))
            if until in done.stdout or time.monotonic() > deadline:
                break
        said = f"$ {command}\n{done.stdout}"
        _check(block, until in done.stdout, f"{said}\nnever said: {until}")
        _check(block, done.returncode == wanted, f"{said}\nexit code {done.returncode}")
        rest = iter(done.stdout.splitlines())
        for line in shown:
            _check(block, _is_among(line, rest), f"{said}\nthe page also shows: {line}")

    def _load(self, block: Block) -> None:
        """Read YAML and JSON; rules and targets are loaded as the product loads them."""
        try:
            document = yaml.safe_load(block.text)  # JSON is YAML
        except yaml.YAMLError as error:
            _check(block, False, str(error))
        if not isinstance(document, dict) or not {"rules", "targets", "archives"} & set(document):
            return
        self._rules += 1
        folder = self.folder.parent / f"{self.folder.name}-rules-{self._rules}"
        folder.mkdir()
        (folder / "page.yaml").write_text(block.text, encoding="utf-8")
        named = {
            item["target"] if isinstance(item, dict) else item
            for rule in (document.get("rules") or {}).values()
            for item in rule.get("targets", ())
        }
        # A page may show a rule without its targets.
        elsewhere = {
            name: {"task": "any.task"} for name in named - set(document.get("targets") or ())
        }
        (folder / "targets.yaml").write_text(json.dumps({"targets": elsewhere}))
        try:
            load_rules(folder)
        except EventflowError as error:
            _check(block, False, str(error))


def _commands(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command after a `$ `, with the output shown; without any, the whole block."""
    if not re.search(r"^\$ ", block.text, flags=re.MULTILINE):
        yield block.text.strip(), []
        return
    command: list[str] = []
    shown: list[str] = []
    for line in block.text.splitlines():
        if command and not shown and _goes_on(command):
            command.append(line)
        elif line.startswith("$ "):
            if command:
                yield "\n".join(command), shown
            command, shown = [line.removeprefix("$ ")], []
        elif line.strip():
            shown.append(line)
    yield "\n".join(command), shown


def _goes_on(command: list[str]) -> bool:
    """Whether a command has another line: one that ends with a backslash, or within quotes."""
    if command[-1].endswith("\\"):
        return True
    try:
        shlex.split("\n".join(command), comments=True)
    except ValueError:
        return True
    return False


def _is_among(shown: str, said: Iterator[str]) -> bool:
    """Whether a line fits what is shown, where `…` is anything; leaves *said* after it."""
    pattern = ".*".join(re.escape(part.strip()) for part in shown.split("…"))
    return any(re.fullmatch(rf"\s*{pattern}\s*", line) for line in said)


def _check(block: Block, is_so: bool, text: str) -> None:
    if not is_so:
        message = f"{block.place}: {text}"
        raise PageError(message)
