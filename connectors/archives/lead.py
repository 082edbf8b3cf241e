"""The lines before a batch, kept for a first line that may go on with them: a trace that a segment's border cuts."""

from connectors.archives.lines import Block
from connectors.formats.continuation import may_continue

_LINES = 200
"""Looked back at most for the line that a trace belongs to."""


class Lead:
    """The last bytes that a reader has passed, `size` at most."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._tail = b""

    @property
    def ended(self) -> bool:
        """Whether a line ends here."""
        return self._tail[-1:] == b"\n"

    def follow(self, passed: memoryview | bytes) -> None:
        """Go on over bytes just passed."""
        self._tail = (self._tail + bytes(passed[-self.size :]))[-self.size :]

    def of(self, block: Block) -> bytes:
        """The lines that a block's first line may go on with, from the one on that begins an event; else nothing."""
        if not self.ended or not _may_continue(block.data[: block.ends[0]].tobytes()):
            return b""
        lines = [line + b"\n" for line in self._tail.split(b"\n")[:-1]][-_LINES:]
        own = (at for at in range(len(lines) - 1, -1, -1) if not _may_continue(lines[at]))
        at = next(own, None)
        whole = at != 0 or len(self._tail) < self.size
        return b"".join(lines[at:]) if at is not None and whole else b""


def _may_continue(line: bytes) -> bool:
    return may_continue(line[:1024].decode("utf-8", "replace").rstrip("\r\n\0"))
