"""A headless Chromium, driven over a pipe: no port, no driver, nothing to install but itself."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Self

from tests.servers.server import end

__all__ = ["MISSING", "Browser", "find_browser"]

MISSING = "no Chromium on this machine: apt-get install chromium, or scripts/install-test-services"
_NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
_ANSWER_WITHIN = 60.0  # seconds
_ABOVE = 10  # a shell's redirections know descriptors below


def find_browser() -> str | None:
    """Return the program; None where there is none."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page of a browser of its own; a context manager that ends it.

    It speaks the DevTools protocol: JSON, each message ended by a zero byte.

    Args:
        program: The browser.
        width: The page's, in pixels.
        height: The page's, in pixels.
    """

    def __init__(self, program: str, *, width: int = 1000, height: int = 700) -> None:
        self.events: list[dict[str, Any]] = []
        self._program = program
        self._size = f"--window-size={width},{height}"
        self._number = 0
        self._session = ""
        self._received: deque[dict[str, Any]] = deque()
        self._rest = b""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            profile = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
            )
            theirs_in, self._to = os.pipe()
            self._from, theirs_out = os.pipe()
            stack.callback(os.close, self._from)
            stack.callback(os.close, self._to)
            with _high(theirs_in) as reads, _high(theirs_out) as writes:
                self._process = subprocess.Popen(
                    self._command(profile, reads, writes),
                    pass_fds=(reads, writes),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            stack.callback(end, self._process)
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                self.call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something, and return its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result

    def open(self, url: str) -> None:
        """Show a page, and return when it is loaded."""
        self.events.clear()
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, f"{url}: {answer['errorText']}"
        self.wait_for("Page.loadEventFired")

    def wait_for(self, method: str) -> None:
        """Return when the browser has told of something since the last page was opened."""
        while not any(event["method"] == method for event in self.events):
            self._next()

    def run(self, script: str) -> Any:  # Any: a JSON value
        """Return the value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def send_headers(self, headers: dict[str, str]) -> None:
        """Send these headers with every request from now on."""
        self.call("Network.setExtraHTTPHeaders", headers=headers)

    def screenshot(self, path: Path) -> None:
        """Write what the page looks like as a PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    @property
    def requests(self) -> list[str]:
        """The addresses that were asked for since the last page was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What the page's own console and the browser have complained of."""
        told = {"Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"}
        return [event["params"] for event in self.events if event["method"] in told]

    def _command(self, profile: str, reads: int, writes: int) -> list[str]:
        options = [
            *("--headless", "--remote-debugging-pipe", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-dev-shm-usage", "--hide-scrollbars"),
            f"--user-data-dir={profile}",
            self._size,
        ]
        if sys.platform == "linux" and os.geteuid() == 0:
            options.append("--no-sandbox")  # which root cannot have
        # The browser reads from 3 and writes to 4, whatever the pipe's own numbers are.
        return ["bash", "-c", f'exec "$0" "$@" 3<&{reads} 4>&{writes}', self._program, *options]

    def _next(self) -> dict[str, Any]:
        while not self._received:
            with DefaultSelector() as selector:
                selector.register(self._from, EVENT_READ)
                assert selector.select(_ANSWER_WITHIN), "the browser does not answer"
            content = os.read(self._from, 1 << 20)
            assert content, "the browser has ended"
            *whole, self._rest = (self._rest + content).split(b"\0")
            self._received.extend(json.loads(part) for part in whole)
        message = self._received.popleft()
        if "method" in message:
            self.events.append(message)
        return message


@contextmanager
def _high(descriptor: int) -> Iterator[int]:
    """Move a descriptor out of the way of 3 and 4; it is closed here once a child has it."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, _ABOVE)
    os.close(descriptor)
    try:
        yield moved
    finally:
        os.close(moved)
