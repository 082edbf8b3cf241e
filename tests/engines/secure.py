"""A broker behind TLS, passwords and tokens."""

import base64
import json
import time
from pathlib import Path
from typing import Any

from tests.engines.broker import Broker
from tests.engines.certificates import Authority, Pair, keystore

_MODULE = "org.apache.kafka.common.security"


class SecureBroker:
    """A broker whose `bootstrap` wants TLS and a login; `plain` is the same broker's open door, for the test's own use.

    bootstrap: SASL_SSL with PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (`username`, `password`) and OAUTHBEARER (`token()`).
    cleartext: SASL_PLAINTEXT with the same four. tls: TLS alone. mutual: TLS that wants the client's certificate
    (`client`). misnamed: TLS whose certificate names another host. `ca_file` is right, `wrong_ca_file` is not.
    """

    username = "dioptre"
    password = "correct horse; battery=1"

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder / "ca")
        self.ca_file = authority.ca_file
        self.wrong_ca_file = Authority(folder / "other", "other-authority").ca_file
        self.client: Pair = authority.sign("client")
        self._here, self._elsewhere = authority.sign("localhost"), authority.sign("elsewhere.example")
        login = f"name={self.username},password={self.password}"
        self.plain = Broker(
            folder / "broker",
            listeners={
                "SECURE": "SASL_SSL",
                "CLEARTEXT": "SASL_PLAINTEXT",
                "TLS": "SSL",
                "MUTUAL": "SSL",
                "MISNAMED": "SSL",
            },
            settings=self._settings(),
            scram=[f"SCRAM-SHA-256=[{login}]", f"SCRAM-SHA-512=[{login}]"],
        )

    @property
    def bootstrap(self) -> str:
        return self.plain.address("SECURE")

    @property
    def cleartext(self) -> str:
        return self.plain.address("CLEARTEXT")

    @property
    def tls(self) -> str:
        return self.plain.address("TLS")

    @property
    def mutual(self) -> str:
        return self.plain.address("MUTUAL")

    @property
    def misnamed(self) -> str:
        return self.plain.address("MISNAMED")

    def token(self, *, expires_in_s: float = 3600) -> str:
        """An unsigned token (RFC 7515, alg none) that the broker accepts."""
        now = time.time()
        parts: list[dict[str, Any]] = [{"alg": "none"}, {"sub": self.username, "iat": now, "exp": now + expires_in_s}]
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        return ".".join([*encoded, ""])

    def start(self) -> None:
        self.plain.start()

    def stop(self) -> None:
        self.plain.stop()

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for name in ("secure", "cleartext"):
            settings |= _logins(f"listener.name.{name}", self.username, self.password)
        for name in ("secure", "tls", "mutual", "misnamed"):
            pair = self._elsewhere if name == "misnamed" else self._here
            settings |= _tls(f"listener.name.{name}.ssl", pair, self.ca_file)
        return {**settings, "listener.name.mutual.ssl.client.auth": "required"}


def _logins(listener: str, username: str, password: str) -> dict[str, Any]:
    plain = f'{_MODULE}.plain.PlainLoginModule required user_{username}="{password}";'
    token = f'{_MODULE}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";'
    scram = f"{_MODULE}.scram.ScramLoginModule required;"
    return {
        f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        f"{listener}.plain.sasl.jaas.config": plain,
        f"{listener}.scram-sha-256.sasl.jaas.config": scram,
        f"{listener}.scram-sha-512.sasl.jaas.config": scram,
        f"{listener}.oauthbearer.sasl.jaas.config": token,
    }


def _tls(prefix: str, pair: Pair, ca_file: Path) -> dict[str, Any]:
    return {
        f"{prefix}.keystore.type": "PEM",
        f"{prefix}.keystore.location": keystore(pair),
        f"{prefix}.truststore.type": "PEM",
        f"{prefix}.truststore.location": ca_file,
    }
