"""What can be configured of a stream, what is told of wrong settings, what is never told, which engines are refused."""

import pickle
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cli_kit import dioptre

from connectors.kafka import KafkaError, Policy
from pipeline import config_stream as said
from pipeline.config import Config, ConfigError, check, load, schema
from pipeline.stream_guard import EngineError, completed, engine

CANARY = "k4n4ry-zq9"


def written(folder: Path, text: str) -> Path:
    path = folder / "dioptre.toml"
    path.write_text(text)
    return path


def config(folder: Path, text: str, env: dict[str, str] | None = None) -> Config:
    return load(file=written(folder, text), env=env or {})


FULL = """
[kafka]
brokers = ["a:9092", "[::1]:9093"]
start = 2026-01-31T12:00:00Z
on_loss = "continue"
tls = true
ca_file = "ca.pem"
sasl_mechanism = "SCRAM-SHA-256"
username = "u"
password_file = "pw"
client = { request_timeout_ms = 20000 }
[kafka.topics.syslog]
[kafka.topics."apps.json"]
format = "json:vector"
tz = "Europe/Berlin"
fields = { message = "text" }
[source]
keep_raw = true
[stream]
flush_rows = 1000
flush_mib = 2
refresh_s = 3.5
"""


def test_a_topic_is_read_as_its_table_says_and_else_as_all_are(tmp_path: Path) -> None:
    found = config(tmp_path, FULL)
    job = said.job(found, said.topics(found), "r1")
    apps, syslog = job.topics["apps.json"], job.topics["syslog"]
    assert (apps.format, apps.tz, apps.fields) == ("json:vector", ZoneInfo("Europe/Berlin"), {"message": "text"})
    assert (syslog.format, syslog.tz, syslog.fields) == ("auto", ZoneInfo("UTC"), {})
    assert apps.keep_raw
    assert syslog.keep_raw
    assert (job.batch_rows, job.batch_bytes, job.refresh_s, job.run) == (1000, 2 << 20, 3.5, "r1")
    assert pickle.loads(pickle.dumps(job)) == job


def test_topics_named_on_the_command_line_keep_their_tables(tmp_path: Path) -> None:
    found = config(tmp_path, FULL)
    chosen = said.topics(found, ["apps.json", "other"])
    assert list(chosen) == ["apps.json", "other"]
    assert (chosen["apps.json"].format, chosen["other"].format) == ("json:vector", None)


def test_the_cluster_is_what_the_section_says(tmp_path: Path) -> None:
    cluster = said.cluster(config(tmp_path, FULL))
    assert cluster.brokers == ("a:9092", "[::1]:9093")
    assert (cluster.tls, cluster.ca_file, cluster.password_file) == (True, tmp_path / "ca.pem", tmp_path / "pw")
    assert cluster.client == {"request_timeout_ms": 20000}
    policy = said.policy(config(tmp_path, FULL))
    assert policy == Policy(datetime(2026, 1, 31, 12, tzinfo=UTC), "continue")


def test_a_list_of_topics_will_do(tmp_path: Path) -> None:
    found = config(tmp_path, '[kafka]\ntopics = ["a", "b"]')
    assert list(said.topics(found)) == ["a", "b"]
    assert list(said.topics(load(env={"DIOPTRE_KAFKA_TOPICS": "a,b"}))) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[kafka]\ntopics = ["a b"]', "'a b' is no name of a topic"),
        ("[kafka.topics.a]\nformt = 'x'", "kafka.topics.a.formt: no such key; did you mean format?"),
        ('[kafka.topics."a.b"]\ntz = "Europe/Berln"', 'kafka.topics."a.b".tz = "Europe/Berln": no such time zone; did'),
        ("[kafka]\ntopics = { a = 5 }", "kafka.topics.a = 5: a table would be right, of format, tz and fields"),
        ('[kafka]\nstart = "earlyest"', "did you mean earliest?"),
        ('[kafka]\nstart = "soon"', "earliest, latest or a time in ISO 8601 would be right"),
        ('[kafka]\nbrokers = ["nowhere"]', "'nowhere' is no host:port, such as localhost:9092"),
        ('[kafka]\nbrokers = ["a:70000"]', "'a:70000' is no host:port"),
        ('[kafka]\nsasl_mechanism = "SCRAM"', "did you mean SCRAM-SHA-"),
        ('[kafka]\non_loss = "go"', "is none of stop, continue"),
        ("[kafka]\nclient = { a = [1] }", "a: text, a number, true or false would be right"),
        ("[kafka]\nbroker = 1", "kafka.broker: no such key; did you mean brokers?"),
        ("[stream]\nflush_s = 0", "not in [0.1, 3600]"),
        ('[stream]\nlisten = "9464"', "'9464' is no host:port"),
        ("[stream]\nworkers = 0", "not in [1, 1024]"),
    ],
)
def test_what_is_wrong_is_told_with_what_would_be_right(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        check(written(tmp_path, text))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_stream_without_brokers_or_topics_says_what_to_give() -> None:
    with pytest.raises(ConfigError, match="no broker is named; give --brokers host:port"):
        said.cluster(load(env={}))
    with pytest.raises(ConfigError, match="no topic is named; give --topic NAME"):
        said.topics(load(env={}))


def test_an_unknown_setting_of_the_client_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KafkaError, match="request_timeout_ms"):
        said.cluster(config(tmp_path, '[kafka]\nbrokers = ["a:1"]\nclient = { request_timeout = 1 }'))


