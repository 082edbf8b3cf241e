"""What can be configured: a frozen dataclass a section of dioptre.toml, each default beside its unit and reason."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

_STRICT = ConfigDict(extra="forbid", strict=True)
Mask = Literal["address", "mail", "user", "token"]


class MisfitError(ValueError):
    """A value that is wrong for a reason that its type does not tell."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise MisfitError(f"no such time zone{near(name, available_timezones())}") from None
    return name


def _format(name: str) -> str:
    if name != "auto":
        from connectors.formats.line import NAMES

        if name not in NAMES:
            raise MisfitError(f"no such format{near(name, ('auto', *NAMES))}; known: auto, {', '.join(NAMES)}")
    return name


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Check the operator's patterns; what they hold may be the very secret, so the message never shows it."""
    import re2

    options = re2.Options()
    options.log_errors = False
    for number, pattern in enumerate(patterns, 1):
        try:
            re2.compile(pattern, options)
        except re2.error:
            raise MisfitError(f"pattern {number} is no regular expression as RE2 takes them") from None
    return patterns


def _time(value: object) -> datetime:
    """Read a time as TOML, ISO 8601 or Python have it; without a zone it is UTC."""
    try:
        when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise MisfitError("a time in ISO 8601 would be right, such as 2026-01-31T12:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def near(name: str, known: Iterable[str]) -> str:
    """Name the nearest of what is known, as the end of a message; nothing if none is near."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


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
        AfterValidator(_format),
        Field(description="Wire format; auto looks at each line, since real files mix them."),
    ] = "auto"
    tz: Annotated[
        str, AfterValidator(_zone), Field(description="Zone of stamps that tell none; UTC, as servers should have it.")
    ] = "UTC"
    reference: Annotated[
        Annotated[datetime, BeforeValidator(_time)] | None,
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
            examples=[0.8],
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
        AfterValidator(_patterns),
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
        Field(ge=1, le=1 << 20, description="Lines a segment holds at most; as DuckDB's row groups."),
    ] = 98_304
    batch_mib: Annotated[
        int, Field(ge=1, le=1024, description="MiB a segment holds at most; a worker takes five times that.")
    ] = 12


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
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    backfill: BackfillSettings = field(default_factory=BackfillSettings)
    sql: SqlSettings = field(default_factory=SqlSettings)


SECTIONS: dict[str, Any] = {
    "lake": LakeSettings,
    "source": SourceSettings,
    "label": LabelSettings,
    "privacy": PrivacySettings,
    "backfill": BackfillSettings,
    "sql": SqlSettings,
}
"""The class of each section."""


def cores() -> int:
    """Count the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
