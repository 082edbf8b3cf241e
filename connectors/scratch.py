"""Temporary folders that do not outlive their processes: whoever makes one removes those whose processes are dead."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

PREFIX = "dioptre-tmp-"
_LOCK = ".held"


class Scratch:
    """A new folder below the system's one for temporary files, removed at the end of the block.

    A lock on a file in it tells that it is in use. The kernel holds it for as long as this process or one forked from
    it lives, even one in another container, and takes it back however they end: so what a kill -9 leaves is known for
    dead, and removed when the next is made.
    """

    def __enter__(self) -> Self:
        sweep()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self._held = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._held)


def sweep() -> None:
    """Remove the folders of this user that no living process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another's, or somebody else removes it just now
            if folder.lstat().st_uid == os.getuid() and _is_dead(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _is_dead(folder: Path) -> bool:
    """Whether nobody holds a folder; one without a lock is being made at this moment, or is not ours."""
    held = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True
