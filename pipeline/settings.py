"""What can be configured: a frozen dataclass a section of dioptre.toml, each default beside its unit and reason."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from pipeline.settings_checks import a_format, a_time, a_zone, patterns_of
from pipeline.settings_ledger import LedgerSettings
from pipeline.settings_models import RemoteSettings
from pipeline.settings_precision import PrecisionSettings
from pipeline.settings_stream import KafkaSettings, StreamSettings

_STRICT = ConfigDict(extra="forbid", strict=True)
Mask = Literal["address", "mail", "user", "token"]


@dataclass(frozen=True)
class LakeSettings:
    """`[lake]`: where the events lie."""

    __pydantic_config__ = _STRICT
    path: Annotated[Path, Field(description="Folder of the lake; ./lake, so that a first run needs no config.")] = Path(
        "lake"
    )
    range_size: Annotated[
        int,
        Field(
            ge=1 << 16,
            le=1 << 40,
            description="Bytes of a file that make one chain, decided when the lake is made; files larger than that "
            "are read by several workers.",
        ),
    ] = 128 << 20


@dataclass(frozen=True)
class SourceSettings:
    """`[source]`: how lines are to be read."""

    __pydantic_config__ = _STRICT
    format: Annotated[
        str,
        AfterValidator(a_format),
        Field(description="Wire format; auto looks at each line, since real files mix them."),
    ] = "auto"
    tz: Annotated[
        str, AfterValidator(a_zone), Field(description="Zone of stamps that tell none; UTC, as servers should have it.")
    ] = "UTC"
    reference: Annotated[
        Annotated[datetime, BeforeValidator(a_time)] | None,
        Field(
            description="Time that decides the year of stamps without one; the date of each file unless given.",
            examples=["2026-01-31T12:00:00Z"],
        ),
    ] = None
    keep_raw: Annotated[
        bool,
        Field(description="Keep each line's bytes beside its fields; off, as they are kept where a field was lost."),
    ] = False
    fields: Annotated[
        Mapping[str, str],
        Field(
            description="JSON logs: column (ts, host, app, message, severity, ...) -> name of its field.",
            examples=[{"message": "msg", "host": "hostname"}],
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class LabelSettings:
    """`[label]`: who gives the labels."""

    __pydantic_config__ = _STRICT
    floor: Annotated[
        float | None,
        Field(
            ge=0,
            le=1,
            description="Confidence below which a label is `unknown`; the model's own unless given.",
            examples=[0.5],
        ),
    ] = None
    rules: Annotated[
        Path | None,
        Field(description="YAML file of your own rules; they overrule the models.", examples=["rules.yaml"]),
    ] = None
    model: Annotated[
        Path | None,
        Field(
            description="Folder of a model made by `dioptre train tiny`; the packaged one unless given.",
            examples=["tiny"],
        ),
    ] = None
    large: Annotated[
        str | None,
        Field(
            description="A Hugging Face text classifier for what tiny is not sure of, by folder or by name on the hub; "
            "its labels are leaves. The packaged one unless given.",
            examples=["my-org/my-log-model"],
        ),
    ] = None
    profile: Annotated[
        Literal["full", "edge"],
        Field(description="edge: tiny alone, no clusters, for small machines; full: all models."),
    ] = "full"


@dataclass(frozen=True)
class PrivacySettings:
    """`[privacy]`: what is masked before anything is stored or labelled."""

    __pydantic_config__ = _STRICT
    mask: Annotated[
        tuple[Mask, ...],
        Field(description="Of address, mail, user, token; examples are masked always."),
    ] = ()
    patterns: Annotated[
        tuple[str, ...],
        AfterValidator(patterns_of),
        Field(
            description="Your own, as RE2 regular expressions; what they match becomes <masked>.",
            json_schema_extra={"secret": True},
        ),
    ] = ()


@dataclass(frozen=True)
class BackfillSettings:
    """`[backfill]`: how archives are read into the lake."""

    __pydantic_config__ = _STRICT
    workers: Annotated[int, Field(ge=0, le=1024, description="Processes; 0: one a core.")] = 0
    batch_rows: Annotated[
        int,
        Field(ge=1, le=1 << 20, description="Lines a segment holds at most; much is done once a segment."),
    ] = 131_072
    batch_mib: Annotated[
        int, Field(ge=1, le=1024, description="MiB a segment holds at most; a worker takes five times that.")
    ] = 16


@dataclass(frozen=True)
class SqlSettings:
    """`[sql]`: bounds on a query."""

    __pydantic_config__ = _STRICT
    threads: Annotated[int, Field(ge=0, le=1024, description="Threads; 0: one a core.")] = 0
    memory_mib: Annotated[
        int, Field(ge=64, le=1 << 24, description="MiB a query may take; a log host has other things to do.")
    ] = 2048
    timeout_s: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds after which a query is stopped; a runaway join never ends.")
    ] = 300.0


@dataclass(frozen=True)
class Settings:
    """All of dioptre.toml."""

    __pydantic_config__ = _STRICT
    lake: LakeSettings = field(default_factory=LakeSettings)
    source: SourceSettings = field(default_factory=SourceSettings)
    label: LabelSettings = field(default_factory=LabelSettings)
    precision: PrecisionSettings = field(default_factory=PrecisionSettings)
    remote: RemoteSettings = field(default_factory=RemoteSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    backfill: BackfillSettings = field(default_factory=BackfillSettings)
    kafka: KafkaSettings = field(default_factory=KafkaSettings)
    stream: StreamSettings = field(default_factory=StreamSettings)
    sql: SqlSettings = field(default_factory=SqlSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)


SECTIONS: dict[str, Any] = {
    "lake": LakeSettings,
    "source": SourceSettings,
    "label": LabelSettings,
    "precision": PrecisionSettings,
    "remote": RemoteSettings,
    "privacy": PrivacySettings,
    "backfill": BackfillSettings,
    "kafka": KafkaSettings,
    "stream": StreamSettings,
    "sql": SqlSettings,
    "ledger": LedgerSettings,
}
"""The class of each section."""


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
