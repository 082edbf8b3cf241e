"""An archive: one log file as found, or what came on standard input."""

import io
import os
import tempfile
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from connectors.archives.limits import MIB

Stamp = tuple[str, int, int, int]
"""(absolute path, size, mtime in ns, inode): equal stamps, equal bytes, for who trusts his file system."""

_CHUNK = MIB
_IN_MEMORY = 16 * MIB


class ArchiveError(Exception):
    """The sources asked for cannot be read as named; the message lists every one, and what was perhaps meant."""


class Replaced(Exception):  # noqa: N818 - an event of reading, caught here, not an error for people
    """The path leads to another file than when it was found: it was rotated meanwhile."""


class Spool:
    """Bytes of standard input, kept as they came so that they can be read more than once.

    Up to 16 MiB stay in memory, more go to a temporary file that ends with the process that made it. A copy in
    another process (pickled) reads the same file, while that process lives.
    """

    def __init__(self, source: BinaryIO, keep: int = _IN_MEMORY) -> None:
        self._bytes: bytes | None = source.read(keep)
        self._file: BinaryIO | None = None
        self._path: str | None = None
        self.size = len(self._bytes)
        if self.size == keep:
            self._spill(source)

    def _spill(self, source: BinaryIO) -> None:
        """Move on to a temporary file."""
        named = tempfile.NamedTemporaryFile(prefix="dioptre-stdin-")  # noqa: SIM115 - lives as long as the spool
        chunk = self._bytes or b""
        while chunk:
            named.write(chunk)
            chunk = source.read(_CHUNK)
        named.flush()
        self.size = named.tell()
        self._file, self._path, self._bytes = named, named.name, None  # type: ignore[assignment]

    def open(self) -> BinaryIO:
        """Open the bytes from their beginning, apart from any other reader."""
        if self._bytes is not None:
            return io.BytesIO(self._bytes)
        return open(str(self._path), "rb", buffering=0)  # noqa: PTH123

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_file": None}


@dataclass(frozen=True)
class Archive:
    """One file as it was found. `path` is None for standard input, whose bytes are in `spool`.

    Attributes:
        name: what to call it before people: the path as found, or `-`.
        codec: gzip, bz2, xz, zstd or plain, by its first bytes.
        size: bytes on disk. mtime: seconds since 1970.
        reference: the date that decides the year of stamps without one: that in the name, else mtime.
    """

    path: Path | None
    name: str
    codec: str
    size: int
    mtime: float
    reference: datetime
    stamp: Stamp = ("", 0, 0, 0)
    device: int = 0
    spool: Spool | None = field(default=None, compare=False, repr=False)

    def open(self) -> BinaryIO:
        """Open the bytes as stored.

        Raises:
            Replaced: the path now leads to another file.
            OSError: it cannot be read.
        """
        if self.spool is not None:
            return self.spool.open()
        handle = open(str(self.path), "rb", buffering=0)  # noqa: PTH123, SIM115
        status = os.fstat(handle.fileno())
        if self.stamp[3] and (status.st_dev, status.st_ino) != (self.device, self.stamp[3]):
            handle.close()
            raise Replaced(f"{self.name}: replaced by another file since it was found")
        return handle

    def settled(self, now: float, after_s: float) -> bool:
        """Say whether an unterminated last line may be taken for whole: nobody has written for `after_s` seconds."""
        if self.path is None:
            return True
        try:
            return now - self.path.stat().st_mtime >= after_s
        except OSError:
            return now - self.mtime >= after_s
