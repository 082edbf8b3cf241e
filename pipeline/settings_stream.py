"""What can be configured of `dioptre stream`: where its records come from, and when they are written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from pipeline.settings_checks import MisfitError, a_format, a_time, a_zone, near

_STRICT = ConfigDict(extra="forbid", strict=True)
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):([0-9]{1,5})")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
Start = Literal["earliest", "latest"]


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 <= int(match[2]) < 1 << 16:
        raise MisfitError(f"{text!r} is no host:port, such as localhost:9092 or [::1]:9092")
    return text


def _brokers(brokers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_address(broker) for broker in brokers)


def _listen(text: str) -> str:
    return _address(text) if text else ""


def _topics(topics: object) -> object:
    """Take a list of names for topics that are read as `[source]` says."""
    named = dict.fromkeys(topics, None) if isinstance(topics, list | tuple) else topics
    for name in named if isinstance(named, Mapping) else ():
        if not _TOPIC.fullmatch(str(name)):
            raise MisfitError(f"{name!r} is no name of a topic; they are of A-Z a-z 0-9 . _ -")
    return {k: {} if v is None else v for k, v in named.items()} if isinstance(named, Mapping) else named


def _client(client: object) -> object:
    for name, value in client.items() if isinstance(client, Mapping) else ():
        if not isinstance(value, str | int | float | bool):
            raise MisfitError(f"{name}: text, a number, true or false would be right")
    return client


def start_of(value: object) -> object:
    """Read where a source without a chain starts: earliest, latest, or a time."""
    if value in ("earliest", "latest"):
        return value
    try:
        return a_time(value)
    except MisfitError:
        right = "earliest, latest or a time in ISO 8601 would be right"
        raise MisfitError(f"{right}{near(str(value), ('earliest', 'latest'))}") from None


@dataclass(frozen=True)
class TopicSettings:
    """How the records of one topic are to be read; what is not said here is as `[source]` says."""

    __pydantic_config__ = _STRICT
    format: Annotated[str, AfterValidator(a_format)] | None = None
    tz: Annotated[str, AfterValidator(a_zone)] | None = None
    fields: Mapping[str, str] | None = None


@dataclass(frozen=True)
class KafkaSettings:
    """`[kafka]`: where `dioptre stream` reads."""

    __pydantic_config__ = _STRICT
    brokers: Annotated[
        tuple[str, ...],
        AfterValidator(_brokers),
        Field(description="Some of the brokers, host:port; they name the others.", examples=[["localhost:9092"]]),
    ] = ()
    topics: Annotated[
        Mapping[str, TopicSettings],
        BeforeValidator(_topics, json_schema_input_type=list[str] | dict[str, TopicSettings]),
        Field(
            description='Topics to read: a list, or a table for each, as [kafka.topics."logs.raw"] with format, tz and '
            "fields where they differ from [source].",
            examples=[["logs"]],
        ),
    ] = field(default_factory=dict)
    start: Annotated[
        Start | datetime,
        BeforeValidator(start_of, json_schema_input_type=str),
        Field(
            description="Where a partition begins that the lake has nothing of: earliest, latest, or a time; earliest, "
            "so that nothing is lost."
        ),
    ] = "earliest"
    on_loss: Annotated[
        Literal["stop", "continue"],
        Field(
            description="When records are gone from the broker before they were read: stop, or continue and count them "
            "as skipped."
        ),
    ] = "stop"
    group: Annotated[
        str,
        Field(description="Group whose offsets tell others the lag; never used to resume. Empty: none is told."),
    ] = "dioptre"
    tls: Annotated[bool, Field(description="Talk TLS to the brokers.")] = False
    ca_file: Annotated[
        Path | None, Field(description="Whom to trust; the system's unless given.", examples=["ca.pem"])
    ] = None
    cert_file: Annotated[
        Path | None, Field(description="Certificate of this client, where brokers ask for one.", examples=["me.pem"])
    ] = None
    key_file: Annotated[Path | None, Field(description="The key of that certificate.", examples=["me.key"])] = None
    key_password_file: Annotated[
        Path | None, Field(description="File that holds the password of that key.", examples=["/run/secrets/key"])
    ] = None
    check_hostname: Annotated[bool, Field(description="Refuse a broker whose certificate names another host.")] = True
    sasl_mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None,
        Field(
            description="How to say who we are: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.",
            examples=["SCRAM-SHA-512"],
        ),
    ] = None
    username: Annotated[str | None, Field(description="For PLAIN and SCRAM.", examples=["dioptre"])] = None
    password: Annotated[
        str | None,
        Field(
            description="Better not here: in DIOPTRE_KAFKA_PASSWORD, or in a file.",
            json_schema_extra={"secret": True},
            examples=[""],
        ),
    ] = None
    password_file: Annotated[
        Path | None, Field(description="File that holds the password.", examples=["/run/secrets/kafka"])
    ] = None
    token_file: Annotated[
        Path | None,
        Field(description="File that holds the token of OAUTHBEARER; read again at each login.", examples=["token"]),
    ] = None
    client: Annotated[
        Mapping[str, str | int | float | bool],
        BeforeValidator(_client),
        Field(
            description="Any other setting of kafka-python's clients, by its name there.",
            examples=[{"request_timeout_ms": 30_000}],
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class StreamSettings:
    """`[stream]`: when `dioptre stream` writes, and what it tells."""

    __pydantic_config__ = _STRICT
    workers: Annotated[
        int,
        Field(ge=1, le=1024, description="Processes; partitions are shared among them. One reads 60,000 records/s."),
    ] = 1
    flush_s: Annotated[
        float,
        Field(ge=0.1, le=3600, description="Seconds a record waits at most before it is written with its neighbours."),
    ] = 5.0
    flush_rows: Annotated[
        int, Field(ge=1, le=1 << 20, description="Records that are written without waiting; as DuckDB's row groups.")
    ] = 98_304
    flush_mib: Annotated[
        int, Field(ge=1, le=1024, description="MiB that are written without waiting; a worker takes five times that.")
    ] = 12
    runner: Annotated[
        str | None,
        Field(
            description="An engine that runs without end, PrismRunner or FlinkRunner; none: bounded runs of our own.",
            examples=["FlinkRunner"],
        ),
    ] = None
    listen: Annotated[
        str,
        AfterValidator(_listen),
        Field(description="host:port of /metrics, /healthz and /readyz; empty: none.", examples=["127.0.0.1:9464"]),
    ] = ""
    refresh_s: Annotated[
        float, Field(ge=0.1, le=3600, description="Seconds between looks at the lake's registry for new labels.")
    ] = 5.0
    compact_every_s: Annotated[
        float, Field(ge=0, le=86_400, description="Seconds between compactions of small files; 0: never.")
    ] = 60.0
    grace_s: Annotated[
        float,
        Field(
            ge=60, le=604_800, description="Seconds that files replaced by a compaction stay: statements may read them."
        ),
    ] = 7_200.0
    learn_every_s: Annotated[
        float, Field(ge=0, le=86_400, description="Seconds between passes that settle new kinds; 0: never.")
    ] = 30.0
