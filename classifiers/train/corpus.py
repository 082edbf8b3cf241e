"""The labelled kinds that models are trained on, and the split of their programs: train, tune, cert, test."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from classifiers.cascade import has_word, not_a_label
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

ToKind = Callable[[str, str], Kind]
"""(program, message) -> kind; the pipeline passes the key function in, as neighbours do not import one another."""

HEADER = "program\tleaf\thow\ttext"
HOWS = ("written", "captured", "format")
SPLITS = ("train", "tune", "cert", "test")
"""What models are fitted on; what stopping and temperatures are set on; what certificates count on; what is scored."""

SPLITS_FILE = "splits.tsv"
_SAME = {
    **dict.fromkeys(("useradd", "userdel", "usermod", "groupadd", "groupdel", "groupmod"), "shadow"),
    **dict.fromkeys(("gpasswd", "chage", "chpasswd", "chfn", "chsh", "newusers", "passwd"), "shadow"),
    **dict.fromkeys(("charon", "swanctl", "ipsec", "pluto"), "strongswan"),
    **dict.fromkeys(("redis", "valkey", "keydb"), "redis"),
    **dict.fromkeys(("mysql", "mysqld", "mariadb", "mariadbd", "percona"), "mysql"),
    **dict.fromkeys(("postgres", "postgresql", "pgbouncer"), "postgres"),
    **dict.fromkeys(("httpd", "apache", "apache2"), "apache"),
}
"""First words of programs that come from one source, and the family's name."""

_ENDS = (70, 80, 90, 100)  # per cent of the programs, one split after the other


class CorpusError(ValueError):
    """A corpus that cannot be used; the message has one line for each fault."""


@dataclass(frozen=True)
class Labelled:
    """A labelled kind of the corpus: whose it is, what it is, how it came (one of HOWS)."""

    program: str
    leaf: str
    how: str
    kind: Kind


@dataclass(frozen=True)
class Conflict:
    """One kind that the corpus labels in two ways; the first of `leaves` was kept."""

    program: str
    template: str
    leaves: tuple[str, ...]


def family(program: str) -> str:
    """Programs that may print one another's lines belong together: those that begin with the same word.

    So `postfix/smtpd` is of `postfix`, `nginx-error` of `nginx`; that `cisco-ios` and `cisco-wlc` are then one family
    makes programs of the other splits more foreign than they need be, never less.
    """
    first = re.split(r"[^a-z0-9]", program.lower(), maxsplit=1)[0] or program.lower()
    return _SAME.get(first, first)


def split_of(program: str) -> str:
    """The split of a program's family, by hash: the same whatever else the corpus holds."""
    at = int(hashlib.sha256(family(program).encode()).hexdigest()[:8], 16) % 100
    return next(split for split, end in zip(SPLITS, _ENDS, strict=True) if at < end)


def splits_of(folder: Path, programs: Sequence[str]) -> list[str]:
    """The split of each program: what `splits.tsv` says of it or of its family, else `split_of`."""
    fixed = read_splits(folder)
    of_family = {family(program): split for program, split in fixed.items()}
    return [fixed.get(p) or of_family.get(family(p)) or split_of(p) for p in programs]


def files(folder: Path) -> list[Path]:
    """The corpus files of a folder, by name."""
    return sorted(path for path in folder.glob("*.tsv") if path.name != SPLITS_FILE)


def read(folder: Path, to_kind: ToKind) -> tuple[list[Labelled], list[Conflict]]:
    """Read a corpus: its distinct kinds that hold a word, and the kinds that it labels in two ways.

    Of the labels of one kind the most frequent is kept, the first at a tie.

    Raises:
        CorpusError: no corpus file, or rows that are not `program, leaf, how, text`; all of them are named.
    """
    rows = list(_rows(folder))
    found: dict[tuple[str, str], list[Labelled]] = {}
    for program, leaf, how, text in rows:
        kind = to_kind(program, text)
        if has_word(kind.template):
            found.setdefault((kind.app, kind.template), []).append(Labelled(program, leaf, how, kind))
    conflicts = [c for same in found.values() if len((c := _conflict(same)).leaves) > 1]
    return [_kept(same) for same in found.values()], conflicts


def read_splits(folder: Path) -> dict[str, str]:
    """Read `splits.tsv`: program -> split; of programs that it does not name, `splits_of` knows."""
    path = folder / SPLITS_FILE
    lines = path.read_text("utf-8").splitlines()[1:] if path.exists() else []
    rows = [line.split("\t") for line in lines if line]
    return {row[0]: row[-1] for row in rows}


def write_splits(folder: Path) -> Path:
    """Write `splits.tsv` for all programs of a corpus; those it names already, and their families, keep their split."""
    programs = sorted({row[0] for row in _rows(folder)})
    where = splits_of(folder, programs)
    lines = [f"{program}\t{split}\n" for program, split in zip(programs, where, strict=True)]
    path = folder / SPLITS_FILE
    path.write_text("program\tsplit\n" + "".join(lines), "utf-8")
    return path


def data_hash(paths: Iterable[Path]) -> str:
    """The sha256 of files' names and bytes, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        digest.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _rows(folder: Path) -> Iterable[tuple[str, str, str, str]]:
    paths, faults = files(folder), []
    if not paths:
        raise CorpusError(f"{folder}: no corpus here; files *.tsv with the header `{HEADER}` would be right")
    rows = []
    for path in paths:
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            fault = _fault(number, line)
            if fault:
                faults.append(f"{path}:{number}: {fault}")
            elif line and number > 1:
                program, leaf, how, text = line.split("\t")
                rows.append((program, leaf, how, text))
    if faults:
        raise CorpusError("\n".join(faults))
    return rows


def _fault(number: int, line: str) -> str | None:
    fields = line.split("\t")
    if number == 1:
        return None if line == HEADER else f"the header `{HEADER}` would be right"
    if not line:
        return None
    if len(fields) != 4:
        return f"{len(fields)} fields; program, leaf, how and text, parted by tabs, would be right"
    if fields[1] not in taxonomy().leaves:
        return not_a_label(fields[1])
    return None if fields[2] in HOWS else f"how = {fields[2]!r}: one of {', '.join(HOWS)} would be right"


def _ranked(same: Sequence[Labelled]) -> tuple[str, ...]:
    return tuple(leaf for leaf, _ in Counter(row.leaf for row in same).most_common())


def _kept(same: Sequence[Labelled]) -> Labelled:
    return next(row for row in same if row.leaf == _ranked(same)[0])


def _conflict(same: Sequence[Labelled]) -> Conflict:
    return Conflict(same[0].program, same[0].kind.template, _ranked(same))
