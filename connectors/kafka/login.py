"""Secrets of a login, read from files or the environment when connecting, and never kept longer than needed."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.kafka.errors import KafkaError

PASSWORD, TOKEN, KEY_PASSWORD = "DIOPTRE_KAFKA_PASSWORD", "DIOPTRE_KAFKA_TOKEN", "DIOPTRE_KAFKA_KEY_PASSWORD"


def password(file: Path | None) -> str:
    """Read the password from its file, else from the environment.

    Raises:
        KafkaError: there is none, or the file cannot be read; `permanent`.
    """
    return _secret(file, "password_file", PASSWORD)


def token(file: Path | None) -> Any:
    """Give a provider of tokens for kafka-python, which reads the token anew at each login.

    Raises:
        KafkaError: there is none now, or the file cannot be read; `permanent`.
    """
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        """Reads the token anew, so one that was renewed is found."""

        def token(self) -> str:
            return _secret(file, "token_file", TOKEN)

    provider = Provider()
    provider.token()
    return provider


def tls_context(
    ca_file: Path | None,
    cert_file: Path | None,
    key_file: Path | None,
    key_password_file: Path | None,
    check_hostname: bool,
    client: Mapping[str, Any],
) -> ssl.SSLContext:
    """Make what TLS needs; whom to trust is the system's list if ca_file is None.

    Raises:
        KafkaError: a file cannot be read or is not what it should be; `permanent`.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = check_hostname
    if ca_file is None:
        context.load_default_certs()
    else:
        _load(ca_file, "ca_file", lambda: context.load_verify_locations(ca_file))
    if cert_file is not None:
        secret = _secret(key_password_file, "key_password_file", KEY_PASSWORD, needed=False)
        _load(cert_file, "cert_file", lambda: context.load_cert_chain(cert_file, key_file, lambda: secret))
    if crl := client.get("ssl_crlfile"):
        _load(Path(crl), "client.ssl_crlfile", lambda: context.load_verify_locations(crl))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if ciphers := client.get("ssl_ciphers"):
        context.set_ciphers(ciphers)
    return context


def _load(path: Path, name: str, load: Any) -> None:
    """Load a PEM file; failures are told with its name."""
    try:
        load()
    except ssl.SSLError as error:
        why = error.reason or "not PEM"
        raise KafkaError(f"{name} = {path}: cannot be used: {why}; name a PEM file", permanent=True) from None
    except OSError as error:
        raise KafkaError(f"{name} = {path}: {error.strerror}; name a file that can be read", permanent=True) from None


def _secret(file: Path | None, name: str, variable: str, *, needed: bool = True) -> str:
    """Read a secret from a file of its own, else from the environment, else from the file that it names."""
    file = file or (Path(os.environ[f"{variable}_FILE"]) if f"{variable}_FILE" in os.environ else None)
    if file is None:
        if variable not in os.environ and needed:
            raise KafkaError(f"{name}: not given, and {variable} is not in the environment; set one", permanent=True)
        return os.environ.get(variable, "")
    try:
        secret = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise KafkaError(f"{name} = {file}: {why}; name a file that can be read", permanent=True) from None
    if not secret:
        raise KafkaError(f"{name} = {file}: empty; write the secret into it", permanent=True)
    return secret
