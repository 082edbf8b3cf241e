"""Random lines under a certificate are checked by people; too many errors withdraw it, and everybody is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from classifiers.exits import LEAVES
from connectors.lake import Lake
from connectors.lake.certificates import Certificates
from pipeline.audit import alarms, answer, draw_audits, follow_up, size, waiting, watches
from pipeline.certify_gauges import gathered, gauges
from pipeline.certify_life import standings
from pipeline.curate_find import CurateError
from pipeline.metrics import exposition
from pipeline.settings_precision import PrecisionSettings
from pipeline.stream_totals import Totals
from tests.pipeline.precision_kit import lake_of

NOW = datetime.now(UTC)
SETTINGS = PrecisionSettings()
LEAF = LEAVES[0]
SISTER = next(leaf for leaf in LEAVES[1:] if leaf.split(".")[0] == LEAF.split(".")[0])
STRANGER = next(leaf for leaf in LEAVES if leaf.split(".")[0] != LEAF.split(".")[0])


def _lake(folder: Path, tier: str = "fine", p: float = 0.95, depth: str = "leaf") -> Lake:
    lake = lake_of(folder / "lake", 3)
    row = {"cert_id": "c" * 16, "event": "issued", "at": NOW, "promise": "novel", "tier": tier, "domain": "", "p": p}
    row |= {"depth": depth, "delta": 0.05, "n": 100, "errors": 1, "lower": p, "thresholds": [("tiny", 0.9)]}
    Certificates(lake.root).note([row | {"valid_until": NOW + timedelta(days=9), "reference": "people"}])
    return lake


def _events(n: int) -> Any:
    """Answer what is asked of the catalog: n events under the certificate."""

    def ask(query: str, _: Any) -> pa.Table:
        if query.startswith("SELECT count"):
            return pa.table({"n": [n]})
        rows = [
            {"source": "file-1", "source_offset": i, "ordinal": 0, "template_id": "t", "app": "sshd",
             "message": f"from 10.0.0.{i % 250} port {i}", "label": LEAF, "cert_id": "c" * 16}
            for i in range(n)
        ]  # fmt: skip
        return pa.Table.from_pylist(rows)

    return ask


def _answered(lake: Lake, wrong: list[bool], other: str = STRANGER) -> None:
    rows = draw_audits(lake, _events(len(wrong)), len(wrong), NOW)
    told = {row["audit_id"]: other if bad else LEAF for row, bad in zip(rows, wrong, strict=True)}
    answer(lake, told, by="ann")


def test_lines_are_drawn_with_their_chance_masked_and_wait_once(tmp_path: Path) -> None:
    lake = _lake(tmp_path)
    rows = draw_audits(lake, _events(40), 10, NOW)
    assert {row["inclusion"] for row in rows} == {0.25}
    assert "10.0.0." not in str([row["message"] for row in rows])
    assert draw_audits(lake, _events(40), 10, NOW) == [], "a line is audited once"
    assert len(waiting(lake)) == 40
    assert draw_audits(lake, lambda *_: pa.table({"n": [0]}), 10, NOW) == []


def test_an_answer_is_wrong_at_the_depth_of_the_certificate(tmp_path: Path) -> None:
    lake = _lake(tmp_path, depth="domain")
    _answered(lake, [True, False], other=SISTER)
    assert watches(lake)[0].audits.errors == 0, "another leaf of the same domain is right there"
    with pytest.raises(CurateError, match="no such audit"):
        answer(lake, {"nothing": LEAF}, by="ann")


def test_an_alarm_withdraws_the_certificate_and_is_told_everywhere(tmp_path: Path) -> None:
    lake = _lake(tmp_path)
    few = size(lake, SETTINGS)
    errors = np.random.default_rng(1).random(200) < 0.2
    _answered(lake, errors.tolist())
    withdrawn, _ = follow_up(lake, SETTINGS)
    assert [one.standing.tier for one in withdrawn] == ["fine"]
    assert "audited events are wrong" in alarms(standings(lake))[0].reason
    assert size(lake, SETTINGS) == 4 * few, "more is audited after an alarm"
    told = gathered(lake, standings(lake))
    assert told["alarms"] == 1
    assert told["certificates"][0]["status"] == "withdrawn"
    totals = Totals("run", 0.0, certificates=gauges(lake))
    text = exposition(totals, 1.0, {}).decode()
    assert 'dioptre_certificate_valid{domain="",promise="novel",tier="fine"} 0.0' in text
    assert follow_up(lake, SETTINGS)[0] == [], "once"


def test_audits_that_go_well_prove_the_promise_for_the_stream_of_today(tmp_path: Path) -> None:
    lake = _lake(tmp_path)
    _answered(lake, [False] * 120)
    assert [one.standing.tier for one in follow_up(lake, SETTINGS)[1]] == ["fine"]
    found = {one.promise: one.status for one in standings(lake)}
    assert found == {"novel": "valid", "mix": "valid"}
    assert follow_up(lake, SETTINGS)[1] == [], "once"


def test_a_lake_where_nobody_certified_tells_nothing_of_it(tmp_path: Path) -> None:
    lake = lake_of(tmp_path / "lake", 3)
    assert gauges(lake) == ()
    assert gathered(lake, []) == {"certificates": [], "alarms": 0, "drift": []}
    assert b"certificate" not in exposition(Totals("run", 0.0), 1.0, {})
