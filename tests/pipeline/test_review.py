"""`dioptre review`: which kinds come first, what their labels are kept with, and a sitting at a real terminal."""

import csv
import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_kit import dioptre, harmless

from connectors.lake import Lake
from pipeline.certify_draw import drawn
from pipeline.cli.keys import completed
from pipeline.review import AUDIT, CERT, EVERY, QUEUE, RATE, Item, _chance, _mixed, queue
from schemas.registry import Kind
from schemas.taxonomy import taxonomy


def waiting(*argv: str) -> list[dict[str, Any]]:
    kinds: list[dict[str, Any]] = dioptre("review", "--lake", "lake", "--json", *argv).json["kinds"]
    return kinds


def said(label_of: str) -> dict[str, Any]:
    rows = Lake.open(Path("lake")).kinds().to_pylist()
    return next(row for row in rows if row["template_id"] == label_of)


def item(number: int, why: str) -> Item:
    return Item(f"{number:016x}", Kind("k", "a", "t"), why, None, 1, 0.5, {})


def test_doubt_times_volume_comes_first_and_each_fifth_is_drawn_at_random(here: Path) -> None:
    kinds = waiting("--limit", "0")
    assert kinds
    worth = [one["doubt"] * max(1, one["events"]) for one in kinds if one["why"] == QUEUE]
    assert worth == sorted(worth, reverse=True)
    assert all(one["inclusion"] == (RATE if one["why"] == AUDIT else None) for one in kinds)
    assert all(1 <= len(one["proposals"]) <= 3 for one in kinds)
    mixed = _mixed([item(i, QUEUE) for i in range(40)], [item(i, AUDIT) for i in range(4)])
    assert [i for i, one in enumerate(mixed) if one.why == AUDIT] == [EVERY * n - 1 for n in range(1, 5)]


def test_the_audits_are_a_tenth_of_all_kinds_whatever_they_say() -> None:
    assert sum(_chance(f"{i:016x}") < RATE for i in range(20_000)) / 20_000 == pytest.approx(RATE, abs=0.01)


