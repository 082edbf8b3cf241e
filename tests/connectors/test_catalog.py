"""catalog.duckdb: its views, macros and comments over real lakes; a cache that is never missed."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.catalog import CATALOG, build, fresh
from connectors.lake import Lake, forget
from schemas.events import SEGMENT
from schemas.taxonomy import taxonomy
from tests.connectors.lake_rows import NOON, add, kinds, novel, rows

FAILURE, SESSION, ODD = "0" * 15 + "1", "0" * 15 + "2", "0" * 15 + "3"


def ask(lake: Lake, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute(f"SET TimeZone = 'UTC'; ATTACH '{str(lake.root / CATALOG)!s}' AS lake (READ_ONLY); USE lake")
        return con.execute(query, list(parameters) or None).fetchall()


def event(lake: Lake, source: str, offset: int, **told: Any) -> None:
    lake.chain(source).append(rows(source, [offset], **told), offset, offset + 1, {})


def make(root: Path) -> Lake:
    """Three failures, a session of another host, a kind nobody noted, a continuation of it, a reject."""
    lake = Lake.create(root)
    lake.note_novel(
        novel(FAILURE, label="auth.login_failure", template="Failed password for <*>", template_id="f" * 16)
    )
    lake.note_novel(novel(SESSION, label="auth.session", template="session <*> opened", template_id=SESSION))
    for i in range(3):
        told = {"key": FAILURE, "template_id": FAILURE, "label_at_ingest": "unknown", "params": f"user{i}"}
        event(lake, "kafka-a", i, ts=NOON + timedelta(hours=i), severity=4 if i else None, **told)
    event(lake, "kafka-b", 0, key=SESSION, label_at_ingest="auth.session", host="db01", app="su")
    event(lake, "kafka-b", 1, key=ODD, template_id=ODD, label_at_ingest="storage.device", confidence=0.7)
    event(lake, "kafka-b", 2, key=FAILURE, label_at_ingest="app.error", stage="continuation", ts_quality="inherited")
    event(lake, "kafka-b", 3, reject_reason="binary", raw=b"\0", stage="none", label_at_ingest="unknown", key=None)
    build(lake)
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make(tmp_path / "lake")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The same lake, for tests that only ask."""
    return make(tmp_path_factory.mktemp("kept") / "lake")


def test_events_are_all_rows_but_rejects_and_events_raw_are_all(kept: Lake) -> None:
    assert ask(kept, "SELECT count(*) FROM events") == [(6,)]
    assert ask(kept, "SELECT count(*) FROM events_raw") == [(7,)]
    assert ask(kept, "SELECT source, source_offset, reject_reason, raw FROM rejects") == [
        ("kafka-b", 3, "binary", b"\0")
    ]


def test_the_label_of_an_event_is_the_one_its_kind_has_today(lake: Lake) -> None:
    query = "SELECT DISTINCT label, domain, template_id, label_at_ingest, stage FROM events WHERE source = 'kafka-a'"
    assert ask(lake, query) == [("auth.login_failure", "auth", "f" * 16, "unknown", "tiny")]
    lake.publish(kinds(FAILURE, label="security.intrusion", stage="person", confidence=1.0, template_id="e" * 16))
    build(lake)
    assert ask(lake, query) == [("security.intrusion", "security", "e" * 16, "unknown", "person")]


def test_a_kind_that_is_not_noted_keeps_what_was_said_at_ingest(kept: Lake) -> None:
    query = "SELECT label, domain, level, template_id, template, confidence FROM events WHERE key = ?"
    severity = taxonomy().leaves["storage.device"].severity
    assert ask(kept, query, ODD) == [("storage.device", "storage", severity, ODD, None, pytest.approx(0.7))]


def test_a_continuation_has_the_label_of_its_line_whatever_its_own_text_would_be_called(kept: Lake) -> None:
    query = "SELECT label, domain, stage, level FROM events WHERE stage = 'continuation'"
    assert ask(kept, query) == [("app.error", "app", "continuation", taxonomy().leaves["app.error"].severity)]


def test_level_is_the_severity_else_the_typical_one_of_the_label(kept: Lake) -> None:
    query = "SELECT severity, level FROM events WHERE source = 'kafka-a' ORDER BY ts"
    assert ask(kept, query) == [(None, taxonomy().leaves["auth.login_failure"].severity), (4, 4), (4, 4)]


