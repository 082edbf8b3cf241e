"""`dioptre explain`: why a line has its label, and what would have to change."""

from pathlib import Path

import pyarrow as pa
import pytest
from cli_kit import EVIL, dioptre, harmless
from learn_kit import learner, meet, new_lake

from connectors.lake import Lake
from pipeline.curate import set_label

LINE = "Nov  1 00:00:07 web0 sshd[1]: Failed password for invalid user u1 from 203.0.113.9 port 40000 ssh2"
pytestmark = pytest.mark.usefixtures("here")


def test_a_line_is_explained_offline() -> None:
    told = dioptre("explain", LINE, "--json").json
    assert told["status"] == "ok"
    assert (told["parsed"]["host"], told["parsed"]["app"]) == ("web0", "sshd")
    assert told["kind"]["template"] == "Failed password for invalid user <*> from <*> port <*> <*>"
    assert told["params"] == ["u1", "203.0.113.9", "40000", "ssh2"]
    assert (told["label"], told["decided_by"]) == ("auth.login_failure", "tiny")
    assert told["tiny"]["confidence"] >= told["floor"]
    assert len(told["scores"]) == 5
    assert told["scores"][0]["label"] == "auth.login_failure"
    assert all(score["definition"] for score in told["scores"])
    assert told["nearest"][0]["program"] == "sshd"
    assert told["nearest"] == sorted(told["nearest"], key=lambda near: -near["cosine"])
    assert told["known"] is told["rule"] is None


def test_the_page_tells_the_same() -> None:
    page = dioptre("explain", LINE).out
    for word in ("auth.login_failure", "u1  203.0.113.9", "reaches the floor", "does not know this kind", "cosine"):
        assert word in page


def test_what_the_lake_remembers_is_told_with_where_it_was_first_seen() -> None:
    told = dioptre("explain", LINE, "--lake", "lake", "--json").json
    assert told["known"]["source"].startswith("file-")
    by_id = dioptre("explain", told["template_id"], "--json").json
    assert by_id["kind"] == told["kind"]
    assert by_id["parsed"] is None
    assert "first seen 2" in dioptre("explain", told["template_id"], "--lake", "lake").out


def test_a_rule_is_named_with_its_place(tmp_path: Path) -> None:
    rules = tmp_path / "r.yaml"
    rules.write_text(
        "- match: nothing like it\n  label: auth.session\n"
        "- name: brute force\n  app: ^sshd$\n  match: 'invalid (user)'\n  label: security.intrusion\n"
    )
    told = dioptre("explain", LINE, "--rules", str(rules), "--json").json
    assert (told["label"], told["decided_by"], told["confidence"]) == ("security.intrusion", "rule", 1.0)
    assert (told["rule"]["name"], told["rule"]["line"], told["rule"]["file"]) == ("brute force", 3, str(rules))
    assert f"{rules}:3" in dioptre("explain", LINE, "--rules", str(rules)).out
    assert "none of 2 matches" in dioptre("explain", "good morning", "--rules", str(rules)).out


def test_a_person_overrules_the_rules(own: Path, tmp_path: Path) -> None:
    lake = Lake.open(own / "lake")
    rows = [r | {"label": "auth.session", "stage": "person"} for r in lake.kinds().to_pylist() if r["app"] == "sshd"]
    lake.publish(pa.Table.from_pylist(rows, lake.kinds().schema))
    (tmp_path / "r.yaml").write_text("- match: Failed\n  label: security.intrusion\n")
    told = dioptre("explain", LINE, "--lake", "lake", "--rules", str(tmp_path / "r.yaml"), "--json").json
    assert (told["label"], told["decided_by"]) == ("auth.session", "person")


def test_the_explanation_agrees_with_the_label() -> None:
    for line in (LINE, "kernel: EXT4-fs error (device sda1): bad block 7", "7 8 9", "qwxz plomp", "a=1 b=2 c=3"):
        [told, row] = dioptre("explain", line, "--json").json, dioptre("label", stdin=line.encode()).json
        assert (told["label"], told["decided_by"]) == (row["label"], row["stage"])
        assert told["confidence"] == pytest.approx(row["confidence"], abs=1e-6)
        assert told["kind"]["key"] == row["key"]


