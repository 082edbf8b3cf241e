"""`dioptre report`: a page that loads nothing, shows what logs hold without obeying it, and never breaks."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from cli_kit import dioptre, fill, harmless

from connectors.lake import Lake
from pipeline.report_trust import curves

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \"quoted' &amp; </code></table><svg onload=x> \x1b[2J"


class _Page(HTMLParser):
    """Counts tags, remembers whatever might load or run something, and that tags are closed in order."""

    VOID = frozenset({"meta", "br", "img", "link", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [f"{n}={v}" for n, v in attrs if n.startswith("on") or n in ("src", "srcset", "action")]
        self.loads += [f"{n}={v}" for n, v in attrs if n in ("href", "xlink:href") and not str(v).startswith("#")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(folder: Path, *argv: str) -> _Page:
    ran = dioptre("report", *argv, "--out", str(folder / "r.html"))
    assert ran.code == 0, ran.err
    text = (folder / "r.html").read_text("utf-8")
    found = _Page(text)
    assert found.open == []
    assert found.loads == []
    assert not {"script", "img", "link", "iframe", "object"} & found.tags
    assert "url(" not in text
    assert "@import" not in text
    assert harmless(text)
    assert "nan" not in re.findall(r'(?:x|y|width|height|points)="([^"]*)"', text)
    return found


def test_the_page_of_a_lake_holds_what_an_sre_wants_to_see(here: Path, tmp_path: Path) -> None:
    page = page_of(tmp_path, "lake", "--mark", "2026-11-02T03:00 deploy 1.2")
    for heading in ("Events over time", "Errors by host", "Loudest templates", "What is new", "Who labelled it",
                    "What is promised of the labels", "Drift", "What it took", "Rejects and clocks"):  # fmt: skip
        assert heading in page.text
    assert "deploy 1.2" in page.text
    assert "Failed password" in page.text
    assert "No curve yet" in page.text


def test_what_a_hostile_log_says_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    log = [f"Nov  1 00:00:{i:02d} <b>h</b> <i>app</i>[{i}]: emerg failure disk {HOSTILE}" for i in range(20)]
    log += [f"<3>Nov  1 00:01:{i:02d} h{i}<u> kernel: {HOSTILE} panic word{i}" for i in range(20)]
    (tmp_path / "a.log").write_text("".join(f"{line}\n" for line in log))
    fill(Lake.create(tmp_path / "lake"), str(tmp_path / "a.log"))
    page = page_of(tmp_path, str(tmp_path / "lake"), "--mark", f"2026-11-01 {HOSTILE}")
    assert "<script>alert(1)</script>" in page.text


def test_a_lake_without_events_and_one_with_a_single_event_have_whole_pages(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    assert "holds no events" in page_of(tmp_path, str(lake.root)).text
    (tmp_path / "a.log").write_text("Nov  1 00:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2\n")
    fill(lake, str(tmp_path / "a.log"))
    page = page_of(tmp_path, str(lake.root))
    assert "Events over time" in page.text
    assert "Failed password" in page.text
    assert "holds no events" in page_of(tmp_path, str(lake.root), "--since", "2030-01-01").text


def test_the_same_is_told_as_json(here: Path) -> None:
    told: dict[str, Any] = dioptre("report", "lake", "--json").json
    assert told["span"]["events"] == dioptre("lake", "status", "--json").json["events"]
    assert sum(row["n"] for row in told["pictures"]["domains"]) == told["span"]["events"] - told["span"]["outside"]
    assert sum(row["events"] for row in told["funnel"]["events"]) == told["span"]["events"]
    assert [row["tier"] for row in told["trust"]["needed"]] == ["coarse", "standard", "fine", "strict"]
    assert told["trust"]["certificates"] == []
    assert json.dumps(told)


def test_a_stamp_far_from_all_others_is_told_and_does_not_flatten_the_pictures(tmp_path: Path) -> None:
    log = [f"2026-11-01T00:{i // 60:02d}:{i % 60:02d}Z h sshd[{i}]: Failed password for root" for i in range(600)]
    log.append("2018-01-01T00:00:00Z h sshd[1]: Failed password for root")
    (tmp_path / "a.log").write_text("".join(f"{line}\n" for line in log))
    fill(Lake.create(tmp_path / "lake"), str(tmp_path / "a.log"))
    told = dioptre("report", str(tmp_path / "lake"), "--json").json
    assert told["span"]["outside"] == 1
    assert told["pictures"]["width_s"] < 60
    assert told["pictures"]["first"].startswith("2026-11-01")


WORDS = "accepted rejected queued started stopped mounted renewed expired rotated dropped resumed joined".split()


def certified(folder: Path) -> Path:
    """Make a lake whose kinds were drawn and labelled by people, with a certificate for all and a refusal for one."""
    log = [
        f"Nov  1 00:{i % 60:02d}:00 h{i % 3} {app}[{i}]: {word} the {app} {noun} of user u{i}"
        for app in ("sshd", "cron", "named", "postfix/smtpd")
        for noun in ("session", "zone", "message")
        for i, word in enumerate(WORDS)
    ]
    (folder / "a.log").write_text("".join(f"{line}\n" for line in log))
    lake = Lake.create(folder / "lake")
    fill(lake, str(folder / "a.log"))
    from datetime import UTC, datetime, timedelta

    from connectors.lake.certificates import Certificates
    from pipeline.certify_draw import cert_sets, draw, drawn
    from pipeline.certify_models import frozen_of
    from pipeline.config import load
    from pipeline.review import answer_all, cert_queue

    draw(lake, 60, seed=7)
    items = {item.template_id: item for item in cert_queue(lake, {})}
    was = {row["template_id"]: row["label"] for row in lake.kinds().to_pylist()}
    leaves = ["auth.session", "mail.flow", "network.dns"]
    answers = {id_: was[id_] if was[id_] != "unknown" and i % 5 else leaves[i % 3] for i, id_ in enumerate(items)}
    answer_all(lake, answers, items, by="ann")
    assert all(one.label for one in drawn(lake, cert_sets(lake)[-1]))
    now = datetime.now(UTC)
    row = {"at": now, "promise": "novel", "tier": "coarse", "depth": "domain", "p": 0.9, "domain": "", "delta": 0.05}
    row |= {"reference": "people", "cert_set": cert_sets(lake)[-1], "frozen": sorted(frozen_of(load()).items())}
    proof = {"cert_id": "a" * 16, "event": "issued", "n": 48, "errors": 1, "lower": 0.905, "coverage": 0.8}
    refusal = {"cert_id": "b" * 16, "event": "refused", "tier": "strict", "depth": "leaf", "p": 0.99, "needed": 540}
    journal = Certificates(lake.root)
    journal.note([row | proof | {"valid_until": now + timedelta(days=90), "thresholds": [], "reason": "1 of 48 wrong"}])
    journal.note([row | refusal | {"reason": "too few labels <b>"}])
    return lake.root


def test_certificates_what_they_rest_on_and_the_curve_with_the_certified_point_are_on_the_page(tmp_path: Path) -> None:
    root = certified(tmp_path)
    page = page_of(tmp_path, str(root))
    assert "1 of 48" in page.text
    assert "540 more labels; too few labels <b>" in page.text
    assert "holds 60 kinds drawn at random before any label was seen; people have labelled 60" in page.text
    assert "coarse: 1 of 48 wrong at 80 % coverage" in page.text
    assert "area under the curve" in page.text
    told = dioptre("report", str(root), "--json").json["trust"]
    assert [one["status"] for one in told["certificates"]] == ["valid", "uncertified"]
    assert told["curves"]["leaf"]["n"] == 60
    coarse = told["needed"][0]  # an attempt spends half of .05, for coarse and standard: 42 kinds prove .9 at .0125
    assert (coarse["least"], coarse["more"]) == (84, 24)


def test_the_curve_counts_errors_from_the_surest_on_and_each_depth_by_itself() -> None:
    machine = {f"k{i}": ("auth.session" if i % 4 else "auth.login_failure", 1 - i / 100) for i in range(12)}
    truth = dict.fromkeys(machine, "auth.session")
    found = curves(machine | {"k12": ("unknown", 0.1)}, truth | {"k12": "web.access"})
    assert found is not None
    assert [round(p["risk"], 2) for p in found["leaf"]["points"][:5]] == [1.0, 0.5, 0.33, 0.25, 0.4]
    assert {p["risk"] for p in found["domain"]["points"]} == {0.0}
    assert found["leaf"]["points"][-1]["coverage"] == pytest.approx(12 / 13)
    assert curves(machine, {}) is None
