"""Runs `dioptre` inside the test process, and makes the place in which the examples of its help pages run."""

import contextlib
import gzip
import io
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors import archives
from connectors.formats.parse import parse
from connectors.lake import Lake
from pipeline.cli import run
from pipeline.job import Job

EVIL = "\x1b[2J\x1b]0;pwned\x07\x9b31m [link=http://evil.example]click[/link] \u202edeliver \x7f"
"""What a log line may hold to harm whoever reads it at a terminal."""

CORPUS = Path(__file__).parents[2] / "sample_data" / "corpus"


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class _Stream(io.TextIOWrapper):
    """Standard output as a pipe, or as a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__(io.BytesIO(), "utf-8", newline="", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        return self.buffer.getvalue().decode()  # type: ignore[attr-defined]


def dioptre(*argv: str, stdin: bytes = b"", terminal: bool = False) -> Ran:
    """Run a command line in this process."""
    was = sys.stdin, sys.stdout, sys.stderr
    out, err = _Stream(terminal), _Stream(terminal)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(stdin), "utf-8"), out, err
    try:
        code = run(argv)
    finally:
        sys.stdin, sys.stdout, sys.stderr = was
    return Ran(code, out.text(), err.text())


def lines() -> list[str]:
    """Write a log of several kinds, one of them hostile, with a line that is no event."""
    found = []
    for i in range(300):
        at = f"Nov {1 + i // 100:2d} {i % 24:02d}:{i % 60:02d}:07 web{i % 3}"
        found.append(
            f"{at} sshd[{1000 + i}]: Failed password for invalid user u{i} from 203.0.113.{i % 250} port 4{i:04d} ssh2"
        )
        if i % 5 == 0:
            found.append(
                f"{at} kernel: [{i}.123456] EXT4-fs error (device sda1): ext4_find_entry:1455: inode #{i}: lblock 0"
            )
        if i % 7 == 0:
            found.append(f"{at} CRON[{i}]: (root) CMD (run-parts /etc/cron.hourly)")
    found.append(f"Nov  2 00:00:01 web1 evil[1]: {EVIL}")
    found.append("")
    found.append('Nov  2 00:00:02 web1 calc[1]: =HYPERLINK("http://evil.example")')
    return found


def write_logs(folder: Path) -> None:
    """Write logs/auth.log, an older part of it, compressed, as logs/syslog.1.gz, and logs/odd.log with an empty line."""
    folder.mkdir()
    (folder / "auth.log").write_text("".join(f"{line}\n" for line in lines()))
    with gzip.open(folder / "syslog.1.gz", "wt") as out:
        out.writelines(f"{line}\n" for line in lines()[20:200])
    (folder / "odd.log").write_text("\n" + f"{lines()[7]}\n")


def fill(lake: Lake, *specs: str) -> None:
    """Read archives into a lake as a backfill does, in this process and without Beam."""
    from pipeline.transforms import commit

    job = Job(lake=lake.root)
    labeller = job.labeller()
    for read in archives.plan(archives.find(specs).archives, lake.chain, lake.range_size).reads:
        for batch in archives.read(read, lake_chain=lake.chain):
            commit(lake, labeller.label(parse(batch, job.reading)))


def workplace(folder: Path) -> Path:
    """Make `logs`, `lake`, `corpus`, `question.sql`, `dioptre.toml` in a folder, as the examples expect them."""
    write_logs(folder / "logs")
    with contextlib.chdir(folder):
        fill(Lake.create(Path("lake")), "logs")
    (folder / "corpus").mkdir()
    for name in ("host", "web", "data", "network"):
        head = (CORPUS / f"{name}.tsv").read_text("utf-8").splitlines()[:30]
        (folder / "corpus" / f"{name}.tsv").write_text("\n".join(head) + "\n", "utf-8")
    (folder / "question.sql").write_text(
        "-- how many of each?\nSELECT label, count(*) AS n FROM events GROUP BY 1 ORDER BY 1;\n"
    )
    (folder / "dioptre.toml").write_text('[lake]\npath = "lake"\n')
    return folder


@contextlib.contextmanager
def copied(place: Path, to: Path) -> Iterator[Path]:
    """Work in a copy of a workplace, so that what a test breaks is its own."""
    shutil.copytree(place, to, dirs_exist_ok=True)
    with contextlib.chdir(to):
        yield to


def harmless(text: str) -> bool:
    """Tell whether text may go to a terminal: no control but line end and tab, no bidi control."""
    return not any(
        (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 or c in "\u202a\u202b\u202d\u202e\u2066"
        for c in text
    )
