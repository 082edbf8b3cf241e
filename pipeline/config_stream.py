"""What the configuration says of a stream: the cluster, the topics, where to begin, how a worker is to work."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pipeline.config import Config, ConfigError
from pipeline.settings_stream import TopicSettings

if TYPE_CHECKING:
    from connectors.formats.parse import Reading
    from connectors.kafka import Cluster, Policy
    from pipeline.job import Job

_OF_CLUSTER = (
    "brokers", "tls", "ca_file", "cert_file", "key_file", "key_password_file", "check_hostname", "sasl_mechanism",
    "username", "password", "password_file", "token_file", "client",
)  # fmt: skip


def cluster(config: Config) -> "Cluster":
    """Make the cluster that `[kafka]` describes.

    Raises:
        ConfigError: no broker is named.
        KafkaError: a setting of the client is unknown, or does not fit the others.
    """
    from connectors.kafka import Cluster

    said = config.settings.kafka
    if not said.brokers:
        raise ConfigError("no broker is named; give --brokers host:port, or kafka.brokers in dioptre.toml")
    return Cluster(**{name: getattr(said, name) for name in _OF_CLUSTER})


def topics(config: Config, named: Sequence[str] = ()) -> dict[str, TopicSettings]:
    """Choose the topics: those named, each as configured; all that are configured if none is named.

    Raises:
        ConfigError: there is none.
    """
    configured = config.settings.kafka.topics
    found = {name: configured.get(name, TopicSettings()) for name in named} or dict(configured)
    if not found:
        raise ConfigError("no topic is named; give --topic NAME, or kafka.topics in dioptre.toml")
    return found


def policy(config: Config) -> "Policy":
    """Say where a partition begins that the lake has nothing of, and what happens when records are lost."""
    from connectors.kafka import Policy

    return Policy(config.settings.kafka.start, config.settings.kafka.on_loss)


def job(config: Config, chosen: dict[str, TopicSettings], run: str) -> "Job":
    """Build what a worker of a stream needs to know."""
    said, base = config.settings.stream, config.job()
    return replace(
        base,
        batch_rows=said.flush_rows,
        batch_bytes=said.flush_mib << 20,
        topics={name: _reading(base.reading, topic) for name, topic in chosen.items()},
        refresh_s=said.refresh_s,
        run=run,
    )


def _reading(usual: "Reading", topic: TopicSettings) -> "Reading":
    """Lay what is said of a topic over what holds for all."""
    given: dict[str, Any] = {
        "format": topic.format,
        "tz": ZoneInfo(topic.tz) if topic.tz is not None else None,
        "fields": dict(topic.fields) if topic.fields is not None else None,
    }
    return replace(usual, **{name: value for name, value in given.items() if value is not None})
