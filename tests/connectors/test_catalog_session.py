"""A session reads one lake and nothing else, writes nothing, and sees each kind as it is today."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.catalog import CATALOG, CatalogError, Session, build
from connectors.lake import Lake
from tests.connectors.lake_rows import NOON, add, kinds

KEY = "0123456789abcdef"
LABEL = "SELECT DISTINCT label FROM events"


def make(root: Path) -> Lake:
    lake = Lake.create(root)
    add(lake.chain("kafka-a"), 0, 10)
    lake.publish(kinds(KEY, template_id=KEY))
    return lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make(tmp_path / "lake")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake for tests that only ask."""
    return make(tmp_path_factory.mktemp("kept") / "lake")


@pytest.fixture(scope="module")
def session(kept: Lake) -> Iterator[Session]:
    with Session(kept, threads=1) as session:
        yield session


def test_a_session_gives_arrow_tables_with_stamps_in_utc(session: Session) -> None:
    table = session.run("SELECT ts, label, count(*) AS n FROM events GROUP BY ALL")
    assert table.to_pylist() == [{"ts": NOON, "label": "auth.failure", "n": 10}]
    assert table.schema.field("ts").type == pa.timestamp("us", tz="UTC")


def test_sums_are_whole_numbers_unless_they_are_too_large(session: Session) -> None:
    table = session.run(
        "SELECT sum(source_offset) AS small, sum(9000000000000000000 + source_offset) AS large FROM events"
    )
    assert [str(kind) for kind in table.schema.types] == ["int64", "decimal128(38, 0)"]
    assert table["small"].to_pylist() == [45]


def test_of_several_statements_run_gives_the_last_and_results_gives_each(session: Session) -> None:
    sql = "-- both\nSET VARIABLE a = 7; SELECT 1 AS x; SELECT getvariable('a') AS y; -- end"
    assert session.run(sql).to_pylist() == [{"y": 7}]
    assert [table.to_pylist() for table in session.results(sql)] == [[], [{"x": 1}], [{"y": 7}]]
    assert session.run("SELECT getvariable('a') AS a").to_pylist() == [{"a": 7}]
    assert session.run("SELECT 1 AS x; SET VARIABLE a = 8").num_columns == 0
    assert session.run(" -- nothing").num_columns == 0


@pytest.mark.parametrize(
    "sql",
    ["SHOW TABLES", "DESCRIBE events", "SUMMARIZE labels", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE FROM events", "VALUES (1)",
     "FROM events LIMIT 1", "PIVOT labels ON actionable USING count(*) GROUP BY domain", "/* a */ TABLE labels"],
)  # fmt: skip
def test_every_way_of_asking_is_open(session: Session, sql: str) -> None:
    assert session.run(sql).num_rows > 0


