"""The twelve questions of deploy/sql run as shipped, on any lake, and answer what happened in a made-up day."""

import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.catalog import CATALOG, Session, build
from connectors.lake import Lake, compact
from tests.connectors.lake_rows import NOON, novel, rows

QUESTIONS = sorted((Path(__file__).parents[2] / "deploy" / "sql").glob("[0-9]*.sql"))
GUESSED, LOGIN, DISK, ACCESS, CHECKPOINT, FAULT, DEPLOYED = (f"{n:016x}" for n in range(1, 8))
_KINDS = {
    GUESSED: ("sshd", "auth.login_failure", "Failed password for root from <*> port <*>", "from 192.0.2.1 port 1"),
    LOGIN: ("sshd", "auth.login_success", "Accepted password for root from <*> port <*>", "from 192.0.2.1 port 1"),
    DISK: ("kernel", "storage.device", "I/O error, dev sda, sector <*>", "I/O error, dev sda, sector 7"),
    ACCESS: ("nginx", "web.access", "GET / <*2xx> <*>", "GET / 200 12"),
    CHECKPOINT: ("postgres", "database.operation", "checkpoint took <*> s", "checkpoint took 1.250 s"),
    FAULT: ("nginx", "web.server_error", "upstream <*> timed out", "upstream 192.0.2.9 timed out"),
    DEPLOYED: ("app", "app.info", "version two says hello <*>", "version two says hello 1"),
}
Day = list[tuple[datetime, str, str, str]]


def happened() -> Day:
    """Give (ts, host, key, params): one access a minute for a day and, in its last hour, an outage."""
    day: Day = [(NOON + timedelta(minutes=i), "web01", ACCESS, "200 12") for i in range(24 * 60)]
    day += [(NOON + timedelta(minutes=10 * i), "db01", CHECKPOINT, f"{i}.5") for i in range(100)]
    outage = NOON + timedelta(hours=23)
    day += [(outage, "db01", DISK, "77")]
    day += [(outage + timedelta(seconds=20 + i), "web01", FAULT, "192.0.2.9") for i in range(60)]
    day += [(NOON + timedelta(hours=i), "web01", FAULT, "192.0.2.9") for i in range(5)]
    day += [(outage + timedelta(seconds=30 + i), "web02", GUESSED, f"192.0.2.66 {i}") for i in range(40)]
    day += [(outage + timedelta(seconds=90), "web02", LOGIN, "192.0.2.66 5"), (outage, "web02", LOGIN, "192.0.2.7 1")]
    day += [(outage + timedelta(minutes=30 + i), "web01", DEPLOYED, str(i)) for i in range(9)]
    return sorted(day)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake.create(tmp_path_factory.mktemp("sql") / "lake")
    day = happened()
    for key, (app, label, template, example) in _KINDS.items():
        first = min(ts for ts, _, k, _ in day if k == key)
        told = {"label": label, "template": template, "example": example, "first_seen": first}
        lake.note_novel(novel(key, app=app, template_id=key, confidence=0.6 if key == ACCESS else 0.99, **told))
    for host in ("web01", "web02", "db01"):
        mine = [event for event in day if event[1] == host]
        chain = lake.chain(f"kafka-{host}")
        for i, (ts, _, key, params) in enumerate(mine):
            mine[i] = (ts, host, key, params)
        batch = _batch(chain.source, mine)
        chain.append(batch, 0, len(mine), {})
    return lake


def _batch(source: str, events: Day) -> Any:
    """One batch of many kinds."""
    late = timedelta(hours=-1) if source.endswith("web02") else timedelta(seconds=1)
    parts = [
        rows(
            source, [i], ts=ts, observed_ts=ts + late, host=host, key=key, template_id=key, params=params,
            app=_KINDS[key][0], label_at_ingest=_KINDS[key][1],
        ).to_pylist()[0]
        for i, (ts, host, key, params) in enumerate(events)
    ]  # fmt: skip
    return type(rows(source, [])).from_pylist(parts, schema=rows(source, []).schema)


@pytest.fixture(scope="module")
def session(lake: Lake) -> Iterator[Session]:
    with Session(lake) as session:
        yield session


def ask(session: Session, number: int) -> list[dict[str, Any]]:
    return session.run(QUESTIONS[number - 1].read_text()).to_pylist()


def test_there_are_twelve_and_each_begins_with_its_question() -> None:
    assert [path.name[:2] for path in QUESTIONS] == [f"{n:02d}" for n in range(1, 13)]
    for path in QUESTIONS:
        assert re.match(r"-- [A-Z][^\n]*\?", path.read_text()), path.name


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_each_runs_on_an_empty_lake_too(path: Path, tmp_path: Path) -> None:
    with Session(Lake.create(tmp_path)) as session:
        session.run(path.read_text())


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_each_runs_in_any_duckdb_that_opens_the_catalog(path: Path, lake: Lake) -> None:
    build(lake)
    with duckdb.connect(str(lake.root / CATALOG), read_only=True) as con:
        con.execute(path.read_text())


