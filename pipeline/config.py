"""The configuration: dioptre.toml, then DIOPTRE_SECTION_KEY, then flags; checked as a whole, all faults at once."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from pipeline import config_sources as sources
from pipeline.config_sources import MASKED, ConfigError, Given
from pipeline.settings import SECTIONS, Settings, cores

if TYPE_CHECKING:
    from pipeline.job import Job

__all__ = ["MASKED", "Config", "ConfigError", "Value", "check", "load", "schema"]


@dataclass(frozen=True)
class Value:
    """One setting as it holds: `origin` is `default`, the file, the environment variable, or `command line`."""

    key: str
    value: object
    origin: str
    secret: bool
    description: str


@dataclass(frozen=True)
class Config:
    """A configuration that was checked. `file` is the dioptre.toml read, None if there was none."""

    settings: Settings
    file: Path | None
    origins: Mapping[str, str]

    @property
    def workers(self) -> int:
        """Processes for a backfill."""
        return self.settings.backfill.workers or cores()

    def job(self, *, stored: bool = True) -> "Job":
        """Build what a worker needs to know.

        Args:
            stored: into the lake of this configuration; False: nothing is stored and nothing known.
        """
        from connectors.formats.parse import Reading
        from connectors.privacy import Masks
        from pipeline.job import Job

        s, said = self.settings, self.settings.source
        return Job(
            lake=s.lake.path if stored else None,
            reading=Reading(said.format, ZoneInfo(said.tz), dict(said.fields), said.reference, said.keep_raw),
            masks=Masks(s.privacy.mask, s.privacy.patterns),
            rules=s.label.rules,
            model=s.label.model,
            floor=s.label.floor,
            batch_rows=s.backfill.batch_rows,
            batch_bytes=s.backfill.batch_mib << 20,
            coefficients=s.ledger.coefficients(),
            large=s.label.large,
            edge=s.label.profile == "edge",
            remote=s.remote,
            precision=s.precision,
        )

    def values(self) -> Iterator[Value]:
        """List every setting, secrets masked."""
        for key, spec in sources.specs().items():
            section, _, name = key.partition(".")
            value = getattr(getattr(self.settings, section), name)
            shown = MASKED if spec.secret and value else sources.without_secrets(value)
            yield Value(key, shown, self.origins.get(key, "default"), spec.secret, spec.description)


def load(
    flags: Mapping[str, Any] | None = None, *, file: Path | None = None, env: Mapping[str, str] | None = None
) -> Config:
    """Put the configuration together: the file, over it the environment, over it the flags.

    Args:
        flags: "section.key" -> value, only those that were given.
        file: the dioptre.toml; else DIOPTRE_CONFIG, ./dioptre.toml, ~/.config/dioptre/dioptre.toml, or none.
        env: the environment; os.environ unless given.

    Raises:
        ConfigError: the message names everything there is to mend.
    """
    env = os.environ if env is None else env
    path = sources.find(file, env)
    layers = [sources.from_file(path)] if path else []
    layers += [sources.from_env(env), sources.from_flags(flags or {})]
    return _checked(layers, path)


def check(path: Path) -> Config:
    """Check one file by itself.

    Raises:
        ConfigError: the message names everything there is to mend.
    """
    return _checked([sources.from_file(path)], path)


def _checked(layers: list[list[Given]], path: Path | None) -> Config:
    """Lay the layers over one another and check the whole."""
    given = {g.key: g for layer in layers for g in layer}
    faults = [g for g in given.values() if g.fault]
    settings, more = sources.validated(_adapter(), {k: g for k, g in given.items() if not g.fault})
    if settings is not None:
        more += _unheard(settings, given)
    if faults or more:
        raise ConfigError(sources.message([*faults, *more]))
    assert settings is not None
    return Config(settings, path, {key: g.origin for key, g in given.items()})


def _unheard(settings: Settings, given: Mapping[str, Given]) -> list[Given]:
    """Refuse a floor that no answer of the server reaches: every call would be paid for nothing."""
    floor = settings.label.floor
    if not settings.remote.url or floor is None:
        return []
    from classifiers.remote import CONFIDENCE

    if floor <= CONFIDENCE:
        return []
    why = f"above {CONFIDENCE}, what an answer of the server at remote.url counts for; a lower floor, or no server"
    return [replace(given["label.floor"], fault=f"label.floor = {floor}: {why}, would be right")]


def schema() -> dict[str, Any]:
    """Give the JSON schema of dioptre.toml."""
    found = _adapter().json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "dioptre.toml"}


@cache
def _adapter() -> TypeAdapter[Settings]:
    return TypeAdapter(Settings)


def defaults() -> Iterator[tuple[str, str, Iterable[tuple[str, object, str]]]]:
    """List each section: name, what it is for, and its (key, default or else an example, description)."""
    for section, kind in SECTIONS.items():
        made, doc = kind(), str(kind.__doc__).partition(": ")[2]
        found = {f.name: sources.specs()[f"{section}.{f.name}"] for f in fields(made)}
        yield (
            section,
            doc,
            (
                (
                    n,
                    getattr(made, n) or (spec.example if spec.example is not None else getattr(made, n)),
                    spec.description,
                )
                for n, spec in found.items()
            ),
        )