def test_events_hold_every_stored_column_but_the_reject_reason(kept: Lake) -> None:
    names = {row[0] for row in ask(kept, "DESCRIBE events")}
    assert set(SEGMENT.names) - names == {"reject_reason"}
    assert names - set(SEGMENT.names) == {"level", "template", "label", "domain"}


def test_keys_that_share_a_template_are_one_row_of_templates_led_by_the_first(lake: Lake) -> None:
    told = {"template_id": "a" * 16, "label": "web.access"}
    lake.publish(kinds("b" * 16, template="GET <*>", first_seen=NOON + timedelta(1), **told))
    lake.publish(kinds("c" * 16, template="GET <*> first", first_seen=NOON, **told))
    build(lake)
    query = "SELECT template, keys, first_seen, label, severity_hint FROM templates WHERE template_id = ?"
    assert ask(lake, query, "a" * 16) == [("GET <*> first", 2, NOON, "web.access", 6)]


def test_an_id_of_before_a_merge_finds_the_template_of_today_and_after_a_split_all_its_parts(lake: Lake) -> None:
    def count(old: str) -> int:
        build(lake)
        return int(ask(lake, "SELECT count(*) FROM events_of(?)", old)[0][0])

    assert (count(FAILURE), count("f" * 16), count(SESSION), count(ODD)) == (4, 4, 1, 0)
    both = {"template_id": "a" * 16, "merged_text": "<*>", "set_by": "learn"}
    lake.publish(kinds(FAILURE, SESSION, **both))
    assert [count(old) for old in (FAILURE, "f" * 16, SESSION, "a" * 16)] == [5, 5, 5, 5]
    lake.publish(kinds(FAILURE, template_id=FAILURE))
    lake.publish(kinds(SESSION, template_id=SESSION))
    assert [count(old) for old in (FAILURE, "f" * 16, SESSION, "a" * 16)] == [4, 4, 1, 5]


def test_a_merged_template_shows_the_text_that_its_keys_share(lake: Lake) -> None:
    lake.publish(kinds(FAILURE, SESSION, template_id="a" * 16, merged_text="some <*>", cluster_id="c" * 16))
    build(lake)
    told = "SELECT template, keys, cluster_id, label_source, muted FROM templates WHERE template_id = ?"
    assert ask(lake, told, "a" * 16) == [("some <*>", 2, "c" * 16, "tiny", False)]
    assert ask(lake, "SELECT DISTINCT template FROM events WHERE source = 'kafka-a'") == [("some <*>",)]
    assert ask(lake, "SELECT key_template FROM kinds WHERE key = ?", FAILURE) == [("line <*>",)]


def test_the_history_of_labels_tells_what_held_after_each_word(lake: Lake) -> None:
    for label, stage, set_by in (
        ("web.access", "person", "ann"),
        ("app.error", "large", "learn"),
        ("app.error", "order", "bob"),
        ("auth.login_failure", "tiny", "undo"),
        ("app.debug", "large", "learn"),
    ):
        lake.publish(kinds(FAILURE, label=label, stage=stage, set_by=set_by, reason="so"))
    build(lake)
    told = "SELECT label_before, label_after, set_by, sequence FROM label_history WHERE key = ? ORDER BY sequence"
    assert ask(lake, told, FAILURE) == [
        ("auth.login_failure", "web.access", "ann", 1),
        ("web.access", "web.access", "learn", 2),
        ("web.access", "web.access", "bob", 3),
        ("web.access", "auth.login_failure", "undo", 4),
        ("auth.login_failure", "app.debug", "learn", 5),
    ]
    assert ask(lake, "SELECT label FROM kinds WHERE key = ?", FAILURE) == [("app.debug",)]
    assert ask(lake, "SELECT count(*) FROM label_history WHERE key = ?", SESSION) == [(0,)]


def test_counts_a_template_and_hour_add_up_to_all_events(kept: Lake) -> None:
    assert ask(kept, "SELECT sum(n) FROM template_hours") == ask(kept, "SELECT count(*) FROM events")
    stats = "SELECT template, n, hosts, first_seen, last_seen FROM template_stats WHERE template_id = ?"
    assert ask(kept, stats, "f" * 16) == [("Failed password for <*>", 4, 1, NOON, NOON + timedelta(hours=2))]


