"""The journals of certificates are append-only, survive races and torn files, and the catalog shows the latest word."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.catalog import CATALOG, build, fresh
from connectors.lake import Lake, repair, verify
from connectors.lake.certificates import AUDITS_FOLDER, FOLDER, Certificates
from schemas.ledger import LEDGER, Coefficients

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _row(cert_id: str, event: str = "issued", tier: str = "coarse", **more: Any) -> dict[str, Any]:
    told = {"cert_id": cert_id, "event": event, "at": NOW, "promise": "novel", "tier": tier, "domain": "", "p": 0.9}
    return told | {"depth": "domain", "valid_until": datetime.now(UTC) + timedelta(days=1), "reason": "why"} | more


def test_each_note_is_a_file_of_its_own_and_none_is_lost_when_many_write_at_once(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    writers = [threading.Thread(target=Certificates(lake.root).note, args=([_row(f"{i:016x}")],)) for i in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    journal = Certificates(lake.root)
    assert sorted(journal.life().column("cert_id").to_pylist()) == [f"{i:016x}" for i in range(8)]
    assert journal.stamp() == 8


def test_a_torn_file_is_left_out_and_the_others_are_read(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for i in range(3):
        Certificates(lake.root).note([_row(f"{i:016x}")])
    path = lake.root / FOLDER / "0000000002.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert Certificates(lake.root).life().column("cert_id").to_pylist() == [f"{0:016x}", f"{2:016x}"]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([_row("a")], "valid"),
        ([_row("a", "refused", needed=40)], "uncertified"),
        ([_row("a"), _row("b", "refused", at=NOW + timedelta(1))], "valid"),
        ([_row("a"), _row("a", "withdrawn", at=NOW + timedelta(1), reason="alarm")], "withdrawn"),
        ([_row("a", valid_until=NOW - timedelta(days=400))], "expired"),
        ([_row("a"), _row("a", "withdrawn"), _row("c", at=NOW + timedelta(2))], "valid"),
    ],
)
def test_the_view_shows_the_latest_word_on_each_claim(rows: list[dict[str, Any]], status: str, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    build(lake)
    for row in rows:
        Certificates(lake.root).note([row])
    assert not fresh(lake), "a catalog that does not know the certificate is stale"
    build(lake)
    with duckdb.connect(str(lake.root / CATALOG), read_only=True) as con:
        assert con.execute("SELECT status FROM certificates").fetchall() == [(status,)]


def test_a_lake_without_certificates_has_an_empty_view(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    build(lake)
    with duckdb.connect(str(lake.root / CATALOG), read_only=True) as con:
        assert con.execute("SELECT * FROM certificates").fetchall() == []


def test_what_is_written_right_after_a_number_is_not_written_where_somebody_else_was_first(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    one, other = Certificates(lake.root), Certificates(lake.root)
    seen = one.stamp()
    assert other.note_after([_row("a")], other.stamp())
    assert not one.note_after([_row("b")], seen)
    assert one.note_after([_row("b")], one.stamp())
    assert Certificates(lake.root).life().column("cert_id").to_pylist() == ["a", "b"]


def _told(lake: Lake) -> list[tuple[str, str]]:
    return [(f.where, f.what.partition(":")[0]) for f in verify(lake).findings]


def test_verify_names_what_is_torn_strange_or_missing_among_certificates_and_audits(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    for i in range(4):
        Certificates(lake.root).note([_row(f"{i:016x}")])
    assert _told(lake) == []
    name = f"{FOLDER}/000000000{{}}.parquet".format
    (lake.root / name(1)).unlink()
    (lake.root / name(2)).write_bytes((lake.root / name(2)).read_bytes()[:-20])
    pq.write_table(pa.table({"x": [1]}), lake.root / name(3))
    (lake.root / AUDITS_FOLDER).mkdir(parents=True)
    (lake.root / AUDITS_FOLDER / "notes.txt").write_text("mine")
    assert _told(lake) == [
        (name(2), "torn or unreadable"), (name(3), "wrong schema"), (name(1), "missing"),
        (f"{AUDITS_FOLDER}/notes.txt", "foreign"),
    ]  # fmt: skip
    assert not verify(lake).ok
    repair(lake)
    assert [where for where, what in _told(lake) if what == "missing"] == [name(1), name(2), name(3)]


def test_verify_names_what_is_torn_or_missing_in_the_ledger(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    coefficients = Coefficients()
    row = {f.name: 0 for f in LEDGER} | {"hour": NOW, "coefficients": coefficients.id}
    row |= dict.fromkeys(("stage", "domain", "run"), "")
    paths = [lake.note_ledger(pa.Table.from_pylist([row], LEDGER), coefficients) for _ in range(2)]
    assert _told(lake) == []
    torn = paths[0]
    assert torn is not None
    torn.write_bytes(b"PAR1")
    (lake.root / "ledger" / f"{coefficients.id}.json").unlink()
    assert _told(lake) == [(f"ledger/{torn.name}", "torn or unreadable"), (f"ledger/{coefficients.id}.json", "missing")]
    repair(lake)
    assert _told(lake) == [(f"ledger/{coefficients.id}.json", "missing")]
