"""What processes beside a stream have taken that cannot tell it themselves: asked of the kernel, for the ledger."""

import os
from multiprocessing import forkserver
from pathlib import Path

_USER, _SYSTEM = 11, 12  # of the fields behind the name of the process; proc(5)


def cpu_of(pid: int | None) -> float:
    """Give the CPU-seconds that a process has taken since its start; 0 if it is gone, or the system has no /proc."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(told[_USER]) + int(told[_SYSTEM])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0.0


def fork_server() -> int | None:
    """Give the process id of the server that workers are forked from; None: there is none."""
    return getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