def test_values_are_parameters_and_never_become_sql(session: Session) -> None:
    hostile = "web01' OR true --"
    assert session.run("SELECT count(*) AS n FROM events WHERE host = ?", [hostile])["n"].to_pylist() == [0]
    assert session.run("SELECT $h AS h", {"h": hostile})["h"].to_pylist() == [hostile]
    assert session.run("SELECT count(*) AS n FROM events WHERE host = ?", ("web01",))["n"].to_pylist() == [10]
    with pytest.raises(CatalogError, match="parameters are for one statement, this is 2"):
        session.run("SELECT ?; SELECT ?", ["a"])


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("COPY events TO '{lake}/events/x.csv'", "COPY: not run, a session only reads; `dioptre sql --format parquet`"),
        ("COPY (SELECT 1) TO '{tmp}/x'", "`dioptre export` write files"),
        ("EXPLAIN ANALYZE COPY events TO '{lake}/events/x.csv'", "COPY: not run"),
        ("COPY (PIVOT labels ON actionable USING count(*)) TO '{lake}/events/x.parquet'", "MULTI: not run"),
        ("EXPLAIN ANALYZE COPY (PIVOT labels ON actionable USING count(*)) TO '{lake}/events/x.csv'", ": not run"),
        ("CREATE TABLE memory.main.z AS PIVOT labels ON actionable USING count(*)", "MULTI: not run"),
        ("explain (analyze, format json) copy events to '{lake}/events/x.csv'", "COPY: not run"),
        ("/* x */ EXPLAIN -- y\n ANALYZE COPY events TO '{lake}/events/x.csv'", "COPY|EXPLAIN|Parser"),
        ("EXPORT DATABASE '{tmp}/x'", "EXPORT: not run"),
        ("IMPORT DATABASE '{tmp}/x'", "PRAGMA: not run"),
        ("COPY FROM DATABASE lake TO memory", "not run, a session only reads"),
        ("ATTACH '{tmp}/x.duckdb'", "ATTACH: not run, a session only reads; it holds one lake"),
        ("DETACH lake", "DETACH: not run"),
        ("INSTALL httpfs", "LOAD: not run"),
        ("LOAD httpfs", "LOAD: not run"),
        ("SET enable_external_access = true", "SET: not run, .*; `SET VARIABLE name = value` works"),
        ("SET threads = 9", "SET: not run"),
        ("RESET lock_configuration", "SET: not run"),
        ("USE memory", "SET: not run"),
        ("PRAGMA database_list", "PRAGMA: not run, .*`DESCRIBE events`"),
        ("CALL enable_logging()", "CALL: not run"),
        ("CREATE TABLE x AS SELECT 1", "CREATE: not run, .*; `WITH name AS"),
        ("CREATE OR REPLACE TEMP MACRO newest() AS 1", "CREATE: not run"),
        ("INSERT INTO labels SELECT * FROM labels", "INSERT: not run"),
        ("WITH x AS (INSERT INTO labels FROM labels RETURNING *) FROM x", "read-only|needs a SELECT"),
        ("DELETE FROM kinds", "DELETE: not run"),
        ("UPDATE kinds SET label = 'x'", "UPDATE: not run"),
        ("DROP VIEW events", "DROP: not run"),
        ("PREPARE p AS SELECT 1", "PREPARE: not run"),
        ("BEGIN", "TRANSACTION: not run"),
        ("SELECT 1; COPY events TO '{lake}/events/x.csv'", "COPY: not run"),
        ("FROM enable_logging(storage = 'file', storage_path = '{lake}/events/log')", "configuration has been locked"),
    ],
)
def test_what_would_write_or_change_the_session_is_refused(session: Session, kept: Lake, sql: str, told: str) -> None:
    before = sorted(kept.root.rglob("*"))
    with pytest.raises(CatalogError, match=told) as error:
        session.run(sql.format(lake=kept.root, tmp=kept.root.parent))
    assert "\n" not in str(error.value)
    assert sorted(kept.root.rglob("*")) == before
    assert sorted(path.name for path in kept.root.parent.iterdir()) == ["lake"]
    assert session.run("SELECT count(*) AS n FROM events")["n"].to_pylist() == [10]


@pytest.mark.parametrize(
    "sql",
    ["FROM read_text('{canary}')", "FROM '{canary}'", "FROM read_text('{lake}/events/../../canary.csv')",
     "FROM read_csv('{canary}')", "FROM read_blob('/proc/self/environ')", "FROM read_text('/etc/passwd')",
     "FROM read_text('{lake}/lake.json')", "FROM glob('{lake}/../*')", "FROM read_csv('/dev/stdin')",
     "FROM sqlite_scan('{canary}', 'x')", "FROM 'https://example.org/x.csv'", "FROM query('FROM ''{canary}''')",
     "SELECT getenv('CANARY')", "FROM canary", "FROM sql", "FROM duckdb_secrets()"],
)  # fmt: skip
def test_nothing_outside_the_lake_is_read(
    session: Session, kept: Lake, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept.root.parent / "canary.csv"
    path.write_text("secret\nsecret")
    canary = pa.table({"secret": ["secret"]})
    monkeypatch.setenv("CANARY", "secret")
    with pytest.raises(CatalogError) as error:
        session.run(sql.format(canary=path, lake=kept.root))
    assert "secret" not in str(error.value).replace("_secrets", "").replace("stored_secret", "")
    assert "\n" not in str(error.value)
    assert canary.num_rows == 1
    path.unlink()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("SELECT hots FROM events", 'Binder Error: Referenced column "hots" not found.*Candidate bindings: "host"'),
        ("FROM evnts", 'Catalog Error: Table with name evnts does not exist; Did you mean "events"'),
        (
            "SELECT *\nFROM events\nWHERE",
            'Parser Error: syntax error at or near "WHERE" in line 3; `FROM events LIMIT 5`',
        ),
        ("SELECT CAST('x' AS INTEGER)", "Conversion Error: Could not convert string 'x'"),
        ("SELECT 'x", "Parser Error: unterminated"),
        ("SELECT '\ud800'", "surrogates not allowed"),
        ("SELECT ?", "Values were not provided"),
    ],
)
def test_bad_sql_is_one_line_with_a_hint(session: Session, sql: str, told: str) -> None:
    with pytest.raises(CatalogError, match=told) as error:
        session.run(sql)
    assert "\n" not in str(error.value)
    assert session.run("SELECT 1 AS x")["x"].to_pylist() == [1]


