"""A client before a guarded broker: let in with the right secret, told what is wrong with any other."""

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka import Client, Cluster, KafkaError
from tests.engines.kafka_kit import read_all, send, values
from tests.engines.secure import SecureBroker

pytestmark = pytest.mark.engines
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


def login(secure: SecureBroker, mechanism: str, folder: Path, **more: Any) -> dict[str, Any]:
    if mechanism == "OAUTHBEARER":
        (folder / "token").write_text(secure.token())
        return {"sasl_mechanism": mechanism, "token_file": folder / "token", **more}
    (folder / "password").write_text(secure.password)
    return {"sasl_mechanism": mechanism, "username": secure.username, "password_file": folder / "password", **more}


def refused(cluster: Cluster) -> str:
    """The one line of a refusal that no second try mends, given in time."""
    began = time.monotonic()
    with pytest.raises(KafkaError) as error:
        Client(cluster).check()
    assert time.monotonic() - began < 15
    assert error.value.permanent
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_right_secret_reads_over_tls_and_without(
    secure_broker: SecureBroker, mechanism: str, topic: str, tmp_path: Path
) -> None:
    secure_broker.plain.create_topic(topic)
    send(secure_broker.plain.bootstrap, topic, [b"a", b"b"])
    given = login(secure_broker, mechanism, tmp_path)
    for cluster in (
        Cluster((secure_broker.bootstrap,), tls=True, ca_file=secure_broker.ca_file, **given),
        Cluster((secure_broker.cleartext,), **given),
    ):
        reader = Client(cluster)
        assert values(read_all(reader, topic)) == [b"a", b"b"]
        reader.publish(f"g-{topic}", dict.fromkeys(reader.partitions([topic]), 2))
        reader.close()


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_secret_is_one_clear_line(secure_broker: SecureBroker, mechanism: str, tmp_path: Path) -> None:
    given = login(secure_broker, mechanism, tmp_path)
    for file in ("password", "token"):
        (tmp_path / file).write_text("wrong-one")
    message = refused(Cluster((secure_broker.bootstrap,), tls=True, ca_file=secure_broker.ca_file, **given))
    assert "refused the login" in message
    assert "wrong-one" not in message


def test_a_login_the_broker_does_not_take_names_those_it_does(secure_broker: SecureBroker, tmp_path: Path) -> None:
    plain = Cluster((secure_broker.plain.bootstrap,), **login(secure_broker, "PLAIN", tmp_path))
    assert "asks for no login at this port" in refused(plain)


def test_a_wrong_authority_is_one_clear_line(secure_broker: SecureBroker) -> None:
    assert "set ca_file" in refused(Cluster((secure_broker.tls,), tls=True, ca_file=secure_broker.wrong_ca_file))
    assert "set ca_file" in refused(Cluster((secure_broker.tls,), tls=True))


def test_a_certificate_for_another_name_is_refused_unless_told_otherwise(secure_broker: SecureBroker) -> None:
    given = {"brokers": (secure_broker.misnamed,), "tls": True, "ca_file": secure_broker.ca_file}
    assert "check_hostname = false" in refused(Cluster(**given))
    Client(Cluster(**given, check_hostname=False)).check()


def test_a_broker_that_wants_our_certificate_says_so(secure_broker: SecureBroker) -> None:
    given = {"brokers": (secure_broker.mutual,), "tls": True, "ca_file": secure_broker.ca_file}
    assert "set cert_file and key_file" in refused(Cluster(**given))
    pair = secure_broker.client
    Client(Cluster(**given, cert_file=pair.cert, key_file=pair.key)).check()


def test_tls_before_a_broker_without_it_is_one_clear_line(secure_broker: SecureBroker) -> None:
    assert "speaks no TLS" in refused(Cluster((secure_broker.plain.bootstrap,), tls=True))


def test_no_tls_before_a_broker_that_wants_it_is_one_clear_line(secure_broker: SecureBroker) -> None:
    assert "does it want TLS" in refused(Cluster((secure_broker.tls,)))


def test_no_login_before_a_broker_that_wants_one_is_told_in_time(secure_broker: SecureBroker) -> None:
    began = time.monotonic()
    with pytest.raises(KafkaError, match=r"a login \(sasl_mechanism\)"):
        Client(Cluster((secure_broker.cleartext,))).check()
    assert time.monotonic() - began < 15


def test_no_log_of_any_level_holds_the_password(
    secure_broker: SecureBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = login(secure_broker, "PLAIN", tmp_path)
    Client(Cluster((secure_broker.bootstrap,), tls=True, ca_file=secure_broker.ca_file, **given)).check()
    assert secure_broker.password not in caplog.text
    assert secure_broker.password not in "".join(str(record.args) for record in caplog.records)
