"""Settings of kafka-python that a user may pass through: checked by name and kind, with ${NAME} filled in."""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from connectors.kafka.errors import KafkaError

OURS = {
    "bootstrap_servers": "use brokers",
    "security_protocol": "use tls and sasl_mechanism",
    "ssl_context": "use tls",
    "ssl_check_hostname": "use check_hostname",
    "ssl_cafile": "use ca_file",
    "ssl_certfile": "use cert_file",
    "ssl_keyfile": "use key_file",
    "ssl_password": "use key_password_file, or DIOPTRE_KAFKA_KEY_PASSWORD",
    "sasl_mechanism": "use sasl_mechanism itself, not client.sasl_mechanism",
    "sasl_plain_username": "use username",
    "sasl_plain_password": "use password_file, or DIOPTRE_KAFKA_PASSWORD",
    "sasl_oauth_token_provider": "use token_file, or DIOPTRE_KAFKA_TOKEN",
    "group_id": "leave it out: the lake says where to read on",
    "group_instance_id": "leave it out: the lake says where to read on",
    "enable_auto_commit": "leave it out: the lake says where to read on",
    "auto_commit_interval_ms": "leave it out: the lake says where to read on",
    "default_offset_commit_callback": "leave it out: the lake says where to read on",
    "auto_offset_reset": "use start and on_loss",
    "isolation_level": "leave it out: only committed records are read",
    "allow_auto_create_topics": "leave it out: no topic is ever created",
    "key_deserializer": "leave it out: the format says how a record is read",
    "value_deserializer": "leave it out: the format says how a record is read",
    "consumer_timeout_ms": "leave it out: nothing waits for ever",
    "partition_assignment_strategy": "leave it out: partitions are spread by the engine",
    "kafka_client": "leave it out",
    "socks5_proxy": "use client.proxy_url",
}
"""Settings that dioptre makes itself, and what to do instead of setting them."""

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_LOGIN_IN_URL = re.compile(r"//[^/@]*:[^/@]+@")


def check(client: Mapping[str, Any]) -> None:
    """Check settings by name and kind.

    Raises:
        KafkaError: the first that is wrong, with what would be right; `permanent`.
    """
    if not client:
        return
    known = _known()
    for name, value in client.items():
        if name in OURS:
            raise KafkaError(f"client.{name}: not to be set here; {OURS[name]}", permanent=True)
        if name not in known:
            near = get_close_matches(name, known.keys() - OURS.keys(), n=1, cutoff=0.6)
            right = f"did you mean {near[0]}?" if near else "see kafka-python's KafkaConsumer for those it knows"
            raise KafkaError(f"client.{name}: kafka-python has no such setting; {right}", permanent=True)
        if isinstance(value, str) and _LOGIN_IN_URL.search(_NAME.sub("", value)):
            raise KafkaError(
                f"client.{name}: holds a password; write ${{NAME}} in its place and set NAME in the environment",
                permanent=True,
            )
        _converted(name, value, known[name])


def filled(client: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Give the settings as kafka-python takes them: ${NAME} filled in, lists as tuples.

    Raises:
        KafkaError: NAME is not in the environment; `permanent`.
    """
    known = _known() if client else {}
    return {name: _converted(name, _fill(name, value, env), known[name]) for name, value in client.items()}


def _fill(name: str, value: Any, env: Mapping[str, str]) -> Any:
    """Fill ${NAME} into a text."""
    if not isinstance(value, str):
        return value
    for wanted in _NAME.findall(value):
        if wanted not in env:
            raise KafkaError(f"client.{name}: {wanted} is not in the environment; set it there", permanent=True)
    return _NAME.sub(lambda found: env[found[1]], value)


def _converted(name: str, value: Any, default: Any) -> Any:
    """Give a value in the kind its default has; environment variables bring everything as text."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and _NAME.search(value):
        return value
    if isinstance(default, bool):
        told = str(value).lower()
        if told in ("true", "false"):
            return told == "true"
        raise KafkaError(f"client.{name} = {value!r}: true or false", permanent=True)
    if isinstance(default, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value)
        raise KafkaError(f"client.{name} = {value!r}: a whole number, such as {default}", permanent=True)
    return value


def _known() -> dict[str, Any]:
    """List kafka-python's settings with their defaults."""
    from kafka import KafkaConsumer

    return dict(KafkaConsumer.DEFAULT_CONFIG)