def test_labels_are_the_taxonomy(kept: Lake) -> None:
    told = ask(kept, "SELECT label, domain, definition, severity_hint, actionable FROM labels")
    assert told == [(x.id, x.domain, x.definition, x.severity, x.actionable) for x in taxonomy().leaves.values()]


def test_new_templates_are_those_of_the_last_day(lake: Lake) -> None:
    lake.note_novel(novel(ODD, first_seen=NOON - timedelta(days=2), template="old", template_id=ODD))
    build(lake)
    assert {row[0] for row in ask(lake, "SELECT template FROM new_templates")} == {
        "Failed password for <*>", "session <*> opened"
    }  # fmt: skip


def test_otel_logs_speak_opentelemetry(lake: Lake) -> None:
    event(lake, "kafka-c", 0, attrs=[("trace_id", "abc"), ("x@1.y", "z")], severity=3, key=SESSION, procid=None)
    names = [row[0] for row in ask(lake, "DESCRIBE otel_logs")]
    assert (
        names
        == "Timestamp ObservedTimestamp TraceId SpanId SeverityNumber SeverityText Body Resource Attributes".split()
    )
    (row,) = ask(lake, "FROM otel_logs WHERE \"TraceId\" = 'abc'")
    told = dict(zip(names, row, strict=True))
    assert (told["SeverityNumber"], told["SeverityText"], told["Body"]) == (17, "err", "line 0")
    assert told["Resource"] == {"host.name": "web01", "service.name": "sshd"}
    attributes = told["Attributes"]
    assert (attributes["x@1.y"], attributes["log.record.template"]) == ("z", "session <*> opened")
    assert attributes["log.record.uid"] == "kafka-c:0:0"
    assert "syslog.procid" not in attributes
    assert ask(lake, 'SELECT DISTINCT "SeverityNumber" FROM otel_logs WHERE "SeverityText" IS NULL') == [(0,)]


def test_segments_tell_what_the_footers_tell(lake: Lake) -> None:
    add(lake.chain("kafka-c"), 0, 5, name="old.log")
    lake.chain("kafka-c").append(rows("kafka-c", [7]), 5, 9, {"skips": {"tombstone": 3}})
    told = "SELECT start_offset, end_offset, events, rejects, positions, skips, name FROM segments"
    assert ask(lake, f"{told} WHERE source = 'kafka-c' ORDER BY 1") == [
        (0, 5, 5, 0, 5, {}, "old.log"),
        (5, 9, 1, 0, 1, {"tombstone": 3}, None),
    ]
    assert ask(lake, "SELECT sum(events), sum(rejects) FROM segments") == [(12, 1)]


@pytest.mark.parametrize(
    ("macro", "gives"),
    [
        ("sev_text(0), sev_text(7::TINYINT), sev_text(NULL)", ("emerg", "debug", None)),
        ("[otel_severity(x) for x in range(8)]", ([21, 19, 18, 17, 13, 10, 9, 5],)),
        ("otel_severity(NULL)", (None,)),
        ("time_bin(TIMESTAMPTZ '2026-11-20 17:04:31+00', '5m')", (datetime(2026, 11, 20, 17, tzinfo=UTC),)),
        ("param('a b\u00a0c d', 2), param('a', 2), param(NULL, 1)", ("b c", None, None)),
        ("number_in('took -3.25s of 9'), number_in('none')", (-3.25, None)),
        ("address_in('10.0.0.1:80'), address_in('[fe80::1%eth0]:22')", ("10.0.0.1", "fe80::1")),
        ("address_in('2001:db8:0:1:1:1:1:1 x'), address_in('from ::1')", ("2001:db8:0:1:1:1:1:1", "::1")),
        ("address_in('12:34:56 aa:bb:cc:dd:ee:ff std::bad 1.2.3'), address_in('')", (None, None)),
        ("slots('Failed for <*> from <*> ssh2', 'Failed  for\tx from 1.2.3.4 ssh2')", (["x", "1.2.3.4"],)),
        ("slots('GET <*>', 'GET /a 200 12')", (["/a 200 12"],)),
        ("slots('a <*> z', 'a b c d z'), slots('rc=<*nonzero> of <*>', 'rc=1 of 2')", (["b c d"], ["1", "2"])),
        ("slots('a <*>', 'b 1'), slots('x=<*>', 'y=1'), slots('a <*> b', 'a b')", (None, None, None)),
        ("slots('a b', 'a b'), slots('a b', 'a b c'), slots(NULL, 'a'), slots('a <*>', NULL)", ([], None, None, None)),
        ("slots('Traceback (most recent call last): <*>', E'Traceback (most recent call last):\\n at x\\n E1\\n')", (["E1"],)),
        ("slots('first <*>', E'\\n\\nfirst 1\\nsecond 2')", (["1"],)),
    ],
)  # fmt: skip
def test_a_macro_gives(kept: Lake, macro: str, gives: tuple[Any, ...]) -> None:
    assert ask(kept, f"SELECT {macro}") == [gives]