@pytest.fixture(scope="module")
def compacted(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The same lake, all in day files, and what they replaced gone."""
    root = tmp_path_factory.mktemp("compacted") / "lake"
    shutil.copytree(lake.root, root)
    again = Lake.open(root)
    compact(again, older_than_s=0, newest_after_s=-1, grace_s=-1)
    assert (len(again.compacted().ranges), again.compacted().sequence) == (3, 1)
    with Session(again) as session:
        yield session


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: path.stem)
def test_each_answers_the_same_on_a_compacted_lake(path: Path, session: Session, compacted: Session) -> None:
    before, after = (one.run(path.read_text()).to_pylist() for one in (session, compacted))
    for row in [*before, *after]:
        row.pop("files", None)  # of the question what is missing: how many files it looked at
    assert sorted(map(repr, after)) == sorted(map(repr, before))


def test_1_what_is_new_since_the_deploy(session: Session) -> None:
    deploy = "SET VARIABLE deploy = TIMESTAMPTZ '2026-11-21 11:10:00+00';"
    sql = re.sub(r"(?m)^SET VARIABLE deploy = .*$", deploy, QUESTIONS[0].read_text())
    told = session.run(sql).to_pylist()
    assert [(row["template_id"], row["n"], row["hosts"]) for row in told] == [(DEPLOYED, 9, 1)]
    assert ask(session, 1)[0]["template_id"] == DEPLOYED


def test_2_what_got_louder(session: Session) -> None:
    assert [(row["template_id"], row["n"], row["ratio"]) for row in ask(session, 2)] == [(FAULT, 60, 60.0)]


def test_3_errors_over_time_shows_quiet_bins(session: Session) -> None:
    told = ask(session, 3)
    assert len(told) == 25
    assert {row["bin"]: row["errors"] for row in told if row["errors"]} == {NOON + timedelta(hours=23): 61}
    assert {row["commonest_label"] for row in told} == {None, "web.server_error"}


def test_4_around_a_host(session: Session) -> None:
    told = ask(session, 4)
    assert (told[0]["label"], told[0]["n"]) == ("web.server_error", 60)
    assert {row["label"] for row in told} == {"web.server_error", "web.access"}


def test_5_password_guessing_tells_who_got_in(session: Session) -> None:
    (told,) = ask(session, 5)
    wanted = {"address": "192.0.2.66", "worst_5_min": 40, "failures": 40, "successes": 1, "got_in": True}
    assert {name: told[name] for name in wanted} == wanted


def test_6_who_fell_silent(session: Session) -> None:
    told = {(row["host"], row["app"]): row["silent_min"] for row in ask(session, 6)}
    assert told == {("db01", "postgres"): 449, ("web02", "sshd"): 57}


def test_7_what_came_first_is_the_disk(session: Session) -> None:
    told = ask(session, 7)
    assert [(row["host"], row["label"], row["n_near"], row["n_in_all"]) for row in told] == [
        ("db01", "storage.device", 1, 1),
        ("web01", "web.server_error", 60, 65),
    ]


def test_8_what_follows_a_label(session: Session) -> None:
    sql = re.sub(r"(?s)SET VARIABLE a = \(.*?\n\);", "SET VARIABLE a = 'web.server_error';", QUESTIONS[7].read_text())
    told = session.run(sql).to_pylist()
    assert [(row["a"], row["followed_by"], row["n_after"]) for row in told] == [("web.server_error", "web.access", 2)]
    assert ask(session, 8) == []


def test_9_a_number_in_a_message(session: Session) -> None:
    told = ask(session, 9)
    assert (told[0]["hour"], told[0]["n"], told[0]["template"]) == (NOON, 6, "checkpoint took <*> s")
    assert 2 <= told[0]["p50"] <= 4 <= told[0]["p95"] <= 5.5
    assert len(told) == 17


def test_10_what_to_label_next_is_the_doubtful_and_common(session: Session) -> None:
    assert [(row["template_id"], row["n"]) for row in ask(session, 10)] == [(ACCESS, 1440)]


def test_11_whose_clock_is_wrong(session: Session) -> None:
    (told,) = ask(session, 11)
    assert (told["host"], told["events"], told["ahead"], told["commonest_skew_min"]) == ("web02", 42, 42, 60)


def test_12_nothing_is_missing_or_doubled_and_a_hole_is_told(session: Session, lake: Lake, tmp_path: Path) -> None:
    told = ask(session, 12)
    assert len(told) == 3
    assert {(row["missing"], row["doubled"], row["rows_lost"]) for row in told} == {(0, 0, 0)}
    holed = Lake.create(tmp_path)
    for start in (0, 5, 10):
        chain = holed.chain("kafka-x")
        chain.append(rows("kafka-x", range(start, start + 5)), start, start + 5, {})
    holed.chain("kafka-x").segments()[1].path.unlink()
    with Session(holed) as other:
        (row,) = ask(other, 12)
    assert (row["files"], row["events"], row["missing"], row["doubled"], row["rows_lost"]) == (2, 10, 5, 0, 0)
