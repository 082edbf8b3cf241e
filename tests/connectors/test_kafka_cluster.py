"""A cluster's settings: checked at once, passed through, and never telling a secret."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError

SECRET = "tell-nobody"


def refusal(**settings: Any) -> str:
    with pytest.raises(KafkaError) as error:
        Cluster(**settings)
    assert error.value.permanent
    return str(error.value)


def test_a_setting_of_the_client_passes_through() -> None:
    given = {"fetch_max_bytes": 1000, "client_id": "mine", "check_crcs": False, "api_version": [2, 3]}
    settings = Cluster(client=given).settings()
    assert given | {"api_version": (2, 3)} == {name: settings[name] for name in given}


def test_text_from_the_environment_becomes_what_the_setting_is() -> None:
    settings = Cluster(client={"fetch_max_bytes": "1000", "check_crcs": "false"}).settings()
    assert (settings["fetch_max_bytes"], settings["check_crcs"]) == (1000, False)


def test_an_unknown_setting_is_refused_with_the_nearest() -> None:
    assert refusal(client={"fetch_max_byte": 1}) == (
        "client.fetch_max_byte: kafka-python has no such setting; did you mean fetch_max_bytes?"
    )
    assert "see kafka-python" in refusal(client={"zzz": 1})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"group_id": "mine"}, "the lake says where to read on"),
        ({"isolation_level": "read_uncommitted"}, "only committed records are read"),
        ({"sasl_plain_password": SECRET}, "use password_file, or DIOPTRE_KAFKA_PASSWORD"),
        ({"ssl_cafile": "ca.pem"}, "use ca_file"),
        ({"fetch_max_bytes": "many"}, "a whole number"),
        ({"check_crcs": "perhaps"}, "true or false"),
        ({"proxy_url": f"socks5://me:{SECRET}@proxy:1080"}, "holds a password"),
    ],
)
def test_what_cannot_be_set_is_refused_with_what_to_do_instead(given: dict[str, Any], told: str) -> None:
    message = refusal(client=given)
    assert told in message
    assert SECRET not in message


def test_a_name_in_braces_is_filled_in_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(client={"proxy_url": "socks5://me:${PROXY_SECRET}@proxy:1080"})
    with pytest.raises(KafkaError, match="PROXY_SECRET is not in the environment"):
        cluster.settings()
    monkeypatch.setenv("PROXY_SECRET", SECRET)
    assert cluster.settings()["proxy_url"] == f"socks5://me:{SECRET}@proxy:1080"
    assert SECRET not in repr(cluster)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"brokers": ()}, "a tuple of host:port"),
        ({"brokers": ("kafka://me:tell-nobody@kafka:1",)}, "is no host:port"),
        ({"brokers": ("kafka:99999",)}, "is no host:port"),
        ({"ca_file": Path("ca.pem")}, "set tls = true"),
        ({"tls": True, "key_file": Path("key.pem")}, "set cert_file too"),
        ({"username": "me"}, "set sasl_mechanism"),
        ({"sasl_mechanism": "SCRAM-SHA-1", "username": "me"}, "not one of PLAIN, SCRAM-SHA-256"),
        ({"sasl_mechanism": "PLAIN"}, "set username"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], told: str) -> None:
    message = refusal(**settings)
    assert told in message
    assert SECRET not in message


@pytest.mark.parametrize("brokers", [("kafka",), ("kafka:9092", "10.0.0.1:9093"), ("[::1]:9092",)])
def test_brokers_are_hosts_with_or_without_a_port(brokers: tuple[str, ...]) -> None:
    assert Cluster(brokers).settings()["bootstrap_servers"] == list(brokers)


def test_a_password_is_in_no_text_and_in_no_pickle(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(sasl_mechanism="PLAIN", username="me", password=SECRET)
    assert cluster.settings()["sasl_plain_password"] == SECRET
    assert SECRET not in repr(cluster) + str(cluster) + f"{cluster}"
    assert SECRET.encode() not in pickle.dumps(cluster)


def test_an_unpickled_cluster_reads_the_secret_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = pickle.loads(pickle.dumps(Cluster(sasl_mechanism="PLAIN", username="me", password=SECRET)))
    with pytest.raises(KafkaError, match="DIOPTRE_KAFKA_PASSWORD is not in the environment"):
        other.settings()
    monkeypatch.setenv("DIOPTRE_KAFKA_PASSWORD", SECRET)
    assert other.settings()["sasl_plain_password"] == SECRET


def test_a_password_file_is_read_without_the_blanks_around_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{SECRET}\n")
    cluster = Cluster(sasl_mechanism="SCRAM-SHA-512", username="me", password_file=file)
    assert cluster.settings()["sasl_plain_password"] == SECRET
    file.write_text("\n")
    with pytest.raises(KafkaError, match="empty"):
        cluster.settings()
    file.unlink()
    with pytest.raises(KafkaError, match="No such file"):
        cluster.settings()


def test_a_renewed_token_is_found_at_the_next_login(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    provider = Cluster(sasl_mechanism="OAUTHBEARER", token_file=file).settings()["sasl_oauth_token_provider"]
    file.write_text("second")
    assert provider.token() == "second"


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("nothing")
    with pytest.raises(KafkaError, match=r"ca_file = .*ca\.pem: cannot be used"):
        Cluster(tls=True, ca_file=file).settings()
    with pytest.raises(KafkaError, match=r"ca_file = .*gone\.pem: No such file"):
        Cluster(tls=True, ca_file=tmp_path / "gone.pem").settings()


@pytest.mark.parametrize(
    ("settings", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"tls": True}, "SSL"),
        ({"sasl_mechanism": "PLAIN", "username": "me", "password": "x"}, "SASL_PLAINTEXT"),
        ({"tls": True, "sasl_mechanism": "PLAIN", "username": "me", "password": "x"}, "SASL_SSL"),
    ],
)
def test_tls_and_login_make_the_protocol(settings: dict[str, Any], protocol: str) -> None:
    assert Cluster(**settings).settings()["security_protocol"] == protocol


def test_tls_checks_certificate_and_name_unless_told_otherwise() -> None:
    import ssl

    strict = Cluster(tls=True).settings()["ssl_context"]
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    loose = Cluster(tls=True, check_hostname=False).settings()["ssl_context"]
    assert (loose.verify_mode, loose.check_hostname) == (ssl.CERT_REQUIRED, False)
