"""`dioptre config`, `models`, `train`, `doctor`, `version`: what they show and how they end."""

import json
import shutil
from pathlib import Path

import pytest
from cli_kit import dioptre

from classifiers.card import MODELS
from schemas.version import VERSION

CANARY = "k4n4ry-zq9"


def test_version_is_that_of_the_package() -> None:
    assert dioptre("version").out == dioptre("--version").out == f"dioptre {VERSION}\n"
    assert dioptre("version", "--json").json == {"schema_version": 1, "version": VERSION}


def test_config_show_tells_where_each_value_comes_from_and_no_secret(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("dioptre.toml").write_text(f'[lake]\npath = "lake"\n[privacy]\npatterns = ["{CANARY}"]\n')
    monkeypatch.setenv("DIOPTRE_LABEL_FLOOR", "0.5")
    told = {row["key"]: row for row in dioptre("config", "show", "--json").json["settings"]}
    assert told["lake.path"]["origin"] == "dioptre.toml"
    assert (told["label.floor"]["value"], told["label.floor"]["origin"]) == (0.5, "DIOPTRE_LABEL_FLOOR")
    assert told["sql.threads"]["origin"] == "default"
    for argv in (["show"], ["show", "--json"], ["show", "-v"], ["validate", "dioptre.toml"]):
        ran = dioptre("config", *argv)
        assert ran.code == 0
        assert CANARY not in ran.out + ran.err


def test_a_broken_config_with_a_secret_is_told_without_it(own: Path) -> None:
    Path("dioptre.toml").write_text(f'[privacy]\npatterns = ["({CANARY}"]\n[kafkas]\npassword = "{CANARY}"\n')
    for argv in (["config", "show"], ["config", "validate", "dioptre.toml", "-v"], ["lake", "status", "--json"]):
        ran = dioptre(*argv)
        assert ran.code == 2
        assert "2 to mend" in ran.err
        assert CANARY not in ran.out + ran.err


def test_config_init_writes_what_validates_commented_out_or_not(own: Path) -> None:
    text = dioptre("config", "init").out
    Path("new.toml").write_text(text)
    assert dioptre("config", "validate", "new.toml").code == 0
    live = "\n".join(line[2:] if line.startswith("# ") and " = " in line else line for line in text.splitlines()[1:])
    Path("new.toml").write_text("\n".join(line for line in live.splitlines() if not line.startswith("#")))
    assert dioptre("config", "validate", "new.toml").err == ""


def test_config_init_never_overwrites(own: Path) -> None:
    before = Path("dioptre.toml").read_text()
    ran = dioptre("config", "init", "dioptre.toml")
    assert (ran.code, Path("dioptre.toml").read_text()) == (2, before)
    assert "exists already" in ran.err
    assert dioptre("config", "init", "fresh.toml").code == 0
    assert Path("fresh.toml").exists()


def test_the_schema_is_json_that_names_every_section() -> None:
    told = json.loads(dioptre("config", "schema").out)
    inputs, labels = {"source", "kafka", "stream", "backfill"}, {"label", "remote", "precision", "privacy"}
    assert set(told["properties"]) == inputs | labels | {"lake", "sql", "ledger"}
    assert told["additionalProperties"] is False


def test_the_models_of_the_package_are_whole() -> None:
    assert dioptre("models", "verify").code == 0
    rows = {row["name"]: row for row in dioptre("models", "list", "--json").json["models"]}
    assert (rows["tiny"]["labels"], rows["tiny"]["fault"]) == (55, None)
    assert rows["encoder"]["fault"] is None
    assert "tiny" in dioptre("models", "list").out


def test_a_model_whose_file_was_changed_is_found(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "tiny", tmp_path / "tiny")
    with (tmp_path / "tiny" / "model.onnx").open("ab") as file:
        file.write(b"x")
    ran = dioptre("models", "verify", "--dir", str(tmp_path))
    assert ran.code == 1
    assert "sha256" in ran.out
    assert dioptre("models", "verify", "--dir", str(tmp_path), "--json").json["ok"] is False


def test_a_folder_without_models_is_told(tmp_path: Path) -> None:
    assert "no model in it" in dioptre("models", "list", "--dir", str(tmp_path)).err


def test_the_doctor_finds_all_well_here(here: Path) -> None:
    told = dioptre("doctor", "--json").json
    assert [c for c in told["checks"] if c["fault"] and c["name"] != "free disk"] == []
    assert {"python", "duckdb", "cores", "inline model", "lake", "taxonomy"} <= {c["name"] for c in told["checks"]}


def test_the_doctor_names_what_is_wrong_with_a_lake(own: Path) -> None:
    settings = Path("lake/lake.json")
    settings.write_text(settings.read_text().replace('"taxonomy_hash": "', '"taxonomy_hash": "0'))
    ran = dioptre("doctor")
    assert ran.code == 1
    assert "taxonomy: made with other labels" in ran.out
    settings.write_text("{")
    assert "damaged" in dioptre("doctor").out


def test_the_doctor_names_a_model_that_is_not_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIOPTRE_LABEL_MODEL", "none")
    ran = dioptre("doctor", "--json")
    assert ran.code == 1
    assert "No such file" in next(c for c in ran.json["checks"] if c["name"] == "models")["fault"]


def test_training_without_its_extra_names_the_extra(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    ran = dioptre("train", "tiny", "--corpus", "corpus", "--out", "out")
    assert ran.code == 2
    assert (
        ran.err
        == "error: training needs onnx, which is not installed\nhint: `pip install 'dioptre[train]'` brings it\n"
    )


def test_training_on_what_is_no_corpus_is_told(here: Path) -> None:
    for what in ("tiny", "large", "small", "exits", "search", "curve"):
        ran = dioptre("train", what, "--corpus", "none")
        assert (ran.code, ran.err.splitlines()[0]) == (2, "error: none: no such folder")
    assert dioptre("train", "tiny", "--corpus", "logs", "--out", "out").code == 2
