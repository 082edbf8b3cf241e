"""`dioptre scan`: what is in there, without storing anything."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import EVIL, dioptre, harmless

from pipeline.cli.summary import Tally
from pipeline.inflow import records_of
from pipeline.job import Job
from pipeline.once import Once

pytestmark = pytest.mark.usefixtures("here")


def in_logs() -> list[bytes]:
    """Read the lines of all logs in the workplace."""
    texts = (path.read_bytes() for path in Path("logs").iterdir())
    return [
        line for text in texts for line in (gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text).splitlines()
    ]


def test_the_totals_add_up() -> None:
    told = dioptre("scan", "logs", "--json", "--limit", "0").json
    assert told["schema_version"] == 1
    assert told["lines"] == len(in_logs())
    assert told["lines"] == told["events"] + sum(told["rejects"].values())
    assert told["events"] == sum(kind["count"] for kind in told["top"]) + told["continuations"] + told["other"]
    assert told["events"] == sum(told["labels"].values())
    assert told["rejects"] == {"empty": in_logs().count(b"")}
    assert told["top"][0]["count"] > 300
    assert told["top"][0]["label"] == "auth.login_failure"


def test_a_file_that_another_begins_with_counts_once(tmp_path: Path) -> None:
    body = b"".join(b"Nov 20 11:14:15 h app[1]: number %d\n" % i for i in range(100))
    (tmp_path / "a.log").write_bytes(body)
    (tmp_path / "a.log.1.gz").write_bytes(gzip.compress(body[:2000]))
    told = dioptre("scan", str(tmp_path), str(tmp_path / "*.log"), "--json").json
    assert told["lines"] == 100
    assert len(told["not_read"]) == 1


def test_nothing_is_stored(tmp_path: Path) -> None:
    before = sorted(str(path) for path in Path().rglob("*"))
    assert dioptre("scan", "logs").code == 0
    assert sorted(str(path) for path in Path().rglob("*")) == before


def test_the_table_shows_the_largest_kinds_and_says_what_it_leaves_out() -> None:
    ran = dioptre("scan", "logs", "--limit", "2")
    head, *rows = ran.out.splitlines()
    assert head.split() == ["count", "share", "label", "conf", "app", "template", "example"]
    assert int(rows[0].split()[0]) > 300
    assert "more templates" in rows[2]
    assert "rejects: empty" in ran.out
    assert rows[-1].startswith(f"{len(in_logs())} lines in ")
    assert harmless(ran.out)


def test_only_the_labels_asked_for_are_shown() -> None:
    told = dioptre("scan", "logs", "--label", "auth.*", "--json").json
    assert {kind["label"].split(".")[0] for kind in told["top"]} == {"auth"}
    assert told["lines"] == len(in_logs())
    assert "auth.login_failure" not in dioptre("scan", "logs", "--label", "storage.*").out


def test_examples_are_masked_and_harmless() -> None:
    told = dioptre("scan", "logs", "--json", "--limit", "0").json
    examples = " ".join(kind["example"] for kind in told["top"])
    assert "203.0.113" not in examples
    assert "<ip>" in examples
    assert EVIL.encode() in Path("logs/auth.log").read_bytes()
    assert harmless(dioptre("scan", "logs", "--color", "never", "--examples", terminal=True).out)


def test_rules_overrule_the_model(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("- match: Failed password\n  label: security.intrusion\n")
    told = dioptre("scan", "logs", "--rules", str(tmp_path / "r.yaml"), "--json").json
    assert (told["top"][0]["label"], told["top"][0]["stage"]) == ("security.intrusion", "rule")


def test_standard_input_is_scanned_and_its_last_line_counts_without_an_end() -> None:
    told = dioptre("scan", "-", "--json", stdin=gzip.compress(b"one fine day\nanother fine day")).json
    assert told["lines"] == 2


def test_kinds_that_say_the_same_are_counted_together(tmp_path: Path) -> None:
    sizes = ["12 MB", "7 kB", "3 GB"]
    lines = [f"Nov 20 11:14:15 h app[1]: cache holds {sizes[i % 3]} now" for i in range(9)]
    (tmp_path / "x.log").write_text("\n".join([*lines, "Nov 20 11:14:15 h app[1]: cache is empty"]))
    told = dioptre("scan", str(tmp_path), "--json").json
    assert (told["kinds"], told["templates"]) == (4, 2)
    assert [(one["count"], one["kinds"], one["template"]) for one in told["top"]] == [
        (9, 3, "cache holds <*> now"), (1, 1, "cache is empty"),
    ]  # fmt: skip


def test_kinds_beyond_the_bound_are_counted_as_other() -> None:
    tally, once = Tally(most=3), Once(Job(None))
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    records = [(f"Nov 20 11:14:15 h app: went {word} today\n".encode(), i, False) for i, word in enumerate(words * 4)]
    for at in range(0, len(records), 7):
        tally.add(once.label(records_of(records[at : at + 7], 1)))
    assert len(tally.kinds) == 3
    assert tally.other == 8
    assert sum(kind.count for kind in tally.kinds.values()) + tally.other == tally.events == 20


def test_a_missing_file_is_told_with_the_nearest_name() -> None:
    ran = dioptre("scan", "logs/auth.lok")
    assert ran.code == 2
    assert "did you mean logs/auth.log" in ran.err


def test_neither_scan_nor_label_import_beam() -> None:
    script = (
        "import sys; from pipeline.cli import run; "
        "assert run(['scan', 'logs', '-q']) == run(['label', 'logs', '-q']) == run(['explain', 'a word']) == 0; "
        "sys.exit('apache_beam' in sys.modules or 'duckdb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0
