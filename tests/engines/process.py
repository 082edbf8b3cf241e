"""Run one program of an engine: its log, its readiness, its end by pid, and no stray left when the tests are killed."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Ends the group of $2 once the process $1 is gone, however it went; ends itself once $2 is gone.
_WATCH = 'while kill -0 "$1" 2>/dev/null; do kill -0 "$2" 2>/dev/null || exit 0; sleep 1; done; kill -KILL -"$2"'


_GIVEN: set[int] = set()


class NotReadyError(RuntimeError):
    """A program ended, or did not answer in time; the message holds the end of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago, and that this process has not given out before."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port: int = server.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def tool(name: str, what_for: str) -> str:
    """Path of a program, or FileNotFoundError that says what it is needed for."""
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name}: not found on PATH; {what_for} needs it. Install it, or put it on PATH")
    return found


def missing(*names: str) -> list[str]:
    """Which of these programs are not on PATH."""
    return [name for name in names if not shutil.which(name)]


def cache_folder(*parts: str) -> Path:
    """`$XDG_CACHE_HOME/dioptre/engines/<parts>`, or the same under ~/.cache; made if absent."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base.joinpath("dioptre", "engines", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Service:
    """One program in a process group of its own, with its output in `log`.

    It ends with the process that started it, by a watchdog that looks once a second, unless `outlives` is set.
    """

    def __init__(self, name: str, log: Path, *, outlives: bool = False) -> None:
        self.name = name
        self.log = log
        self._outlives = outlives
        self._process: subprocess.Popen[bytes] | None = None
        self._begins = 0

    @property
    def pid(self) -> int:
        """Process id, also the id of its group; ValueError while it does not run."""
        if self._process is None:
            raise ValueError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def run(self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        """Start it; its output is added to the log."""
        if self.running:
            raise ValueError(f"{self.name} runs already, as process {self.pid}")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._begins = out.tell()
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        if not self._outlives:
            self._watch(self._process.pid)

    def _watch(self, pid: int) -> None:
        null = subprocess.DEVNULL
        command = ["/bin/sh", "-c", _WATCH, "watchdog", str(os.getpid()), str(pid)]
        subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)

    def wait_until(self, ready: Callable[[], bool], *, within_s: float = 90) -> None:
        """Wait until `ready` says so; NotReadyError if the program ends before, or time is up."""
        until = time.monotonic() + within_s
        while not ready():
            if not self.running:
                raise NotReadyError(f"{self.name} ended while starting; the end of {self.log}:\n{self.tail()}")
            if time.monotonic() > until:
                raise NotReadyError(
                    f"{self.name} not ready after {within_s:g} s; the end of {self.log}:\n{self.tail()}"
                )
            time.sleep(0.1)

    def said(self, words: str) -> bool:
        """Whether its log holds these words since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._begins)
            return words.encode() in log.read()

    def tail(self, lines: int = 25) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def signal(self, number: int) -> None:
        """Send a signal to its process group."""
        os.killpg(self.pid, number)

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._process is not None:
            if self.running:
                self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self, *, within_s: float = 15) -> None:
        """Ask it to end (SIGTERM), and end it after `within_s`."""
        if self._process is not None and self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(within_s)
        self.kill()