def test_a_line_without_event_or_without_words_is_explained_too() -> None:
    assert dioptre("explain", "  ").out == "no event: empty (nothing but blanks)\n"
    assert dioptre("explain", "", "--json").json["reason"] == "empty"
    assert "not asked" in dioptre("explain", "12 34").out


def test_hostile_lines_are_harmless() -> None:
    assert harmless(dioptre("explain", f"Nov 20 11:14:15 h evil: {EVIL}").out)


def test_an_unknown_template_is_told_in_one_line() -> None:
    ran = dioptre("explain", "0123456789abcdef", "--lake", "lake")
    assert ran.code == 2
    assert "knows no such template" in ran.err
    assert dioptre("explain", "0123456789abcdef", "--lake", "nowhere").code == 2


def test_every_stage_is_told_with_what_it_would_need_and_by_which_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    told = dioptre("explain", LINE, "--json").json["cascade"]
    stages = [stage["stage"] for stage in told["stages"]]
    assert (stages[0], stages[-1]) == ("tiny", "large")
    assert told["tier"] == "standard"
    assert sum(stage["answers"] for stage in told["stages"]) <= 1
    for stage in told["stages"]:
        assert stage["cert_id"] is None
        assert 0 <= stage["score"] <= 1
        assert stage["model"].startswith(stage["stage"])
        assert "trained on" in stage["card"]
    assert {one["word"] for one in told["evidence"]} <= set("Failed password for invalid user from port".split())
    page = dioptre("explain", LINE).out
    for word in (
        "uncertified",
        "exit score",
        "needed",
        "evidence  for tiny",
        "never met",
        "cascade   auth.login_failure",
    ):
        assert word in page
    monkeypatch.setenv("DIOPTRE_PRECISION_TIER", "coarse")
    assert "a thrifty tier asks nobody dearer: " in dioptre("explain", "Nov  1 00:00:07 web0 qwxz: plomp").out
    monkeypatch.delenv("DIOPTRE_PRECISION_TIER")
    monkeypatch.setenv("DIOPTRE_LABEL_PROFILE", "edge")
    edge = dioptre("explain", LINE, "--json").json["cascade"]
    assert [stage["stage"] for stage in edge["stages"]] == ["tiny"]
    assert edge["left_out"]["large"] == "the profile is edge"


QUOTA = "Nov  1 00:00:09 h zapd[1]: quota of tenant {} exceeded on shard"


def test_a_new_kind_has_the_label_that_a_person_gave_its_template(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    names = ("alice", "bob", "carol", "dave", "erin", "frank", "gina", "hugo")
    meet(lake, [("zapd", f"quota of tenant {name} exceeded on shard") for name in names])
    learner(lake).once()
    [row] = [row for row in lake.kinds().to_pylist() if "alice" in row["template"]]
    set_label(lake, row["template_id"], "app.error", by="ann", reason="")
    for name in ("zelda", "42", "alice"):  # of 42 the key is the template's id
        line = QUOTA.format(name)
        told = dioptre("explain", line, "--lake", str(lake.root), "--json").json
        said = dioptre("label", "--lake", str(lake.root), stdin=line.encode()).json
        assert said["label"] == "app.error"
        for mine, of_label in {"decided_by": "stage", "template": "template", "template_id": "template_id"}.items():
            assert told[mine] == said[of_label]
        assert (told["label"], told["confidence"], told["person"]) == ("app.error", said["confidence"], "app.error")
        assert (told["known"] is None) == (name != "alice")
    page = dioptre("explain", QUOTA.format("zelda"), "--lake", str(lake.root)).out
    for words in ("app.error  1.00  by cluster", "app.error, of another kind of its template", "its template has"):
        assert words in page
