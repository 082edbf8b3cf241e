"""Run a command and count what it and all its descendants used: CPU-seconds, wall clock, memory. Linux only."""

import ctypes
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_SUBREAPER = 36


@dataclass(frozen=True)
class Used:
    """What a command used.

    Attributes:
        cpu_s: user and system time of all its processes, each counted when it ended.
        wall_s: until the last of them ended.
        pss_mb: highest sum over its processes of PSS (memory shared among them counts once), sampled; 0: not asked.
        rss_mb: highest resident set of its largest process, as the kernel kept it.
        out: what it wrote to standard output.
    """

    cpu_s: float
    wall_s: float
    pss_mb: float
    rss_mb: float
    out: str


def run(command: Sequence[str | Path], *, cwd: Path, watch_memory: bool = False) -> Used:
    """Run a command to its end.

    Worker processes of a fork server are its children, not the command's, and a server outlives who asked for it:
    therefore this process takes up whoever is orphaned (it must have no other children meanwhile).

    Raises:
        RuntimeError: the command ended with another code than 0; the message holds what it said.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    began = time.monotonic()
    words = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(words, stdout=out, stderr=errors, cwd=cwd, env=_environment(cwd))
        watch = _Watch(process.pid) if watch_memory else None
        cpu, rss, code = _reap(process.pid)
        process.returncode = code
        wall = time.monotonic() - began
        pss = watch.end() if watch else 0.0
        out.seek(0), errors.seek(0)
        if code:
            raise RuntimeError(f"{' '.join(words)}: exit code {code}\n{out.read()}{errors.read()}")
        return Used(cpu, wall, pss, rss, out.read())


def _environment(cwd: Path) -> dict[str, str]:
    """No settings of the caller's; byte code is kept, as Python does unless told otherwise, below `cwd`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DIOPTRE_", "XDG_", "PYTHON"))}
    return kept | {"PYTHONPYCACHEPREFIX": str(cwd / "bytecode"), "XDG_CONFIG_HOME": str(cwd / "config")}


def _reap(main: int) -> tuple[float, float, int]:
    """Wait for all children: CPU-seconds, largest resident set (MB), and the exit code of `main`."""
    cpu, rss, code = 0.0, 0.0, 0
    while True:
        try:
            pid, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return cpu, rss, code
        cpu += usage.ru_utime + usage.ru_stime
        rss = max(rss, usage.ru_maxrss / 1024)
        if pid == main:
            code = os.waitstatus_to_exitcode(status)


class _Watch:
    """Adds up the PSS of a process and its descendants, five times a second, in a thread."""

    def __init__(self, pid: int) -> None:
        self._pid, self._peak, self._over = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> float:
        """Stop; gives the highest sum, in MB."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(0.2):
            try:
                main = psutil.Process(self._pid)
                self._peak = max(self._peak, sum(map(_pss, [main, *main.children(recursive=True)])) / 2**20)
            except psutil.Error:
                continue


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
