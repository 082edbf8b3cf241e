"""`dioptre lake`: what it says of a whole lake, of a broken one, and what it does about it."""

from pathlib import Path

import pytest
from cli_kit import dioptre, fill, harmless, lines

from connectors.lake import Lake


def segments(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("lake/events/landing/file-*/*.parquet"))


def test_status_adds_up_what_the_lake_holds(here: Path) -> None:
    told = dioptre("lake", "status", "--json").json
    assert told["events"] == len(lines()) - 1 + 180 + 1
    assert (told["rejects"], told["holes"], len(told["sources"])) == (2, 0, 3)
    assert told["kinds"] == sum(row["kinds"] for row in told["labels"])
    assert told["newest"][4:].startswith("-11-03T")
    assert {s["name"] for s in told["sources"]} == {"logs/auth.log", "logs/syslog.1.gz", "logs/odd.log"}


def test_status_is_pleasant_to_read(here: Path) -> None:
    ran = dioptre("lake", "status", terminal=True)
    assert ran.code == 0
    assert "logs/auth.log" in ran.out


def test_a_whole_lake_verifies_and_its_archives_recount_to_the_same(here: Path) -> None:
    ran = dioptre("lake", "verify", "--against", "logs", "--deep")
    assert ran.code == 0
    assert "0 missing" in ran.out
    assert "all of them in the lake, each once" in ran.out
    assert dioptre("lake", "verify", "--json").json["ok"] is True


def test_a_lost_segment_is_missing_when_the_archives_are_recounted(own: Path) -> None:
    segments(own)[0].unlink()
    ran = dioptre("lake", "verify", "--against", "logs")
    assert ran.code == 1
    assert "missing: none of its" in ran.out


def test_a_torn_segment_is_named_and_repaired_and_read_again(own: Path) -> None:
    torn = segments(own)[0]
    torn.write_bytes(torn.read_bytes()[:-50])
    ran = dioptre("lake", "verify", "--json")
    assert ran.code == 1
    assert [f["where"] for f in ran.json["findings"]] == [str(torn.relative_to(own / "lake"))]
    dry = dioptre("lake", "repair", "--dry-run", "--json").json
    assert dry["dry_run"] is True
    assert torn.exists()
    assert dioptre("lake", "repair").code == 2
    assert torn.exists()
    assert dioptre("lake", "repair", "--yes").code == 0
    assert not torn.exists()
    fill(Lake.open(Path("lake")), "logs")
    assert dioptre("lake", "verify", "--against", "logs").code == 0


def test_lines_added_since_the_backfill_are_missing_until_the_next(own: Path) -> None:
    with Path("logs/auth.log").open("a") as log:
        log.write("Nov  9 00:00:01 web1 sshd[1]: Server listening on 0.0.0.0 port 22.\n" * 3)
    told = dioptre("lake", "verify", "--against", "logs/auth.log", "--json").json
    assert "missing: 3 of" in told["against"]["differences"][0]["what"]
    fill(Lake.open(Path("lake")), "logs")
    assert dioptre("lake", "verify", "--against", "logs/auth.log").code == 0


def test_an_archive_that_was_cut_is_told_as_extra_in_the_lake(own: Path) -> None:
    path = Path("logs/auth.log")
    path.write_text("".join(f"{line}\n" for line in lines()[:250]))
    told = dioptre("lake", "verify", "--against", "logs/auth.log", "--json").json
    assert "extra: the lake holds" in told["against"]["differences"][0]["what"]


def test_an_archive_the_lake_never_saw_is_missing_whole(own: Path) -> None:
    Path("logs/new.log").write_text("Nov  9 00:00:01 web1 sshd[1]: Server listening on 0.0.0.0 port 22.\n" * 3)
    told = dioptre("lake", "verify", "--against", "logs/new.log", "--json").json
    assert told["against"]["differences"][0]["what"] == "missing: none of its 3 records is in the lake"
    assert len(told["against"]["beside"]) == 3


def test_small_ranges_are_recounted_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.log").write_text("".join(f"Nov  9 00:00:01 h app[{i}]: line {i} of many\n" for i in range(5000)))
    lake = Lake.create(Path("lake"), range_size=65_536)
    fill(lake, "a.log")
    assert len(lake.sources()) == 4
    assert "1 archive, 5,000 records" in dioptre("lake", "verify", "--against", "a.log").out


def test_a_file_is_forgotten_by_its_name_and_only_when_told_so(own: Path) -> None:
    assert dioptre("lake", "forget", "logs/auth.log").code == 2
    assert "would be moved" in dioptre("lake", "forget", "logs/auth.log", "--dry-run").out
    assert len(Lake.open(Path("lake")).sources()) == 3
    moved = dioptre("lake", "forget", "logs/auth.log", "--yes", "--json").json["moved"]
    assert Path(moved[0]["to"]).is_dir()
    assert len(Lake.open(Path("lake")).sources()) == 2
    fill(Lake.open(Path("lake")), "logs")
    assert dioptre("lake", "verify", "--against", "logs").code == 0


def test_a_file_that_was_never_read_cannot_be_forgotten(here: Path) -> None:
    ran = dioptre("lake", "forget", "logs/none.log", "--yes")
    assert (ran.code, ran.out) == (2, "")
    assert "no such source" in ran.err


@pytest.mark.parametrize("verb", [["status"], ["verify"], ["repair", "--dry-run"], ["forget", "x", "--dry-run"]])
def test_what_is_no_lake_is_told_with_what_would_make_one(verb: list[str], tmp_path: Path) -> None:
    ran = dioptre("lake", *verb, "--lake", str(tmp_path))
    assert (ran.code, ran.out) == (2, "")
    assert "not a lake" in ran.err
    assert "hint: `dioptre backfill SOURCE --lake" in ran.err


def test_a_hostile_file_name_cannot_reach_the_terminal(own: Path) -> None:
    (own / "lake" / "events" / "landing" / "\x1b[2Jx.parquet").write_bytes(b"")
    ran = dioptre("lake", "verify")
    assert ran.code == 1
    assert harmless(ran.out)
    assert harmless(ran.err)
