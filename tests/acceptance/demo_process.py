"""The demo as a process in a folder of its own, watched from outside."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0


class DemoProcess:
    """`eventflow demo …` in an empty folder; its words are kept as they come."""

    def __init__(self, place: Path, *arguments: str) -> None:
        self.place = place
        self.said = ""
        self.printed = ""
        programs = place / "bin"
        programs.mkdir(exist_ok=True)
        program = programs / "eventflow"
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m eventflow "$@"\n')
        program.chmod(0o700)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        self.process = subprocess.Popen(
            ["eventflow", "demo", *arguments],
            cwd=place,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._readers = [
            threading.Thread(target=self._read_talk),
            threading.Thread(target=self._read_data),
        ]
        for reader in self._readers:
            reader.start()

    def _read_talk(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def _read_data(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would type it, in the demo's folder."""
        return subprocess.run(
            command,
            shell=True,
            cwd=self.place,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds; a demo that ends before that is a failure."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"ended before {what}: {self.said}"
            assert time.monotonic() < deadline, f"no {what} in time: {self.said}"
            threading.Event().wait(0.05)

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Wait until it has ended by itself; return the exit code."""
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join()
        return code

    def close(self) -> None:
        """Stop it, whatever the test has left of it."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.end()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def left_over(self) -> list[str]:
        """Return the command lines of processes that still have the demo's data in hand."""
        mark = str(self.place).encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and (
                    mark in (entry / "environ").read_bytes()
                    or mark in (entry / "cmdline").read_bytes()
                ):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found += [command] if command else []
            except OSError:  # it has ended, or is somebody else's
                continue
        return found