def test_a_file_comes_back_with_labels_that_are_a_persons_and_tell_why_they_were_asked(own: Path) -> None:
    assert dioptre("review", "--lake", "lake", "--export", "todo.csv").code == 0
    with Path("todo.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert harmless(Path("todo.csv").read_text())
    rows[0]["label"] = "auth.login_failure"
    with Path("todo.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    assert dioptre("review", "--lake", "lake", "--import", "todo.csv", "--by", "ann").code == 0
    row = said(rows[0]["template_id"])
    assert (row["label"], row["stage"], row["set_by"]) == ("auth.login_failure", "person", "ann")
    assert row["reason"] == "review: queue" or row["reason"] == f"review: audit, inclusion {RATE:g}"
    assert rows[0]["template_id"] not in {one["template_id"] for one in waiting()}


def test_a_file_with_a_label_that_is_none_changes_nothing(own: Path) -> None:
    dioptre("review", "--lake", "lake", "--export", "todo.yaml")
    document = yaml.safe_load(Path("todo.yaml").read_text())
    document["review"][0]["label"] = "auth.login_failur"
    document["review"][1]["label"] = "auth.session"
    Path("todo.yaml").write_text(yaml.safe_dump(document))
    ran = dioptre("review", "--lake", "lake", "--import", "todo.yaml", "--by", "ann")
    assert ran.code == 2
    assert "did you mean 'auth.login_failure'?" in ran.err
    assert dioptre("labels", "list", "--lake", "lake", "--json").json["labels"] == []


def test_kinds_of_a_cert_set_are_never_in_the_queue_and_their_labels_are_marked(own: Path) -> None:
    assert "certify" in dioptre("review", "--lake", "lake", "--cert", "--json").err
    dioptre("certify", "--lake", "lake", "--draw", "2")
    lake = Lake.open(Path("lake"))
    kinds = waiting("--cert")
    assert [one["why"] for one in kinds] == [CERT, CERT]
    assert not {one["template_id"] for one in kinds} & {one.template_id for one in queue(lake, {})}
    assert [p["label"] for p in kinds[0]["proposals"]] == sorted(p["label"] for p in kinds[0]["proposals"])
    dioptre("review", "--lake", "lake", "--cert", "--export", "c.yaml")
    document = yaml.safe_load(Path("c.yaml").read_text())
    document["review"][0]["label"] = "web.access"
    Path("c.yaml").write_text(yaml.safe_dump(document))
    assert dioptre("review", "--lake", "lake", "--import", "c.yaml", "--by", "ann").code == 2, "not in the queue"
    assert dioptre("review", "--lake", "lake", "--cert", "--import", "c.yaml", "--by", "ann").code == 0
    assert said(document["review"][0]["template_id"])["reason"] == "review: cert"
    from pipeline.certify_draw import cert_sets

    lake = Lake.open(Path("lake"))
    assert [one.label for one in drawn(lake, cert_sets(lake)[-1])] == ["web.access", None]
    told = dioptre("review", "--lake", "lake", "--cert", "--json").json["progress"]
    assert (told["labelled"], told["drawn"]) == (1, 2)
    assert told["needed"] > 0


def test_what_is_typed_of_a_label_is_completed() -> None:
    leaves = list(taxonomy().leaves)
    assert completed("auth.login_f", leaves) == ["auth.login_failure"]
    assert "auth.login_failure" in completed("login", leaves)
    assert completed("nothing", leaves) == []


class _Terminal:
    """The real command at a real terminal."""

    def __init__(self, folder: Path, *argv: str) -> None:
        self._main, side = pty.openpty()
        env = {**os.environ, "TERM": "dumb", "HOME": str(folder), "COLUMNS": "160"}
        command = [sys.executable, "-c", "from pipeline.cli import main; main()", *argv]
        self.process = subprocess.Popen(
            command, stdin=side, stdout=side, stderr=side, cwd=folder, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(side)

    def until(self, end: str) -> str:
        """Read until it says something."""
        heard, deadline = b"", time.monotonic() + 120
        while end.encode() not in heard:
            if time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"{end!r} never came after {heard!r}")
            if select.select([self._main], [], [], 0.2)[0]:
                heard += os.read(self._main, 4096)
        return heard.decode()

    def type(self, text: str) -> None:
        os.write(self._main, text.encode())

    def end(self) -> int:
        code = self.process.wait(60)
        os.close(self._main)
        return code


def test_a_sitting_at_a_terminal_labels_undoes_skips_and_tells_how_long_a_label_takes(own: Path) -> None:
    first, second = (one["template_id"] for one in waiting()[:2])
    terminal = _Terminal(own, "review", "--lake", "lake", "--by", "ann")
    shown = terminal.until("q quit")
    assert harmless(shown.replace("\r", ""))
    assert "[1]" in shown
    terminal.type("1")
    assert "2 of" in terminal.until("q quit")
    terminal.type("u")
    assert "taken back" in terminal.until("q quit")
    terminal.type("/")
    terminal.until("label: ")
    terminal.type("login_failure\n")
    assert "-> auth.login_failure" in terminal.until("q quit")
    terminal.type("s")
    terminal.until("q quit")
    terminal.type("q")
    told = terminal.until("drawn at random")
    assert "1 label, 1 skipped" in told
    assert "s a label" in told
    assert "needs at least" in told
    assert terminal.end() == 0
    row = said(first)
    assert (row["label"], row["stage"], row["set_by"]) == ("auth.login_failure", "person", "ann")
    assert said(second)["stage"] != "person"
    history = dioptre("labels", "history", "--lake", "lake", "--json").json["history"]
    assert [entry["set_by"] for entry in history if entry["key"] == row["key"]] == ["ann", "undo", "ann"]
