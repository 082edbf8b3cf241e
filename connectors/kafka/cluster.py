"""How to reach a Kafka cluster: brokers, TLS, SASL, and any setting of the client. Secrets are read when connecting."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.kafka import login, settings
from connectors.kafka.errors import KafkaError

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_BROKER = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_TLS_ONLY = ("ca_file", "cert_file", "key_file", "key_password_file")
_LOGIN_ONLY = ("username", "password", "password_file", "token_file")


@dataclass(frozen=True)
class Cluster:
    """A Kafka cluster and how to log in. Can be pickled; neither repr nor pickle ever holds a secret.

    Attributes:
        brokers: host or host:port, any of the cluster.
        client: settings of kafka-python's consumer, passed on; ${NAME} in a text is filled in from the environment.
        tls: True: encrypted, and the broker's certificate is checked.
        ca_file, cert_file, key_file: PEM. ca_file: whom to trust, else the system's; the others: our certificate.
        key_password_file: holds the password of key_file (else DIOPTRE_KAFKA_KEY_PASSWORD).
        check_hostname: the certificate must bear the broker's name.
        sasl_mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER; None: no login.
        username: for PLAIN and SCRAM.
        password: for this process only: it is not pickled. Better is password_file, or DIOPTRE_KAFKA_PASSWORD in the
            environment of every process that reads.
        password_file: holds the password; read when connecting.
        token_file: holds the token of OAUTHBEARER (else DIOPTRE_KAFKA_TOKEN); read again at each login.

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

    def __post_init__(self) -> None:
        for fault in (_brokers_fault(self.brokers), self._tls_fault(), self._login_fault()):
            if fault:
                raise KafkaError(fault, permanent=True)
        settings.check(self.client)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "password": None}

    def __str__(self) -> str:
        return ",".join(self.brokers)

    def settings(self) -> dict[str, Any]:
        """Give the settings for kafka-python, secrets among them: not to be shown or kept.

        Raises:
            KafkaError: a secret is missing, or a file cannot be read; `permanent`.
        """
        safe = "SSL" if self.tls else "PLAINTEXT"
        made: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "client_id": "dioptre",
            "reconnect_backoff_max_ms": 2_000,
            **settings.filled(self.client),
            "security_protocol": f"SASL_{safe}" if self.sasl_mechanism else safe,
        }
        if self.tls:
            made["ssl_context"] = login.tls_context(
                self.ca_file, self.cert_file, self.key_file, self.key_password_file, self.check_hostname, made
            )
        if self.sasl_mechanism == "OAUTHBEARER":
            made |= {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": login.token(self.token_file)}
        elif self.sasl_mechanism:
            made |= {"sasl_mechanism": self.sasl_mechanism, "sasl_plain_username": self.username}
            made["sasl_plain_password"] = self.password or login.password(self.password_file)
        return made

    def _tls_fault(self) -> str | None:
        """Say what is wrong with the settings of TLS."""
        if not self.tls:
            given = next((name for name in _TLS_ONLY if getattr(self, name) is not None), None)
            return f"{given}: without TLS it does nothing; set tls = true" if given else None
        if self.key_file and not self.cert_file:
            return f"key_file = {self.key_file}: a key without a certificate; set cert_file too"
        return None

    def _login_fault(self) -> str | None:
        """Say what is wrong with the settings of the login."""
        how = self.sasl_mechanism
        if how is None:
            given = next((name for name in _LOGIN_ONLY if getattr(self, name)), None)
            return (
                f"{given}: nobody asks for it; set sasl_mechanism to one of {', '.join(MECHANISMS)}" if given else None
            )
        if how not in MECHANISMS:
            return f"sasl_mechanism = {how!r}: not one of {', '.join(MECHANISMS)}"
        if how != "OAUTHBEARER" and not self.username:
            return f"sasl_mechanism = {how!r}: whose login? set username"
        return None


def _brokers_fault(brokers: object) -> str | None:
    """Say what is wrong with the list of brokers."""
    if not isinstance(brokers, tuple) or not brokers:
        return f"brokers = {brokers!r}: a tuple of host:port, such as ('kafka1:9092',)"
    for broker in brokers:
        match = _BROKER.fullmatch(str(broker))
        if not match or not 0 < int(match[1] or 9092) < 65536:
            shown = re.sub(r"//[^/@]*@", "//********@", str(broker))
            return f"brokers: {shown!r} is no host:port, such as kafka1:9092"
    return None
