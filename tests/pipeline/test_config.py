"""The configuration: where values come from, what is told of wrong ones, what is never told."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.privacy import NAMES
from pipeline.config import MASKED, Config, ConfigError, check, load, schema
from pipeline.config_sources import specs
from pipeline.settings import Settings

CANARY = "k4n4ry-zq9"


def written(folder: Path, text: str) -> Path:
    path = folder / "dioptre.toml"
    path.write_text(text)
    return path


def faults(text: str, folder: Path, env: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(file=written(folder, text), env=env or {})
    return str(caught.value)


def shown(config: Config, key: str) -> tuple[object, str]:
    return next((v.value, v.origin) for v in config.values() if v.key == key)


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = load(env={"HOME": str(tmp_path)})
    assert config.settings == Settings()
    assert config.file is None


def test_the_environment_goes_over_the_file_and_flags_go_over_both(tmp_path: Path) -> None:
    path = written(tmp_path, '[source]\ntz = "Europe/Berlin"\n[backfill]\nworkers = 3\n[sql]\nthreads = 3\n')
    env = {"DIOPTRE_BACKFILL_WORKERS": "4", "DIOPTRE_SQL_THREADS": "4"}
    config = load({"sql.threads": 5}, file=path, env=env)
    assert shown(config, "source.tz") == ("Europe/Berlin", str(path))
    assert shown(config, "backfill.workers") == (4, "DIOPTRE_BACKFILL_WORKERS")
    assert shown(config, "sql.threads") == (5, "command line")
    assert shown(config, "sql.timeout_s") == (300.0, "default")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PRIVACY_MASK", "mail,user", ("mail", "user")),
        ("PRIVACY_MASK", '["token"]', ("token",)),
        ("SOURCE_FIELDS", "message=msg,host=h", {"message": "msg", "host": "h"}),
        ("SOURCE_KEEP_RAW", "true", True),
        ("SOURCE_REFERENCE", "2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("LABEL_FLOOR", "0.5", 0.5),
        ("LAKE_PATH", "/srv/lake", Path("/srv/lake")),
    ],
)
def test_the_environment_is_read_by_the_type_of_the_setting(name: str, text: str, expected: object) -> None:
    config = load(env={f"DIOPTRE_{name}": text, "HOME": "/nonexistent"})
    section, _, key = name.lower().partition("_")
    assert getattr(getattr(config.settings, section), key) == expected


def test_the_file_is_found_where_it_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home" / ".config" / "dioptre"
    home.mkdir(parents=True)
    (home / "dioptre.toml").write_text("")
    env = {"HOME": str(tmp_path / "home")}
    assert load(env=env).file == home / "dioptre.toml"
    written(tmp_path, "")
    assert load(env=env).file == Path("dioptre.toml")
    other = tmp_path / "other.toml"
    other.write_text("")
    assert load(env=env | {"DIOPTRE_CONFIG": str(other)}).file == other
    with pytest.raises(ConfigError, match="no such file"):
        load(env=env, file=tmp_path / "none.toml")


def test_paths_in_a_file_are_relative_to_it(tmp_path: Path) -> None:
    config = load(file=written(tmp_path, '[lake]\npath = "my-lake"\n[label]\nrules = "/etc/rules.yaml"\n'), env={})
    assert config.settings.lake.path == tmp_path / "my-lake"
    assert config.settings.label.rules == Path("/etc/rules.yaml")


def test_everything_there_is_to_mend_is_told_at_once(tmp_path: Path) -> None:
    told = faults('[label]\nfloor = 1.4\n[backfill]\nbatch_row = 5\nworkers = "2"\n', tmp_path)
    assert told.splitlines() == [
        f"{tmp_path / 'dioptre.toml'}: 3 to mend",
        "  backfill.batch_row: no such key; did you mean batch_rows?",
        "  label.floor = 1.4: not in [0, 1]",
        '  backfill.workers = "2": a whole number would be right',
    ]


def test_one_fault_takes_one_line(tmp_path: Path) -> None:
    assert (
        faults("[sql]\nthreads = -1\n", tmp_path) == f"{tmp_path / 'dioptre.toml'}: sql.threads = -1: not in [0, 1024]"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[source]\ntz = "Europe/Berln"', "did you mean Europe/Berlin?"),
        ('[source]\nformat = "rfc316"', "did you mean rfc3164?"),
        ('[source]\nreference = "soon"', "ISO 8601"),
        ('[privacy]\nmask = ["adress"]', "did you mean address?"),
        ("[lake]\npath = 5", "text in quotes"),
        ("floor = 1", "no such key; did you mean label.floor?"),
        (
            "[nothing]\nx = 1",
            "known: [backfill], [kafka], [label], [lake], [ledger], [precision], [privacy], [remote], [source], [sql], [stream]",
        ),
        ("[label", "not TOML"),
        ("[sql]\ntimeout_s = 0", "not in (0, 86400]"),
        ("[source]\nkeep_raw = 1", "true or false"),
        ('[label]\nfloor = 0.8\n[remote]\nurl = "http://h/v1"', "label.floor = 0.8: above 0.75, what an answer"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in faults(text, tmp_path)


def test_a_misspelt_variable_is_told_and_those_of_kubernetes_are_not(tmp_path: Path) -> None:
    kubernetes = {"DIOPTRE_SERVICE_HOST": "10.0.0.1", "DIOPTRE_PORT_80_TCP": "tcp://", "DIOPTRE_LAKE_PORT": "tcp://"}
    load(env=kubernetes)
    assert "did you mean DIOPTRE_LAKE_PATH?" in faults("", tmp_path, {"DIOPTRE_LAKE_PAHT": "x"} | kubernetes)


def test_a_secret_is_shown_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = load(file=written(tmp_path, f'[privacy]\npatterns = ["{CANARY}"]\n'), env={})
    assert shown(config, "privacy.patterns")[0] == MASKED
    assert CANARY not in str(list(config.values()))
    for text in (
        f'[privacy]\npatterns = ["({CANARY}"]\n',
        f'[privacy]\npatterns = "{CANARY}"\n',
        f'[kafka]\nsasl_password = "{CANARY}"\n',
        f'privacy_token = "{CANARY}"\n',
    ):
        assert CANARY not in faults(text, tmp_path)
    assert CANARY not in faults("", tmp_path, {"DIOPTRE_PRIVACY_PATTERNS": f"({CANARY}"})
    assert CANARY not in "".join(capfd.readouterr())


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "names").write_text("Projekt Adler\n\nProjekt Falke\n")
    patterns = ("Projekt Adler", "Projekt Falke")
    config = load(file=written(tmp_path, '[privacy]\npatterns_file = "names"\n'), env={})
    assert config.settings.privacy.patterns == patterns
    by_env = load(env={"DIOPTRE_PRIVACY_PATTERNS_FILE": str(tmp_path / "names"), "HOME": str(tmp_path)})
    assert by_env.settings.privacy.patterns == patterns
    assert "No such file" in faults('[privacy]\npatterns_file = "none"\n', tmp_path)


def test_the_masks_that_can_be_named_are_those_there_are() -> None:
    load({"privacy.mask": list(NAMES)}, env={"HOME": "/nonexistent"})
    assert set(NAMES) <= set(specs()["privacy.mask"].description.replace(",", " ").replace(";", " ").split())


def test_a_job_is_built_from_the_configuration(tmp_path: Path) -> None:
    text = '[lake]\npath = "l"\n[label]\nfloor = 0.25\n[privacy]\nmask = ["mail"]\n[backfill]\nbatch_mib = 2\n'
    job = load(file=written(tmp_path, text), env={}).job()
    assert (job.lake, job.floor, job.batch_bytes, bool(job.masks)) == (tmp_path / "l", 0.25, 2 << 20, True)
    assert load(file=written(tmp_path, text), env={}).job(stored=False).lake is None


def test_a_bug_in_a_command_is_not_taken_for_a_mistake_of_the_user() -> None:
    with pytest.raises(ValueError, match="no such setting"):
        load({"lake.pth": "x"}, env={})


def test_the_schema_tells_types_bounds_and_reasons() -> None:
    told = schema()["$defs"]["LabelSettings"]["properties"]["floor"]
    assert told["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 1}
    assert told["description"]


def test_every_setting_says_what_it_is_for() -> None:
    assert [key for key, spec in specs().items() if len(spec.description) < 15] == []


def test_check_looks_at_one_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIOPTRE_LABEL_FLOOR", "0.5")
    with pytest.raises(ConfigError, match="floor"):
        check(written(tmp_path, "[label]\nfloor = 2\n"))
    assert check(written(tmp_path, "")).settings.label.floor is None


def test_a_file_that_may_not_be_read_is_told_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("whoever may read everything cannot be refused")
    with pytest.raises(ConfigError, match="Permission denied"):
        check(path)
