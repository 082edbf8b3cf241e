"""The ledger of real runs: its sums are those of the runs and of the lake's events, and it makes Wh of them."""

from pathlib import Path
from typing import Any

import pytest
from cli_kit import dioptre, write_logs

from pipeline.config import ConfigError, load
from schemas.ledger import Coefficients


def asked(query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = dioptre("sql", query, "--lake", "lake", "--json").json["rows"]
    return rows


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that a backfill has filled and a learner has settled."""
    folder = tmp_path_factory.mktemp("worked")
    write_logs(folder / "logs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert dioptre("backfill", "logs", "--lake", "lake", "--workers", "2").code == 0
        assert dioptre("learn", "--lake", "lake").code == 0
    return folder


@pytest.fixture(autouse=True)
def _there(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(worked)


def test_the_ledger_of_a_backfill_adds_up_to_its_run_and_to_the_events_of_the_lake() -> None:
    from connectors.lake import Lake

    run = next(run for run in Lake.open(Path("lake")).runs() if run["command"] == "backfill")
    told = asked(f"SELECT sum(events) AS events, sum(cpu_s) AS cpu_s FROM ledger WHERE run = '{run['run_id']}'")[0]
    assert told["events"] == run["events"] > 300
    assert told["cpu_s"] == pytest.approx(run["cpu_seconds"], rel=0.01)
    by_both = "SELECT {}, domain, {} AS n FROM {} GROUP BY 1, 2 HAVING n > 0 ORDER BY 1, 2"
    of_events = (
        "(SELECT stage, split_part(label_at_ingest, '.', 1) AS domain FROM events_raw WHERE reject_reason IS NULL)"
    )
    assert asked(by_both.format("stage", "sum(events)", "ledger")) == asked(
        by_both.format("stage", "count(*)", of_events)
    )


def test_the_ledger_of_learning_adds_up_to_its_run() -> None:
    from connectors.lake import Lake

    run = next(run for run in Lake.open(Path("lake")).runs() if run["command"] == "learn")
    told = asked(f"SELECT sum(events) AS events, sum(cpu_s) AS cpu_s FROM ledger WHERE run = '{run['run_id']}'")[0]
    assert told["events"] == 0
    assert told["cpu_s"] == pytest.approx(run["cpu_seconds"], abs=0.02)
    stages = {row["stage"]: row for row in asked("SELECT stage, sum(cpu_s) AS cpu_s FROM ledger GROUP BY 1")}
    assert stages["cluster"]["cpu_s"] > 0
    assert stages["pipeline"]["cpu_s"] > 0
    calls = (
        "SELECT stage, sum(kinds) AS kinds, sum(exits + escalations) AS fates FROM ledger WHERE kinds > 0 GROUP BY 1"
    )
    assert all(row["kinds"] == row["fates"] for row in asked(calls))


def test_each_estimate_stands_between_its_low_and_its_high_and_follows_the_formula() -> None:
    rows = asked("FROM ledger WHERE cpu_s > 0")
    assert rows
    c = Coefficients()
    for row in rows:
        for name in ("wh", "gco2e", "litres", "money"):
            assert 0 < row[f"{name}_low"] < row[name] < row[f"{name}_high"]
        wh = row["cpu_s"] / 3600 * c.watts.central * c.pue.central
        assert row["wh"] == pytest.approx(wh)
        assert row["gco2e"] == pytest.approx(wh / 1000 * c.gco2e_per_kwh.central)
        water = wh / c.pue.central * c.litres_site.central + wh * c.litres_grid.central
        assert row["litres"] == pytest.approx(water / 1000)
        assert row["energy_method"] == "cpu_time"


def test_coefficients_are_stored_with_their_sources_and_older_work_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.log").write_text("Nov  1 00:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2\n")
    (tmp_path / "b.log").write_text("Nov  1 00:00:00 h sshd[1]: Accepted password for root from 192.0.2.1 port 22\n")
    monkeypatch.chdir(tmp_path)
    assert dioptre("backfill", "a.log", "--lake", "lake").code == 0
    monkeypatch.setenv("DIOPTRE_LEDGER_WATTS", "[10.0, 20.0, 30.0]")
    assert dioptre("backfill", "b.log", "--lake", "lake").code == 0
    rows = asked("SELECT DISTINCT round(wh / cpu_s * 3600 / 1.56, 2) AS watts FROM ledger WHERE cpu_s > 0 ORDER BY 1")
    assert [row["watts"] for row in rows] == [3.76, 20.0]
    told = asked("SELECT low, central, high, source FROM coefficients WHERE name = 'watts' ORDER BY central")
    assert [row["central"] for row in told] == [3.76, 20.0]
    assert told[1]["source"] == "configuration"
    assert told[0]["source"].startswith("Cloud Carbon Footprint")


@pytest.mark.parametrize("wrong", ["[3.0, 2.0, 1.0]", "[1.0, 2.0]", "-1", "many"])
def test_a_coefficient_that_is_no_band_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match=r"\[low, central, high\]"):
        load(env={"DIOPTRE_LEDGER_PUE": wrong, "HOME": "/nonexistent"})


def test_one_number_is_a_band_without_width() -> None:
    own = load(env={"DIOPTRE_LEDGER_PUE": "1.1", "HOME": "/nonexistent"}).settings.ledger.coefficients()
    assert (own.pue.low, own.pue.central, own.pue.high) == (1.1, 1.1, 1.1)
    assert own.id != Coefficients().id
    assert Coefficients.of(own.json()) == own


def test_the_ledger_of_a_stream_counts_the_segments_that_its_totals_count_however_they_are_told() -> None:
    from pipeline.committed import Committed
    from pipeline.stream_totals import Totals
    from pipeline.stream_words import State

    totals = Totals("run", 0.0)
    footer = {"start": 0, "end": 5, "events": 5, "rejects": 0, "reject_reasons": {}, "skips": {}}
    footer |= {"stages": {"tiny": 4, "none": 1}, "domains": {"tiny": {"auth": 4}, "none": {"unknown": 1}}}
    totals.committed(Committed("kafka-a", "t/0", 0, 5, 5, 0, 1, 1, (), (footer,)), 1.0)
    older = {name: value for name, value in footer.items() if name != "domains"}
    totals.count("kafka-a", "t/0", older | {"start": 5, "end": 10})
    totals.heard(0, State({}, {}, "", {}, [(3600, "pipeline", "", "cpu_s", 0.5)]), 2.0)
    rows = totals.ledger.table("run", Coefficients()).to_pylist()
    assert sum(row["events"] for row in rows) == totals.events == 10
    assert {row["stage"]: row["cpu_s"] for row in rows if row["cpu_s"]} == {"pipeline": 0.5}
    assert sum(row["events"] for row in rows if row["stage"] == "tiny") == totals.stages["tiny"]