def test_a_statement_that_takes_too_long_is_ended(lake: Lake) -> None:
    with (
        Session(lake, timeout_s=0.2) as session,
        pytest.raises(CatalogError, match="maximum execution time; ask for less"),
    ):
        session.run("SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(1000000) AS b")


def test_a_statement_can_be_ended_from_another_thread(lake: Lake) -> None:
    with Session(lake, timeout_s=30) as session:
        timer = threading.Timer(0.2, session.interrupt)
        timer.start()
        with pytest.raises(CatalogError, match="INTERRUPT"):
            session.run("SELECT sum(a.range * b.range) FROM range(10000000) AS a, range(1000000) AS b")
        assert session.run("SELECT 1 AS x")["x"].to_pylist() == [1]


def test_a_statement_that_needs_too_much_memory_is_ended(lake: Lake) -> None:
    with (
        Session(lake, memory="60MB", threads=1) as session,
        pytest.raises(CatalogError, match=r"Out of Memory.*ask for less"),
    ):
        session.run("SELECT list(range) AS x FROM range(30000000)")


def test_a_session_sees_kinds_that_change_under_it(lake: Lake) -> None:
    with Session(lake) as session:
        assert session.run(LABEL)["label"].to_pylist() == ["auth.failure"]
        session.run("SET VARIABLE kept = 5")
        lake.publish(kinds(KEY, label="security.intrusion"))
        assert session.run(LABEL)["label"].to_pylist() == ["security.intrusion"]
        add(lake.chain("kafka-b"), 0, 3)
        assert session.run("SELECT count(*) AS n, getvariable('kept') AS kept FROM events").to_pylist() == [
            {"n": 13, "kept": 5}
        ]


def test_sessions_stay_open_while_others_rebuild_the_catalog(lake: Lake) -> None:
    with Session(lake) as one, Session(Lake.open(lake.root)) as two:
        for round_ in range(5):
            lake.publish(kinds(KEY, label=f"label.{round_}"))
            build(lake)
            assert one.run(LABEL).to_pylist() == two.run(LABEL).to_pylist() == [{"label": f"label.{round_}"}]


def test_the_statements_of_one_call_see_a_change_between_them(lake: Lake) -> None:
    with Session(lake) as session:
        results = session.results(f"{LABEL}; {LABEL}")
        assert next(results)["label"].to_pylist() == ["auth.failure"]
        lake.publish(kinds(KEY, label="app.info"))
        assert next(results)["label"].to_pylist() == ["app.info"]


def test_a_lake_that_cannot_be_written_is_read_all_the_same(lake: Lake) -> None:
    (lake.root / CATALOG).mkdir()
    with Session(lake) as session:
        assert session.run(LABEL)["label"].to_pylist() == ["auth.failure"]
        lake.publish(kinds(KEY, label="app.info"))
        assert session.run(LABEL)["label"].to_pylist() == ["app.info"]
        with pytest.raises(CatalogError):
            session.run("FROM read_text('/etc/passwd')")


def test_a_lake_with_an_odd_name_is_read(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "it's [a] {b} day=1 *")
    add(lake.chain("kafka-a"), 0, 5)
    with Session(lake) as session:
        assert session.run("SELECT count(*) AS n FROM events")["n"].to_pylist() == [5]


def test_what_a_session_spilled_is_gone_when_it_ends(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spill))
    with Session(lake, memory="120MB", threads=1) as session:
        n = session.run(
            "SELECT count(*) AS n FROM (SELECT range, md5(range::VARCHAR) AS m FROM range(3000000) ORDER BY m)"
        )
        assert n["n"].to_pylist() == [3_000_000]
        assert len(list(spill.iterdir())) == 1
    assert list(spill.iterdir()) == []
