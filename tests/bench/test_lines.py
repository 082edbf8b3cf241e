"""The bench's lines are what it says they are: the same for a seed, plain, skewed, and new where novelty is asked for."""

from datetime import UTC
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from clustering.keys import Keys
from connectors.formats import vector
from connectors.formats.block import Block
from connectors.formats.parse import parse
from connectors.formats.record import Context
from schemas.events import RECORDS, TS
from tests.bench.lines import FORMATS, Mill, write
from tests.bench.values import DAY, HOSTS

LINES = 33_000
"""One block and a bit."""
NOW = int(DAY.timestamp() * 1e6) + 86_400_000_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    folder = tmp_path_factory.mktemp("lines")
    return {
        form: write(folder / form, LINES, form).read_bytes().splitlines(keepends=True)
        for form in (*FORMATS, "messages")
    }


def parsed(lines: list[bytes]) -> pa.RecordBatch:
    n = len(lines)
    columns = [
        pa.array(lines, pa.binary()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, TS),
        pa.array([False] * n),
    ]
    return parse(pa.RecordBatch.from_arrays(columns, schema=RECORDS))


def test_one_seed_gives_one_file_and_another_another(tmp_path: Path) -> None:
    first, again = (write(tmp_path / name, 1000, "mix").read_bytes() for name in ("a", "b"))
    assert first == again
    assert write(tmp_path / "c", 1000, "mix", seed=8).read_bytes() != first


def test_a_longer_file_begins_like_a_shorter_one(files: dict[str, list[bytes]], tmp_path: Path) -> None:
    assert write(tmp_path / "a", 1000, "iso").read_bytes() == b"".join(files["iso"][:1000])


@pytest.mark.parametrize("form", FORMATS)
def test_every_line_takes_the_fast_path_and_none_is_rejected(form: str, files: dict[str, list[bytes]]) -> None:
    lines = files[form]
    block = Block.of(pa.array(lines, pa.binary()))
    found = vector.read(block, np.full(len(lines), NOW), Context(NOW, NOW, UTC), vector.Memo())
    names = {vector.FORMATS[i] for i in found.format.tolist() if i >= 0}
    assert [line for line, i in zip(lines, found.format, strict=True) if i < 0] == []
    assert names == ({form} if form != "mix" else {"rfc3164", "rfc5424", "iso"})
    batch = parsed(lines)
    assert batch.num_rows == LINES
    assert batch.column("reject_reason").null_count == LINES


@pytest.mark.parametrize("form", FORMATS)
def test_all_formats_carry_the_same_messages(form: str, files: dict[str, list[bytes]]) -> None:
    said = [line.decode().removesuffix("\n") for line in files["messages"]]
    assert parsed(files[form]).column("message").to_pylist() == said


def test_the_lines_are_those_of_a_busy_fleet(files: dict[str, list[bytes]]) -> None:
    batch = parsed(files["iso"])
    stamps = batch.column("ts").cast(pa.int64()).to_numpy()
    assert (np.diff(stamps) >= 0).all()
    assert 10 < LINES / len(np.unique(stamps // 1_000_000)) < 200
    assert set(batch.column("host").unique().to_pylist()) == set(HOSTS)
    assert len(batch.column("app").unique()) >= 40
    words = [message.split() for message in batch.column("message").to_pylist()]
    assert 60 <= np.mean([len(line) for line in files["messages"]]) <= 90
    assert 2 <= np.mean([sum(any(c.isdigit() for c in word) for word in line) for line in words]) <= 3.5


def test_few_kinds_hold_most_of_the_lines() -> None:
    shares = np.sort(Mill().kinds.shares)[::-1]
    assert 300 <= len(shares) <= 400
    assert 0.8 < shares[:100].sum() < 0.99


def test_novelty_is_a_share_of_lines_each_of_a_key_of_its_own(tmp_path: Path) -> None:
    usual, new = (
        parsed(write(tmp_path / "a", LINES, "iso", novelty=n).read_bytes().splitlines(True)) for n in (0.0, 0.01)
    )
    known = {kind.key for kind in Keys().of(usual.column("app"), usual.column("message")).kinds}
    keyed = Keys().of(new.column("app"), new.column("message"))
    counts = np.bincount(keyed.codes)
    fresh = [n for kind, n in zip(keyed.kinds, counts, strict=True) if kind.key not in known]
    assert set(fresh) == {1}
    assert 0.008 * LINES < len(fresh) < 0.012 * LINES
