"""What is meant by the names that people give: a lake, a file of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.app import settings

if TYPE_CHECKING:
    from connectors.lake import Lake


def root_of(lake: Path | None) -> Path:
    """Give the folder of the lake that is meant."""
    return settings({"lake.path": lake}).settings.lake.path


def sources_of(lake: "Lake", told: str) -> list[str]:
    """Find the sources of a file by its name; what names no file is taken for a source."""
    named = [s for s in lake.sources() if told in {g.footer.get("name") for g in lake.chain(s).segments()}]
    return named or [told]
