"""Find log archives: files, folders, globs with `**`, and `-` for standard input; each file once, oldest first."""

import difflib
import os
import stat
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from connectors.archives.archive import Archive, ArchiveError, Spool
from connectors.archives.codecs import MAGIC_BYTES, codec_of
from connectors.archives.places import Places, Refused, is_pattern, split_pattern
from connectors.archives.rotation import covers, rotation_of


@dataclass
class Found:
    """What there is to read, oldest first in each rotated set.

    Attributes:
        refused: what ought to have been read and cannot: links out of the root, unreadable files.
        skipped: what is no log: files in the making, sockets, dioptre's own lakes. Hidden files are not even listed.
        outside: archives left out by `since` and `until`.
    """

    archives: list[Archive]
    refused: list[Refused] = field(default_factory=list)
    skipped: list[Refused] = field(default_factory=list)
    outside: list[Archive] = field(default_factory=list)


def find(
    specs: Sequence[str],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    stdin: BinaryIO | None = None,
) -> Found:
    """Find the archives that `specs` name, a file named twice once.

    Args:
        specs: files, folders (with all below), globs, `-`.
        since, until: leave out whole files that cannot hold lines of that time: a file covers from the end of the
            one before it in its rotated set to its own end, the day in its name or else its last change.
            Lines are never chosen. Times without zone are UTC.
        stdin: read for `-`; the process's standard input unless given.

    Raises:
        ArchiveError: names every spec that leads to nothing, with the nearest name that exists.
    """
    found, missing = Found([]), []
    paths: list[Path] = []
    for spec in dict.fromkeys(specs):
        if spec == "-":
            found.archives.append(_standard_input(stdin or sys.stdin.buffer))
            continue
        places, fault = _places(spec)
        paths += places.files
        found.refused += places.refused
        found.skipped += places.skipped
        if fault and not places.refused:
            missing.append(f"{spec}: {fault}")
    if missing:
        raise ArchiveError(_message(missing))
    for path in _unique(paths):
        _describe(path, found)
    found.archives.sort(key=lambda a: rotation_of(a.path).order() if a.path else ("", "", 0, 0.0, 0))
    return _choose(found, since, until)


def _places(spec: str) -> tuple[Places, str]:
    """Find the files of one spec; with what is wrong about it, or nothing."""
    path = Path(spec).expanduser()
    places = Places(path)
    if "://" in spec:
        return places, "only local paths are read; copy it here first"
    if path.is_dir():
        places.walk(path)
    elif path.is_file():
        places.files.append(path)
    elif os.path.lexists(path):
        return places, "neither a file nor a folder; pipe it in and name it `-`"
    elif is_pattern(spec):
        root, parts = split_pattern(str(path))
        places = Places(root)
        if root.is_dir():
            places.expand(root, parts)
        return places, "" if places.files or places.skipped else _nearest(root / parts[0], "nothing matches")
    else:
        return places, _nearest(path, "no such file")
    return places, ""


def _nearest(path: Path, fault: str) -> str:
    """Say what is wrong, with the name next to the one asked for, or the folder that is missing."""
    if not path.parent.is_dir():
        return f"no such folder: {path.parent}"
    names = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
    close = difflib.get_close_matches(path.name, names, n=1, cutoff=0.5)
    return f"{fault}; did you mean {path.parent / close[0]}?" if close else fault


def _message(missing: list[str]) -> str:
    """One line for one fault; a heading and a line each for several."""
    return missing[0] if len(missing) == 1 else "\n  ".join([f"{len(missing)} sources cannot be read", *missing])


def _unique(paths: list[Path]) -> list[Path]:
    """Keep each file once, whatever names lead to it; a name that is no link before one that is."""
    by_file: dict[tuple[int, int], Path] = {}
    for path in sorted(paths, key=lambda p: (p.is_symlink(), len(p.parts), str(p))):
        status = path.stat()
        by_file.setdefault((status.st_dev, status.st_ino), path)
    return list(by_file.values())


def _describe(path: Path, found: Found) -> None:
    """Look at a file's first bytes and dates; one that cannot be opened is refused."""
    try:
        with path.open("rb", buffering=0) as handle:
            status, head = os.fstat(handle.fileno()), handle.read(MAGIC_BYTES)
    except OSError as error:
        found.refused.append(Refused(path, f"cannot be read: {error.strerror}"))
        return
    if not stat.S_ISREG(status.st_mode):
        found.skipped.append(Refused(path, "not a regular file"))
        return
    stamp = (str(path.absolute()), status.st_size, status.st_mtime_ns, status.st_ino)
    reference = rotation_of(path).date or datetime.fromtimestamp(status.st_mtime, UTC)
    found.archives.append(
        Archive(path, str(path), codec_of(head), status.st_size, status.st_mtime, reference, stamp, status.st_dev)
    )


def _standard_input(source: BinaryIO) -> Archive:
    """Take all of standard input; its date is now."""
    spool = Spool(source)
    with spool.open() as handle:
        head = handle.read(MAGIC_BYTES)
    now = time.time()
    return Archive(None, "-", codec_of(head), spool.size, now, datetime.fromtimestamp(now, UTC), spool=spool)


def _choose(found: Found, since: datetime | None, until: datetime | None) -> Found:
    """Keep the archives whose time meets [since, until]; they are ordered, sets together."""
    begin: dict[tuple[str, str], datetime] = {}
    kept: list[Archive] = []
    outside: list[Archive] = []
    for archive in found.archives:
        rotation = rotation_of(archive.path or Path("-"))
        end = covers(rotation, archive.mtime)
        start = begin.get((rotation.folder, rotation.stem))
        begin[rotation.folder, rotation.stem] = end
        late = until is not None and start is not None and start > _aware(until)
        early = since is not None and end < _aware(since)
        (outside if late or early else kept).append(archive)
    return replace(found, archives=kept, outside=outside)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)
