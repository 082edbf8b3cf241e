"""The secure broker of the tests lets in who should come in, and nobody else."""

from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.sasl.oauth import AbstractTokenProvider

from tests.engines.secure import SecureBroker

pytestmark = pytest.mark.engines


class Token(AbstractTokenProvider):
    def __init__(self, text: str) -> None:
        self.text = text

    def token(self) -> str:
        return self.text


def topics(bootstrap: str, **settings: Any) -> list[str]:
    client = KafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=5000, bootstrap_timeout_ms=5000, **settings
    )
    try:
        found: list[str] = client.list_topics()
        return found
    finally:
        client.close()


def login(secure: SecureBroker, mechanism: str, **more: Any) -> dict[str, Any]:
    own = {"sasl_mechanism": mechanism, "sasl_plain_username": secure.username, "sasl_plain_password": secure.password}
    return {"security_protocol": "SASL_SSL", "ssl_cafile": str(secure.ca_file), **own, **more}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_the_right_password_opens(secure_broker: SecureBroker, mechanism: str) -> None:
    topics(secure_broker.bootstrap, **login(secure_broker, mechanism))
    topics(secure_broker.cleartext, **login(secure_broker, mechanism, security_protocol="SASL_PLAINTEXT"))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_wrong_password_does_not_open(secure_broker: SecureBroker, mechanism: str) -> None:
    with pytest.raises(KafkaError):
        topics(secure_broker.bootstrap, **login(secure_broker, mechanism, sasl_plain_password="wrong"))


def test_a_token_opens_until_it_expires(secure_broker: SecureBroker) -> None:
    def ask(token: str) -> list[str]:
        return topics(
            secure_broker.bootstrap, **login(secure_broker, "OAUTHBEARER", sasl_oauth_token_provider=Token(token))
        )

    ask(secure_broker.token())
    with pytest.raises(KafkaError):
        ask(secure_broker.token(expires_in_s=-60))


def test_tls_holds_only_with_the_right_authority_and_the_right_name(secure_broker: SecureBroker) -> None:
    right = {"security_protocol": "SSL", "ssl_cafile": str(secure_broker.ca_file)}
    topics(secure_broker.tls, **right)
    with pytest.raises(KafkaError):
        topics(secure_broker.tls, **{**right, "ssl_cafile": str(secure_broker.wrong_ca_file)})
    with pytest.raises(KafkaError):
        topics(secure_broker.misnamed, **right)


def test_a_door_that_wants_the_clients_certificate_opens_to_it_alone(secure_broker: SecureBroker) -> None:
    right = {"security_protocol": "SSL", "ssl_cafile": str(secure_broker.ca_file)}
    own = secure_broker.client
    topics(secure_broker.mutual, **right, ssl_certfile=str(own.cert), ssl_keyfile=str(own.key))
    with pytest.raises(KafkaError):
        topics(secure_broker.mutual, **right)
