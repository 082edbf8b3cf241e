"""The frame of the command line: help, exit codes, errors in one line or in JSON, streams, cost of starting."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import dioptre, harmless

HEAVY = ("apache_beam", "onnxruntime", "duckdb", "pyarrow", "numpy", "structlog")


def started(*argv: str, **kwargs: object) -> "subprocess.CompletedProcess[str]":
    """Start the real command."""
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)  # type: ignore[call-overload]


@pytest.mark.parametrize("argv", [["--help"], ["version"], ["lake", "--help"], ["sql", "--help"]])
def test_help_and_version_load_nothing_heavy_and_start_fast(argv: list[str]) -> None:
    script = (
        f"import sys; from pipeline.cli import run; run({argv!r}); print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert told.splitlines()[-1] == "[]"
    assert (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.5
    )  # .15 to .5 when nobody else computes


def test_help_begins_with_what_it_does_and_examples() -> None:
    ran = dioptre("lake", "verify", "--help")
    parts = ran.out.split("\n\n")
    assert ran.code == 0
    assert parts[0].startswith("Prove that each position")
    assert parts[1].startswith("Usage:\n  dioptre lake verify")
    assert parts[2].startswith("Examples:\n  dioptre lake verify")


def test_no_command_shows_the_help_and_is_an_error() -> None:
    ran = dioptre()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Label each kind of log line once")


def test_a_misspelt_command_is_told_with_the_right_one() -> None:
    ran = dioptre("vesion")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "error: no such command 'vesion'\nhint: did you mean version?\n"


def test_a_misspelt_option_is_told_with_the_right_one() -> None:
    ran = dioptre("doctor", "--jsn")
    assert ran.code == 2
    assert "hint: did you mean --json?" in ran.err


def test_common_options_may_stand_before_the_command() -> None:
    assert dioptre("--json", "-q", "version").json["version"]
    assert dioptre("--config", "none.toml", "doctor").err.startswith(
        "error: none.toml: no such file\nhint: `dioptre config init"
    )


def test_with_json_an_error_is_one_document_on_stdout_and_a_line_on_stderr(tmp_path: Path) -> None:
    ran = dioptre("lake", "status", "--lake", str(tmp_path / "none"), "--json")
    assert ran.code == 2
    assert ran.json["schema_version"] == 1
    assert ran.json["error"]["code"] == "lake"
    assert "no such folder" in ran.json["error"]["message"]
    assert ran.json["error"]["hint"].startswith("`dioptre backfill SOURCE")
    assert ran.err.startswith("error: ")


def test_even_a_wrong_command_line_is_answered_in_json() -> None:
    assert dioptre("lake", "--json", "statu").json["error"]["code"] == "usage"


def test_a_bug_is_told_without_a_traceback_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom \x1b[2J")

    monkeypatch.setattr("connectors.lake.Lake.open", broken)
    ran = dioptre("lake", "status")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: RuntimeError: boom \\x1b[2J\nhint: this is a bug of dioptre")
    assert "Traceback" not in ran.err
    assert "Traceback" in dioptre("lake", "status", "-v").err


def test_an_interrupt_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("connectors.lake.Lake.open", pressed)
    ran = dioptre("lake", "status")
    assert (ran.code, ran.out, ran.err) == (130, "", "interrupted\n")


@pytest.mark.parametrize("command", ["config schema", "sql 'SELECT range FROM range(100000)' --format jsonl", "--help"])
def test_a_reader_who_leaves_ends_the_command_quietly(command: str, place: Path) -> None:
    code = "from pipeline.cli import main; main()"
    script = f'"{sys.executable}" -c "{code}" {command} | head -c 1 >/dev/null; echo "${{PIPESTATUS[0]}}"'
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=place)
    assert (ran.stdout, ran.stderr) == ("0\n", "")


def test_output_survives_a_locale_that_cannot_write_it(place: Path) -> None:
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    ran = started("config", "show", "--config", "dioptre.toml", cwd=place, env=env)
    assert ran.returncode == 0


def test_colour_is_for_terminals_and_those_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in dioptre("vesion").err
    assert "\x1b" in dioptre("vesion", terminal=True).err
    assert "\x1b" not in dioptre("doctor", "--color", "never", "--lake", "none", terminal=True).err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in dioptre("vesion", terminal=True).err


def test_what_an_error_quotes_cannot_reach_the_terminal() -> None:
    ran = dioptre("lake", "status", "--lake", "no\x1b[2Jlake\u202e")
    assert harmless(ran.err)
    assert "no\\x1b[2Jlake\\u202e" in ran.err


def test_completion_for_the_shell_can_be_had() -> None:
    ran = started("--show-completion", "bash")
    assert ran.returncode == 0
    assert "_DIOPTRE_COMPLETE" in ran.stdout
    env = {**os.environ, "_DIOPTRE_COMPLETE": "complete_bash", "COMP_WORDS": "dioptre lake ver", "COMP_CWORD": "2"}
    assert started(env=env).stdout.split() == ["verify"]
