"""`dioptre sql`, `templates`, `rejects`, `export` on a small lake: answers, bounds, wrong questions, hostile lines."""

import csv
import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import duckdb
import pytest
from cli_kit import EVIL, dioptre, harmless

from clustering.templates import Bounds
from connectors import archives
from connectors.formats.parse import parse
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.resolving import Resolver
from pipeline.stream_cpu import cpu_of
from pipeline.transforms import commit

COUNT = "SELECT label, count(*) AS n FROM events GROUP BY 1 ORDER BY 2 DESC, 1"


def asked(query: str, *more: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = dioptre("sql", query, "--json", *more).json["rows"]
    return rows


def test_a_question_is_answered_as_a_table_and_as_json(here: Path) -> None:
    rows = asked(COUNT)
    assert sum(int(str(row["n"])) for row in rows) == dioptre("lake", "status", "--json").json["events"]
    first = dioptre("sql", COUNT).out.splitlines()
    assert first[0].split() == ["label", "n"]
    assert first[1].split() == [rows[0]["label"], str(rows[0]["n"])]


def test_a_question_may_come_from_a_file_or_a_pipe(here: Path) -> None:
    told = dioptre("sql", "-f", "question.sql").out
    assert told == dioptre("sql", stdin=Path("question.sql").read_bytes()).out
    assert told == dioptre("sql", "-", stdin=Path("question.sql").read_bytes()).out
    assert dioptre("sql", stdin=b"SELECT 1 AS a; SELECT 2 AS b;").out == "a\n1\nb\n2\n"


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_an_answer_goes_into_a_file_by_its_ending(ending: str, own: Path) -> None:
    assert dioptre("sql", COUNT, "-o", f"answer.{ending}").out == ""
    with duckdb.connect() as con:
        source = (
            "(SELECT unnest(rows, recursive := true) FROM 'answer.json')" if ending == "json" else f"'answer.{ending}'"
        )
        rows = con.execute(f"SELECT label, n FROM {source}").fetchall()
    assert [list(row) for row in rows] == [list(row.values()) for row in asked(COUNT)]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["SELEC 1"], "Parser Error"),
        (["SELECT nothing FROM events"], "nothing"),
        (["FROM evnts"], "events"),
        (["CREATE TABLE x (a INT)"], "a session only reads"),
        (["COPY events TO 'x.csv'"], "dioptre export"),
        (["FROM read_csv('/etc/passwd')"], "Permission"),
        (["FROM '/etc/passwd'"], "passwd"),
        (["INSTALL httpfs"], "only reads"),
        (["ATTACH 'other.duckdb'"], "only reads"),
        (["SET memory_limit = '1TB'"], "settings"),
        ([""], "no query"),
        (["SELECT 1", "-f", "question.sql"], "both"),
        (["-f", "none.sql"], "No such file"),
        (["SELECT 1", "-o", "x.doc"], "tells no format"),
        (["SELECT 1", "--format", "xml"], "xml"),
        (["SELECT 1", "--lake", "none"], "no such folder"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_in_one_line(argv: list[str], told: str, here: Path) -> None:
    before = sorted(Path().iterdir())
    ran = dioptre("sql", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert told in ran.err
    assert len(ran.err.splitlines()) <= 2
    assert sorted(Path().iterdir()) == before


def test_a_question_that_never_ends_is_ended(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIOPTRE_SQL_TIMEOUT_S", "0.3")
    began = time.monotonic()
    ran = dioptre(
        "sql", "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range % 7 = 3"
    )
    assert ran.code == 2
    assert "time" in ran.err
    assert time.monotonic() - began < 10


def test_log_text_reaches_no_terminal_by_any_command(here: Path) -> None:
    for argv in (
        ["sql", "FROM events WHERE app = 'evil'"],
        ["sql", "FROM events WHERE app = 'evil'", "--json"],
        ["sql", "FROM events WHERE app = 'evil'", "--format", "csv"],
        ["templates", "list", "--app", "evil"],
        ["templates", "show", "[link=", "--json"],
        ["templates", "show", "[link="],
        ["rejects", "list"],
        ["sql", f"SELECT '{EVIL}' AS \"{EVIL}\""],
        ["sql", f'FROM "{EVIL}"'],
        ["templates", "show", EVIL],
        ["rejects", "show", EVIL, "0"],
        ["export", EVIL],
    ):
        for terminal in (False, True):
            ran = dioptre(*argv, "--color", "never", terminal=terminal)
            assert harmless(ran.out), argv
            assert harmless(ran.err), argv
    assert "\\x1b[2J" in dioptre("sql", "SELECT message FROM events WHERE app = 'evil'").out


def test_json_keeps_every_character_of_a_line(here: Path) -> None:
    assert asked("SELECT message FROM events WHERE app = 'evil'") == [{"message": EVIL}]


def test_the_loudest_kinds_come_first_and_can_be_chosen(here: Path) -> None:
    told = dioptre("templates", "list", "--json").json
    counts = [t["events"] for t in told["templates"]]
    assert counts == sorted(counts, reverse=True)
    assert told["templates"][0]["app"] == "sshd"
    assert told["matching"] == len(counts)
    assert len(dioptre("templates", "list", "-n", "1", "--json").json["templates"]) == 1
    assert {t["app"] for t in dioptre("templates", "list", "--app", "s*", "--json").json["templates"]} == {"sshd"}
    labels = {t["label"] for t in dioptre("templates", "list", "--label", "auth.*", "--json").json["templates"]}
    assert labels
    assert all(label.startswith("auth.") for label in labels)
    unknown = dioptre("templates", "list", "--unknown", "--json").json["templates"]
    assert all(t["label"] == "unknown" for t in unknown)


def test_kinds_without_room_are_counted_in_other_which_takes_no_label(own: Path) -> None:
    words = ["alpha", "bravo", "cedar", "delta", "ember", "fjord", "gamma", "hotel"]
    Path("junk.log").write_text(
        "".join(f"Nov  3 00:00:0{i} web1 junk: {w} {w}\n" for i, w in enumerate([*words, "hotel"]))
    )
    job, lake = Job(lake=Path("lake")), Lake.open(Path("lake"))
    labeller = job.labeller()
    labeller._resolver = Resolver(Bounds(program=5))
    for read in archives.plan(archives.find(["junk.log"]).archives, lake.chain, lake.range_size).reads:
        for batch in archives.read(read, lake_chain=lake.chain):
            commit(lake, labeller.label(parse(batch, job.reading)))
    for refused in (["labels", "set", "<other>", "app.info"], ["labels", "set", "<other>", "app.info", "--dry-run"]):
        ran = dioptre(*refused)
        assert (ran.code, ran.out) == (2, "")
        assert "<other> of junk" in ran.err
    (one,) = (t for t in dioptre("templates", "list", "--json").json["templates"] if t["template"] == "<other>")
    assert (one["events"], one["kinds"], one["label"], one["stage"]) == (4, 3, "unknown", "none")
    where = f"FROM events WHERE template_id = '{one['template_id']}' GROUP BY ALL"
    assert asked(f"SELECT label, stage, count(*) AS n {where}") == [{"label": "unknown", "stage": "none", "n": 4}]
    assert "<other>, 3 kinds" in dioptre("templates", "list").out


def test_a_template_is_shown_by_id_prefix_or_words_with_a_question_for_its_lines(here: Path) -> None:
    one = dioptre("templates", "show", "failed PASSWORD", "--json").json
    assert one["app"] == "sshd"
    assert "203.0.113" not in one["example"]
    assert dioptre("templates", "show", one["template_id"], "--json").json == one
    assert dioptre("templates", "show", one["template_id"][:9], "--json").json == one
    assert len(asked(one["query"])) == 20
    assert one["template_id"] in dioptre("templates", "show", one["template_id"]).out


def test_a_template_that_is_none_or_several_is_told(here: Path) -> None:
    assert dioptre("templates", "show", "no such words", "--json").json["error"]["code"] == "not_found"
    several = dioptre("templates", "show", " ", "--json").json["error"]
    assert several["code"] == "ambiguous"
    assert "Failed password" in several["message"]


def test_rejects_are_listed_counted_and_shown(here: Path) -> None:
    told = dioptre("rejects", "list", "--json").json
    assert told["reasons"] == {"empty": 2}
    assert {r["reason"] for r in told["rejects"]} == {"empty"}
    assert dioptre("rejects", "list", "--reason", "bomb", "--json").json["rejects"] == []
    assert len(dioptre("rejects", "list", "-n", "1", "--json").json["rejects"]) == 1
    one = dioptre("rejects", "show", "logs/odd.log", "0", "--json").json
    assert (one["reason"], one["source_offset"]) == ("empty", 0)
    assert dioptre("rejects", "show", one["source"], "0", "--json").json == one
    assert "no such reason" in dioptre("rejects", "list", "--reason", "emty").err
    assert dioptre("rejects", "show", "logs/odd.log", "7").code == 2


def test_a_part_is_exported_for_a_colleague_without_the_lake(own: Path) -> None:
    told = dioptre("export", "part.duckdb", "--since", "2026-11-02", "--until", "2026-11-03", "--json").json
    with duckdb.connect("part.duckdb", read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        rows = con.execute("SELECT count(*), min(ts)::DATE::TEXT, max(ts)::DATE::TEXT FROM events").fetchall()
    assert rows == [(told["events"], "2026-11-02", "2026-11-02")]
    again = dioptre("export", "part.duckdb")
    assert again.code == 2
    assert "hint: --force" in again.err
    assert dioptre("export", "part.duckdb", "--force").code == 0


def test_an_exported_csv_holds_no_formula(own: Path) -> None:
    assert dioptre("export", "all.csv").code == 0
    with Path("all.csv").open(newline="") as file:
        cells = [cell for row in csv.DictReader(file) for cell in [row["message"]]]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["x.doc"], "no format"),
        (["x.csv", "--label", "auht"], "did you mean auth?"),
        (["x.csv", "--kind", "zz"], "template id"),
        (["x.csv", "--since", "soon"], "not a time"),
        (["x.csv", "--format", "xls"], "no such format"),
        (["none/x.csv"], "none/x.csv"),
    ],
)
def test_an_export_that_cannot_be_is_told(argv: list[str], told: str, here: Path) -> None:
    ran = dioptre("export", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_moved_lake_answers_and_is_relocated(own: Path) -> None:
    Path("lake").rename("moved")
    assert dioptre("sql", COUNT, "--lake", "moved").code == 0
    assert dioptre("lake", "relocate", "--lake", "moved", "--json").json["catalog"].endswith("moved/catalog.duckdb")


def test_the_prompt_answers_at_a_terminal_and_goes_on_after_a_mistake(own: Path) -> None:
    main, side = pty.openpty()
    env = {**os.environ, "TERM": "dumb", "HOME": str(own), "COLUMNS": "100"}
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "sql"]
    with subprocess.Popen(
        command,
        stdin=side,
        stdout=side,
        stderr=side,
        cwd=own,
        env=env,
        start_new_session=True,
        preexec_fn=_own_terminal,
    ) as process:
        os.close(side)
        try:
            heard = _until(main, b"dioptre> ")
            os.write(main, b"SELECT 40 + 2\n")
            heard += _until(main, b"...> ")
            os.write(main, b"AS answer;\n")
            heard += _until(main, b"dioptre> ")
            os.write(main, b"FROM nowhere;\n")
            heard += _until(main, b"dioptre> ")
            os.write(main, b"SELECT count(*) FROM range(100000000000) a, range(100000) b;\n")
            _busy(process.pid)
            os.write(main, b"\x03")
            heard += _until(main, b"dioptre> ")
            os.write(main, b".tables\n")
            heard += _until(main, b"dioptre> ")
            os.write(main, b".quit\n")
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()  # else a failure here waits for it for ever
    told = heard.decode()
    assert "42" in told
    assert "error: Catalog Error" in told
    assert "interrupted" in told
    assert "otel_logs" in told
    assert "FROM nowhere;" in (own / ".local/state/dioptre/history").read_text()
    assert (own / ".local/state/dioptre/history").stat().st_mode & 0o077 == 0


def _own_terminal() -> None:
    """Make standard input the terminal of this session, so that Ctrl-C reaches it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _until(terminal: int, end: bytes) -> bytes:
    """Read from a terminal until it says `end`."""
    heard, deadline = b"", time.monotonic() + 30
    while not heard.endswith(end):
        assert time.monotonic() < deadline, heard
        if select.select([terminal], [], [], 0.2)[0]:
            heard += os.read(terminal, 4096)
    return heard


def _busy(pid: int) -> None:
    """Wait until a process computes: what was typed is a query that runs, and Ctrl-C has something to end."""
    began, deadline = cpu_of(pid), time.monotonic() + 30
    while cpu_of(pid) < began + 0.3:
        assert time.monotonic() < deadline, "no query runs"
        time.sleep(0.02)


def test_json_of_every_command_says_its_schema_version(here: Path) -> None:
    for argv in (
        ["sql", "SELECT 1"],
        ["templates", "list"],
        ["rejects", "list"],
        ["lake", "status"],
        ["lake", "verify"],
    ):
        assert json.loads(dioptre(*argv, "--json").out)["schema_version"] == 1
