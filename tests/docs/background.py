"""A command that a page starts in the background, and the moment at which it is ready."""

import os
import signal
import subprocess
import threading
from pathlib import Path

__all__ = ["Background"]


class Background:
    """A process that runs until the page ends, and the moment at which it is ready.

    Args:
        command: What to run, in bash.
        folder: Where.
        environment: With which variables.
        text: What it says when it is ready.
        patience: The most seconds until then.
    """

    def __init__(
        self, command: str, folder: Path, environment: dict[str, str], text: str, patience: float
    ) -> None:
        self.output = ""
        self._patience = patience
        self._text = text
        self._settled = threading.Event()
        self._process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self.output += line
                if self._text in line:
                    self._settled.set()
        self._settled.set()

    def is_ready(self) -> bool:
        """Wait until the text was said; False when the process ended or took too long."""
        self._settled.wait(self._patience)
        return self._text in self.output

    def stop(self) -> None:
        """Stop it as Ctrl-C would, and by force when that does not help."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(15)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
            else:
                break
        self._process.wait()
        self._reader.join(5)
