"""How to reach a Kafka cluster: brokers, TLS, SASL, and any setting of the client. Secrets are read when connecting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Cluster:
    """A Kafka cluster and how to log in. Can be pickled; neither repr nor pickle ever holds a secret.

    Attributes:
        brokers: host or host:port, any of the cluster.
        client: settings of kafka-python's consumer, passed on; ${NAME} in a text is filled in from the environment.
        tls: True: encrypted, and the broker's certificate is checked.
        ca_file, cert_file, key_file: PEM. ca_file: whom to trust, else the system's; the others: our certificate.
        check_hostname: the certificate must bear the broker's name.
        sasl_mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER; None: no login.
        username: for PLAIN and SCRAM.
        password: for this process only; it is not pickled. Better: password_file, or DIOPTRE_KAFKA_PASSWORD in the
            environment of every process that reads.
        password_file, token_file: hold the password, and the token of OAUTHBEARER (else DIOPTRE_KAFKA_TOKEN); read
            again at each login.
        key_password_file: holds the password of key_file (else DIOPTRE_KAFKA_KEY_PASSWORD).

    Raises:
        KafkaError: a setting is unknown, of the wrong kind, or does not fit the others; `permanent`.
    """

    brokers: tuple[str, ...] = ("localhost:9092",)
    client: Mapping[str, Any] = field(default_factory=dict)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password_file: Path | None = None
    check_hostname: bool = True
    sasl_mechanism: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: Path | None = None
    token_file: Path | None = None

    def settings(self) -> dict[str, Any]:
        """Give the settings for kafka-python, secrets among them: not to be shown or kept.

        Raises:
            KafkaError: a secret is missing, or its file cannot be read; `permanent`.
        """
        raise NotImplementedError
