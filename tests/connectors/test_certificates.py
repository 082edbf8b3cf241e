"""The journals of certificates are append-only, survive races and torn files, and the catalog shows the latest word."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.catalog import CATALOG, build, fresh
from connectors.lake import Lake
from connectors.lake.certificates import FOLDER, Certificates

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
