"""Memory of a process that lasts for months: one heap for all its threads, and what its runs held is given back."""

import contextlib
import ctypes
import gc

import pyarrow as pa

_M_ARENA_MAX = -8  # of malloc.h

GIVE_BACK_BYTES = 8 << 20
"""Records read until memory is given back, which takes some 30 ms: of a small trickle not each run does."""


def one_heap() -> None:
    """Let all threads of this process share one heap, from now on.

    With a heap for each, what kafka-python's threads have received and freed is of no use to the one that parses, and
    the other way round: 260 MB kept by a worker instead of 95, at 80,000 records/s of four partitions. Nothing happens
    where the C library is not glibc.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class Held:
    """Counts what is read, and gives memory back once it is enough.

    What is there after the first time, modules and models above all, is there to stay: Python is told to pass it over
    when it looks for cycles, or each look at 130,000 objects would take 100 ms, more than parsing what was read.
    """

    def __init__(self, enough: int = GIVE_BACK_BYTES) -> None:
        self._enough, self._read, self._settled = enough, 0, False

    def read(self, size: int) -> None:
        """Note that so many bytes were read."""
        self._read += size

    def rest(self) -> bool:
        """Give memory back if it is time to; to be called when nothing is at work. Tells whether it was."""
        if self._read < self._enough:
            return False
        self._read = 0
        if self._settled:
            give_back()
        else:
            settle()
            self._settled = True
        return True


def settle() -> None:
    """Give memory back, and let Python pass over what is left whenever it looks for cycles: it is there to stay.

    For whoever keeps more and more: of 40,000 kinds a learner's pass spent .9 of 2.2 s in looking. What is let go of
    later is freed all the same unless it is part of a cycle, as no model and no template is.
    """
    give_back()
    gc.freeze()


def give_back() -> None:
    """Collect what a run of Beam leaves behind, and give free memory back to the system.

    Its operators point at one another and at the last batch of each step, so that they and the batch go only when
    Python looks for cycles: 115 MB of Arrow were seen to wait for that.
    """
    gc.collect()
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