def test_slots_work_on_columns(lake: Lake) -> None:
    event(lake, "kafka-c", 0, key=SESSION, message="session 42 opened", ts=NOON)
    query = "SELECT slots(template, message) FROM events WHERE message LIKE 'session%'"
    assert ask(lake, query) == [(["42"],)]


def test_recent_counts_back_from_the_newest_event_that_is_not_in_the_future(lake: Lake) -> None:
    event(lake, "kafka-c", 0, ts=datetime.now(UTC) + timedelta(days=400))
    assert ask(lake, "SELECT newest()") == [(NOON + timedelta(hours=2),)]
    assert ask(lake, "SELECT count(*) FROM recent('30m') WHERE ts < now()") == [(1,)]
    assert ask(lake, "SELECT count(*) FROM recent(INTERVAL 2 HOURS) WHERE ts < now()") == [(2,)]


def test_around_gives_a_hosts_events_near_a_time_in_order(kept: Lake) -> None:
    query = "SELECT host, ts FROM around('web01', '2026-11-20 13:00:00+00', '1h')"
    told = ask(kept, query)
    assert told == sorted(told, key=lambda row: row[1])
    assert {host for host, _ in told} == {"web01"}
    assert len(told) == 5
    assert ask(kept, "SELECT count(*) FROM around('web01'' OR true --', newest(), '9d')") == [(0,)]


def test_new_since_goes_by_the_first_event_of_a_template(lake: Lake) -> None:
    event(lake, "kafka-c", 0, key="d" * 16, template_id="d" * 16, ts=NOON + timedelta(hours=1, minutes=30))
    query = "SELECT template_id, n, hosts FROM new_since('2026-11-20 13:00:00+00')"
    assert ask(lake, query) == [("d" * 16, 1, 1)]


def test_spikes_are_over_three_times_the_median_hour(lake: Lake) -> None:
    for hour, n in enumerate((2, 1, 3, 20)):
        told = {"key": ODD, "template_id": ODD, "ts": NOON + timedelta(hours=20 + hour, minutes=5)}
        chain = lake.chain(f"kafka-h{hour}")
        chain.append(rows(chain.source, range(n), **told), 0, n, {})
    lake.note_novel(novel(ODD, template="odd <*>", template_id=ODD))
    build(lake)
    query = "SELECT template, n, usual_n, ratio FROM spikes(?::TIMESTAMPTZ)"
    assert ask(lake, query, NOON + timedelta(hours=23, minutes=59)) == [("odd <*>", 20, 1.5, 13.3)]
    assert ask(lake, query, NOON + timedelta(hours=22)) == []


def test_views_macros_and_columns_say_what_they_are(kept: Lake) -> None:
    query = "SELECT view_name FROM duckdb_views() WHERE database_name = 'lake' AND NOT internal AND comment IS NULL"
    assert ask(kept, query) == []
    silent = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'events' AND comment IS NULL"
    assert ask(kept, silent) == []
    shown = "sev_text otel_severity time_bin param number_in address_in newest slots recent around new_since events_of spikes".split()
    said = "SELECT function_name FROM duckdb_functions() WHERE database_name = 'lake' AND comment IS NOT NULL"
    assert sorted(name for (name,) in ask(kept, said)) == sorted(shown)


def test_new_segments_are_seen_without_a_new_catalog(lake: Lake) -> None:
    before = (lake.root / CATALOG).stat().st_ino
    add(lake.chain("kafka-new"), 0, 5)
    assert ask(lake, "SELECT count(*) FROM events WHERE source = 'kafka-new'") == [(5,)]
    assert fresh(lake)
    assert (lake.root / CATALOG).stat().st_ino == before


