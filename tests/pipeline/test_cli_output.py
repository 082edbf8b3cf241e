"""What is printed: nothing harmful, tables for people and for pipes, JSON for programs."""

import io
import json
import re
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cli_kit import EVIL, _Stream, harmless
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cli.options import OPTIONS
from pipeline.cli.output import (
    Column,
    bars_shown,
    cell,
    clean,
    emit_json,
    human_bytes,
    logger,
    out,
    plural,
    progress,
    table,
    to_json,
)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    OPTIONS.reset([])


@given(st.text())
def test_no_text_survives_cleaning_with_a_control_character(text: str) -> None:
    assert harmless(clean(text))
    assert "\n" not in clean(text)


@given(st.text())
def test_cleaning_shows_what_was_there_and_leaves_the_rest(text: str) -> None:
    plain = "".join(c for c in text if clean(c) == c)
    assert clean(plain) == plain


def test_what_is_hidden_becomes_a_visible_escape() -> None:
    assert clean("a\x1b[2J\x9b\u202e\x7f\tb\r\n\ud800") == "a\\x1b[2J\\x9b\\u202e\\x7f\tb\\r\\n\\ud800"


@given(st.recursive(st.text() | st.integers() | st.none(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_json_holds_no_control_character_and_reads_back_the_same(value: object) -> None:
    written = to_json(value)
    assert harmless(written)
    assert json.loads(written) == value


def test_json_knows_times_and_bytes() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1)))
    assert json.loads(to_json({"at": at, "raw": b"a\xff"})) == {"at": "2026-01-02T02:04:05Z", "raw": "a\\xff"}


def test_a_document_says_its_schema_version_first(capsys: pytest.CaptureFixture[str]) -> None:
    emit_json({"a": 1})
    assert capsys.readouterr().out == '{"schema_version": 1, "a": 1}\n'


def printed(
    columns: list[Column | str], rows: list[list[object]], *, terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> str:
    stream = _Stream(terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm-256color")
    table(columns, rows)
    return stream.text()


def test_a_piped_table_is_whole_and_aligned(monkeypatch: pytest.MonkeyPatch) -> None:
    told = printed(["n", "text"], [[1, "x" * 200], [1234, "y"]], terminal=False, monkeypatch=monkeypatch)
    assert told.splitlines() == ["n      text", f"1      {'x' * 200}", "1,234  y"]


def test_a_table_on_a_terminal_keeps_within_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    told = printed(["n", Column("text", wide=True)], [[1, "x" * 200]], terminal=True, monkeypatch=monkeypatch)
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", told).splitlines())) == 60
    assert "…" in told


@pytest.mark.parametrize("terminal", [True, False])
def test_no_log_text_is_taken_for_markup_or_reaches_the_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    OPTIONS.color = OPTIONS.color.NEVER
    told = printed(["text"], [[EVIL[:40]], ["[bold red]x[/] :smile:"]], terminal=terminal, monkeypatch=monkeypatch)
    assert harmless(told)
    assert "[bold red]x[/] :smile:" in told
    assert "\\x1b[2J" in told


def test_values_are_written_for_people() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    values = [None, True, 1234567, 0.51234, 12345.6, at, "a\tb"]
    assert [cell(v) for v in values] == ["", "yes", "1,234,567", "0.512", "12,346", "2026-01-02 03:04:05", "a    b"]
    assert [human_bytes(n) for n in (0, 999, 1234, 123_456_789)] == ["0 B", "999 B", "1.2 kB", "123 MB"]
    assert [plural(1, "kind"), plural(1204, "kind"), plural(2, "entry", "entries")] == [
        "1 kind",
        "1,204 kinds",
        "2 entries",
    ]


def test_no_bar_is_drawn_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert not bars_shown()
    with progress("x") as bar:
        bar.update(bar.add_task("x", total=2), advance=1)
    assert stream.getvalue() == ""


def test_quiet_draws_no_bar_on_a_terminal_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", _Stream(True))
    assert bars_shown()
    OPTIONS.quiet = True
    assert not bars_shown()


def test_logs_are_json_where_no_terminal_is_and_cannot_inject(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = _Stream(False)
    monkeypatch.setattr(sys, "stderr", stream)
    logger.cache_clear()
    logger().info("read", file=f"a{EVIL}")
    logger.cache_clear()
    told = json.loads(stream.text())
    assert (told["event"], told["level"]) == ("read", "info")
    assert harmless(stream.text())


def test_printed_lines_are_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    out(EVIL)
    assert harmless(capsys.readouterr().out)
