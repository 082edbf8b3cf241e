"""`dioptre lake compact`, `expire` and `erase`: what they say, and that nothing goes without a word."""

from pathlib import Path

import pytest
from cli_kit import dioptre, fill, lines

from connectors.lake import Lake


def count() -> int:
    return int(dioptre("sql", "SELECT count(*) AS n FROM events", "--format", "csv").out.splitlines()[1])


def test_a_compacted_lake_answers_verifies_recounts_and_tells_the_same(own: Path) -> None:
    before = count()
    status = dioptre("lake", "status", "--json").json
    ran = dioptre("lake", "compact", "--at-rest", "0s", "--grace", "0s")
    assert ran.code == 0
    assert f"compacted: 3 segments of {before + 2} rows" in ran.out
    assert dioptre("lake", "compact", "--grace", "0s").out.startswith("nothing to compact\nremoved: 3 files")
    assert not list(own.glob("lake/events/landing/file-*/*"))
    assert count() == before
    told = dioptre("lake", "status", "--json").json
    names = ("events", "rejects", "segments", "newest", "kinds")
    assert [told[name] for name in names] == [status[name] for name in names]
    assert told["compacted"]["files"] > 1
    assert "compacted" in dioptre("lake", "status").out
    assert dioptre("lake", "verify", "--deep", "--against", "logs").code == 0
    fill(Lake.open(Path("lake")), "logs")
    assert count() == before


def test_lines_added_to_a_compacted_file_are_read_and_nothing_else(own: Path) -> None:
    dioptre("lake", "compact", "--at-rest", "0s", "--grace", "0s")
    before = count()
    with Path("logs/auth.log").open("a") as log:
        log.write("Nov  9 00:00:01 web1 sshd[1]: Server listening on 0.0.0.0 port 22.\n" * 3)
    fill(Lake.open(Path("lake")), "logs")
    assert count() == before + 3
    assert dioptre("lake", "verify", "--against", "logs").code == 0


def test_a_compacted_file_is_forgotten_by_its_name(own: Path) -> None:
    dioptre("lake", "compact", "--at-rest", "0s", "--grace", "0s")
    before = count()
    assert dioptre("lake", "forget", "logs/auth.log", "--yes").code == 0
    assert count() == before - (len(lines()) - 1)
    fill(Lake.open(Path("lake")), "logs")
    assert count() == before


def test_expiry_needs_a_time_and_a_yes(own: Path) -> None:
    assert "from when on" in dioptre("lake", "expire").err
    before = count()
    ran = dioptre("lake", "expire", "--older-than", "1d")
    assert ran.code == 2
    assert "would go for good" in ran.err
    assert "--dry-run shows" in ran.err
    assert "would expire: " in dioptre("lake", "expire", "--older-than", "0d", "--dry-run").out
    assert count() == before


def test_what_has_expired_is_gone_and_never_read_again(own: Path) -> None:
    dioptre("lake", "compact", "--at-rest", "0s")
    before = count()
    told = dioptre("lake", "expire", "--older-than", "0d", "--yes", "--json").json
    assert told["dry_run"] is False
    assert count() == before - told["events"] < before
    fill(Lake.open(Path("lake")), "logs")
    assert count() == before - told["events"]
    assert dioptre("lake", "verify", "--against", "logs").code == 0
    assert dioptre("lake", "expire", "--older-than", "9000d", "--yes").out == "nothing is that old\n"


def test_erasure_tells_what_it_would_do_does_it_when_told_and_says_what_it_cannot_reach(own: Path) -> None:
    before = count()
    where = ("--where", "contains(message, '203.0.113.7 ')")
    assert dioptre("lake", "erase", *where).code == 2
    would = dioptre("lake", "erase", *where, "--dry-run", "--json").json
    assert count() == before
    ran = dioptre("lake", "erase", *where, "--yes")
    assert f"erased: {would['events']} events" in ran.out
    assert "not reached: quarantine/" in ran.err
    assert count() == before - would["events"] < before
    fill(Lake.open(Path("lake")), "logs")
    assert count() == before - would["events"]
    assert dioptre("lake", "verify", "--deep", "--against", "logs").code == 0


def test_a_condition_that_is_none_is_told(own: Path) -> None:
    ran = dioptre("lake", "erase", "--where", "mesage = 1", "--yes")
    assert ran.code == 2
    assert "not a condition on events" in ran.err


def test_a_torn_segment_stops_sql_with_what_would_mend_it(own: Path) -> None:
    torn = next(own.glob("lake/events/landing/file-*/*.parquet"))
    torn.write_bytes(torn.read_bytes()[:-50])
    ran = dioptre("sql", "SELECT count(message) FROM events")
    assert ran.code == 2
    assert "`dioptre lake repair` moves it aside" in ran.err


def test_a_lake_without_its_lake_json_is_told_to_be_repaired(own: Path) -> None:
    Path("lake/lake.json").unlink()
    ran = dioptre("sql", "FROM templates")
    assert "hint: `dioptre lake repair --lake lake` restores it" in ran.err
    assert dioptre("lake", "repair", "--yes").code == 0
    assert count() > 0


def test_the_prompt_lists_labels_among_the_tables(here: Path) -> None:
    from pipeline.cli.prompt import _TABLES

    ran = dioptre("sql", _TABLES, "--json")
    assert {"labels", "events", "sources", "segments"} <= {row["name"] for row in ran.json["rows"]}


@pytest.mark.parametrize("label", ["auth", "auth.*"])
def test_a_domain_and_a_glob_are_labels_everywhere(own: Path, label: str) -> None:
    found = dioptre("templates", "list", "--label", label, "--json").json["templates"]
    assert found
    assert {t["label"].partition(".")[0] for t in found} == {"auth"}
    made = dioptre("export", f"{len(label)}.csv", "--label", label, "--json").json
    assert made["events"] == sum(t["events"] for t in found)


def test_every_template_id_of_events_is_one_of_templates(here: Path) -> None:
    query = "SELECT count(*) AS n FROM events ANTI JOIN templates USING (template_id) WHERE template_id IS NOT NULL"
    assert dioptre("sql", query, "--format", "csv").out.split() == ["n", "0"]