def test_a_secret_is_shown_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'[kafka]\nbrokers = ["localhost:1"]\npassword = "{CANARY}"\nusername = "u"\nsasl_mechanism = "PLAIN"\n'
    path = written(tmp_path, text + f'client = {{ ssl_password = "{CANARY}" }}\n')
    for words in (["config", "show"], ["config", "show", "--json"], ["config", "validate", str(path)]):
        ran = dioptre(*words, "--config", str(path))
        assert CANARY not in ran.out + ran.err
    ran = dioptre("stream", "--topic", "t", "--lake", str(tmp_path / "lake"), "--config", str(path), "-v", "--json")
    assert ran.code == 2
    assert CANARY not in ran.out + ran.err
    monkeypatch.setenv("DIOPTRE_KAFKA_PASSWORD", CANARY)
    shown = dioptre("config", "show").out
    assert "DIOPTRE_KAFKA_PASSWORD" in shown
    assert CANARY not in shown


def test_the_password_never_travels_with_a_pickled_cluster(tmp_path: Path) -> None:
    cluster = said.cluster(load(env={"DIOPTRE_KAFKA_BROKERS": "a:1", "DIOPTRE_KAFKA_PASSWORD": CANARY,
                                     "DIOPTRE_KAFKA_USERNAME": "u", "DIOPTRE_KAFKA_SASL_MECHANISM": "PLAIN"}))  # fmt: skip
    assert cluster.password == CANARY
    assert CANARY not in repr(cluster)
    assert CANARY.encode() not in pickle.dumps(cluster)


def test_the_sections_are_in_the_schema_and_in_a_new_file() -> None:
    found = schema()
    kafka = found["$defs"]["KafkaSettings"]["properties"]
    assert {t.get("type") for t in kafka["topics"]["anyOf"]} == {"array", "object"}
    text = dioptre("config", "init").out
    assert "[kafka]" in text
    assert "[stream]" in text
    assert "# flush_s = 5.0" in text


@pytest.mark.parametrize("name", ["PrismRunner", "prism", "FlinkRunner", "flinkrunner"])
def test_engines_without_end_are_taken_by_their_names(name: str) -> None:
    assert engine(name) in ("PrismRunner", "FlinkRunner")


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("DirectRunner", [], "leave --runner out"),
        ("SwitchingDirectRunner", [], "leave --runner out"),
        ("BundleBasedDirectRunner", [], "it loses all records behind the first batch"),
        ("FnApiRunner", [], "it writes nothing behind a shuffle"),
        ("apache_beam.runners.portability.fn_api_runner.fn_runner.FnApiRunner", [], "leave --runner out"),
        ("InProcessRunner", [], "leave --runner out"),
        ("KafkaStreamsRunner", [], "use FlinkRunner"),
        ("FlinkRuner", [], "no such engine; did you mean FlinkRunner?"),
        ("Storm", [], "known: PrismRunner, FlinkRunner, PortableRunner"),
        ("PrismRunner", ["--direct_num_workers=2"], "several workers in a process lose what they put off"),
        ("FlinkRunner", ["--shutdown_sources_after_idle_ms=1"], "leave it out"),
        ("FlinkRunner", ["--checkpointing_interval=2000"], "10000 or more would be right"),
        ("FlinkRunner", ["--checkpointing_interval", "2000"], "10000 or more would be right"),
        ("FlinkRunner", ["--runner=PrismRunner"], "it goes before"),
        ("PortableRunner", [], "give --job_endpoint=host:port"),
    ],
)
def test_what_is_known_to_lose_or_hang_is_refused_with_what_to_use(name: str, options: list[str], told: str) -> None:
    with pytest.raises(EngineError) as caught:
        engine(name, options)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_workers_of_our_own_are_none_of_an_engine() -> None:
    with pytest.raises(EngineError, match="give --parallelism=3"):
        engine("FlinkRunner", workers=3)


def test_an_engine_is_given_what_a_stream_needs() -> None:
    given = completed("FlinkRunner", ["--flink_master=localhost:8081"])
    assert {"--streaming", "--checkpointing_interval=10000", "--environment_type=LOOPBACK"} <= set(given)
    own = completed("FlinkRunner", ["--checkpointing_interval=30000", "--environment_type=EXTERNAL"])
    assert "--checkpointing_interval=10000" not in own
    assert "--environment_type=LOOPBACK" not in own
