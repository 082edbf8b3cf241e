"""Walk folders and expand globs without ever leaving their root, nor going round in circles."""

import fnmatch
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LAKE_MARK = "lake.json"
_MAGIC = re.compile(r"[*?\[]")
_STAGING = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", ".swo", ".lock", "~")


@dataclass(frozen=True)
class Refused:
    """A path that is not read, and why."""

    path: Path
    reason: str


@dataclass
class Places:
    """Files found so far under one root, in order of name; `refused` are hazards, `skipped` merely no logs."""

    root: Path
    files: list[Path] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    skipped: list[Refused] = field(default_factory=list)
    _seen: set[tuple[int, int, tuple[str, ...]]] = field(default_factory=set)

    def walk(self, folder: Path) -> None:
        """Take every file below a folder; hidden and staging files, and dioptre's own lakes, are left out."""
        if not self._enter(folder, ()):
            return
        for entry in self._entries(folder):
            self._take(entry)

    def expand(self, folder: Path, parts: tuple[str, ...]) -> None:
        """Take what matches the pattern `parts` below a folder; `**` stands for any number of folders, or none."""
        if not self._enter(folder, parts):
            return
        first, rest = parts[0], parts[1:]
        if first == "**":
            self.expand(folder, rest or ("*",))
        for entry in self._matching(folder, first):
            if not rest and first != "**":
                self._take(entry)
            elif entry.is_dir() and self._inside(entry):
                self.expand(entry, parts if first == "**" else rest)

    def _matching(self, folder: Path, pattern: str) -> Iterator[Path]:
        """List the entries of a folder that one part of a pattern matches; hidden ones only if it names the dot."""
        if not is_pattern(pattern):
            if os.path.lexists(folder / pattern):
                yield folder / pattern
            return
        pattern = "*" if pattern == "**" else pattern
        hidden = pattern.startswith(".")
        for entry in self._entries(folder, hidden=hidden):
            if fnmatch.fnmatchcase(entry.name, pattern):
                yield entry

    def _entries(self, folder: Path, *, hidden: bool = False) -> list[Path]:
        """List a folder in order of name."""
        try:
            names = sorted(entry.name for entry in folder.iterdir())
        except OSError as error:
            self.refused.append(Refused(folder, f"cannot be listed: {error.strerror}"))
            return []
        return [folder / name for name in names if hidden or not name.startswith(".")]

    def _enter(self, folder: Path, left: tuple[str, ...]) -> bool:
        """Say whether a folder is to be looked into: not twice for the same rest of a pattern, and no lake."""
        try:
            status = folder.stat()
        except OSError as error:
            self.refused.append(Refused(folder, f"cannot be entered: {error.strerror}"))
            return False
        key = (status.st_dev, status.st_ino, left)
        if key in self._seen:
            return False
        self._seen.add(key)
        if (folder / LAKE_MARK).exists():
            self.skipped.append(Refused(folder, "a dioptre lake"))
            return False
        return True

    def _take(self, entry: Path) -> None:
        """Take one entry: a folder with all below it, a file if it is a log."""
        if not self._inside(entry):
            return
        if entry.is_dir():
            self.walk(entry)
        elif not entry.is_file():
            self.skipped.append(Refused(entry, "not a regular file"))
        elif entry.name.endswith(_STAGING) or entry.name.startswith("#"):
            self.skipped.append(Refused(entry, "a file in the making, by its name"))
        else:
            self.files.append(entry)

    def _inside(self, entry: Path) -> bool:
        """Refuse what really lies outside the root, and links to nothing."""
        real = Path(os.path.realpath(entry))
        if not real.is_relative_to(os.path.realpath(self.root)):
            self.refused.append(Refused(entry, f"a link that leaves {self.root}"))
        elif not real.exists():
            self.refused.append(Refused(entry, "a link to nothing"))
        else:
            return True
        return False


def is_pattern(text: str) -> bool:
    """Say whether a path holds a wildcard."""
    return bool(_MAGIC.search(text))


def split_pattern(spec: str) -> tuple[Path, tuple[str, ...]]:
    """Part a glob into its fixed prefix, the folder it never leaves, and the parts of its pattern."""
    parts = Path(spec).parts
    first = next(i for i, part in enumerate(parts) if is_pattern(part))
    return Path(*parts[:first]), parts[first:]
