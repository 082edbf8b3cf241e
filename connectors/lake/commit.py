"""Put a file into the lake whole or not at all: written aside, made durable, linked to its name if that is free."""

import contextlib
import errno
import fcntl
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from connectors.lake.layout import STAGING, LakeError

_AGAIN = "then run the same command again: it goes on where it stopped"
_HINTS = {
    errno.ENOSPC: f"free some space there, {_AGAIN}",
    errno.EDQUOT: f"free some of your quota there, {_AGAIN}",
    errno.EROFS: "mount it for writing, or choose another lake",
    errno.EACCES: "give this user the permission, or choose another lake",
    errno.EPERM: "give this user the permission, or choose another lake",
    errno.ENOENT: "it should be there; `dioptre lake verify` says what else is missing",
    errno.ENOTDIR: "give a folder",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.EIO: "the disk failed; look at the kernel's log",
}
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV)


@contextlib.contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Turn an OSError into a LakeError of one line: `path`: cannot `doing`: why; what would be right."""
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        hint = _HINTS.get(code, "look at the file system")
        reason = os.strerror(code) if code else str(error).splitlines()[0]
        raise LakeError(f"{path}: cannot {doing}: {reason}; {hint}") from error


@contextlib.contextmanager
def held(root: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lake: shared while a name is created, alone while repair moves files. Waits for the others.

    The lock is on the folder itself (flock), ends with the process, and is held for a millisecond by writers.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # a file system without flock: writers are safe without, see chain.append
            fcntl.flock(handle, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, each durable; one that exists is left as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def create(root: Path, data: bytes | memoryview, final: Path, *, still: Callable[[], bool] = lambda: True) -> bool:
    """Create `final` with `data`, durable and whole, unless it exists.

    `still` is asked at the last moment, with the lake held; False gives up as if the name were taken.

    Returns:
        True: this call made the file. False: another did (and its name is durable), or `still` said no.

    Raises:
        LakeError: the file system refused; nothing is left under the name nor aside.
    """
    with told(final, "write"), _aside(root, data) as aside, held(root, alone=False):
        if not still():
            return False
        make_folder(final.parent)
        made = _link(aside, final)
        sync_folder(final.parent)
        return made


def replace(root: Path, data: bytes, final: Path) -> None:
    """Write `final` durable and whole, over what was there.

    Raises:
        LakeError: the file system refused; what was there is still there.
    """
    with told(final, "write"), _aside(root, data) as aside:
        make_folder(final.parent)
        aside.replace(final)
        sync_folder(final.parent)


@contextlib.contextmanager
def _aside(root: Path, data: bytes | memoryview) -> Iterator[Path]:
    """Write `data` to a durable file in staging, gone when the block ends."""
    aside = root / STAGING / f"{uuid.uuid4().hex}.part"
    make_folder(aside.parent)
    try:
        with aside.open("xb", buffering=0) as out:
            left = memoryview(data)
            while left:
                left = left[out.write(left) :]
            os.fsync(out.fileno())
        yield aside
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()


def _link(aside: Path, final: Path) -> bool:
    """Give the file its name; False when the name is taken."""
    try:
        os.link(aside, final)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in _NO_LINKS:
            hint = "this file system makes no hard links; put the lake on one that does (ext4, xfs, btrfs, zfs)"
            raise LakeError(f"{final}: cannot create: {hint}") from error
        raise
    return True