def test_a_catalog_is_fresh_until_the_kinds_change_or_the_lake_moves(lake: Lake) -> None:
    assert fresh(lake)
    lake.note_novel(novel("9" * 16))
    assert not fresh(lake)
    build(lake)
    assert fresh(lake)
    moved = Lake.open(lake.root.rename(lake.root.with_name("moved")))
    assert not fresh(moved)
    build(moved)
    assert ask(moved, "SELECT count(*) FROM events") == [(6,)]


def test_an_empty_lake_has_no_events_and_its_first_source_makes_the_catalog_stale(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    build(lake)
    assert ask(lake, "SELECT count(*), count(template) FROM events") == [(0, 0)]
    assert ask(lake, "SELECT count(*) FROM templates") == [(0,)]
    assert ask(lake, "FROM segments") == []
    assert ask(lake, "SELECT newest()") == [(None,)]
    add(lake.chain("kafka-a"), 0, 5)
    assert ask(lake, "SELECT count(*) FROM events") == [(5,)]
    assert not fresh(lake)
    build(lake)
    forget(lake, "kafka-a")
    assert not fresh(lake)


def test_deleting_or_spoiling_the_catalog_loses_nothing(lake: Lake) -> None:
    query = "SELECT * FROM events ORDER BY source, source_offset"
    before = ask(lake, query)
    for spoil in (Path.unlink, lambda path: path.write_bytes(b"not a database")):
        spoil(lake.root / CATALOG)
        assert not fresh(lake)
        build(lake)
        assert ask(lake, query) == before
    assert list((lake.root / "staging").iterdir()) == []


def test_a_lake_may_lie_anywhere(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "it's [a] {b} day=1 *")
    add(lake.chain("kafka-a"), 0, 5)
    twin = Lake.create(tmp_path / "it's a {b} day=1 xx")
    add(twin.chain("kafka-a"), 0, 7)
    path = build(lake)
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM events").fetchall() == [(5,)]
        assert "day" not in [name for name, *_ in con.execute("DESCRIBE events").fetchall()]


def test_a_catalog_that_cannot_be_written_is_one_line(lake: Lake) -> None:
    (lake.root / CATALOG).unlink()
    (lake.root / CATALOG).mkdir()
    with pytest.raises(Exception, match=r"catalog.duckdb: cannot write: Is a directory") as error:
        build(lake)
    assert "\n" not in str(error.value)
    assert not fresh(lake)


def test_a_reader_in_another_process_keeps_its_catalog_while_it_is_replaced(lake: Lake) -> None:
    script = "\n".join(
        [
            "import duckdb, sys",
            "con = duckdb.connect(sys.argv[1], read_only=True)",
            "ask = lambda: con.execute('SELECT DISTINCT label FROM events WHERE key = ?', [sys.argv[2]]).fetchall()",
            "print(ask(), flush=True); input(); print(ask(), flush=True)",
        ]
    )
    command = [sys.executable, "-c", script, str(lake.root / CATALOG), SESSION]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "[('auth.session',)]\n"
        lake.publish(kinds(SESSION, label="app.info"))
        build(lake)
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "[('auth.session',)]\n"
    assert ask(lake, "SELECT DISTINCT label FROM events WHERE key = ?", SESSION) == [("app.info",)]


def test_the_storage_version_is_the_one_that_duckdb_1_1_reads(kept: Lake) -> None:
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{kept.root / CATALOG}' AS lake (READ_ONLY)")
        (tags,) = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'lake'").fetchall()[0]
    assert tags["storage_version"].startswith("v1.0.0")


def test_builders_at_once_leave_one_whole_catalog(lake: Lake) -> None:
    script = (
        "import sys; from pathlib import Path; from connectors.lake import Lake; from connectors.catalog import build"
    )
    script += "; lake = Lake.open(Path(sys.argv[1])); [build(lake) for _ in range(3)]"
    command = [sys.executable, "-c", script, str(lake.root)]
    running = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()}) for _ in range(2)]  # noqa: PTH109
    assert [process.wait() for process in running] == [0, 0]
    assert fresh(lake)
    assert list((lake.root / "staging").iterdir()) == []
