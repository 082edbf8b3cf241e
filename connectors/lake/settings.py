"""lake.json: the few facts that hold for a whole lake."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from connectors.lake import commit
from connectors.lake.layout import EMPTY, FORMAT_VERSION, SETTINGS, LakeError, VersionError

GRACE_S = 7200.0
"""What a compaction replaced goes so much later: a statement that began before may read it so long."""


@dataclass(frozen=True)
class Settings:
    """What lake.json says; the footer of the permanent zero-row segment says it too, so that repair can mend it."""

    format_version: int
    range_size: int
    taxonomy_hash: str
    created_at: str


def settings_json(settings: Settings) -> bytes:
    """Write settings as lake.json holds them."""
    return (json.dumps(asdict(settings), indent=1) + "\n").encode()


def parse_settings(told: Any) -> Settings:
    """Make settings of decoded JSON.

    Raises:
        LakeError: something is missing, of the wrong type, or of a newer version.
    """
    if not isinstance(told, dict) or not isinstance(told.get("format_version"), int):
        raise LakeError("damaged: no format_version in it; `dioptre lake repair` restores it")
    if told["format_version"] != FORMAT_VERSION:
        version = told["format_version"]
        raise VersionError(
            f"format version {version}, this dioptre reads {FORMAT_VERSION}; use a dioptre that reads it"
        )
    if not isinstance(told.get("range_size"), int) or told["range_size"] <= 0:
        raise LakeError(f"damaged: range_size is {told.get('range_size')!r}; `dioptre lake repair` restores it")
    return Settings(FORMAT_VERSION, told["range_size"], str(told.get("taxonomy_hash")), str(told.get("created_at")))


def read_settings(root: Path) -> Settings:
    """Read lake.json.

    Raises:
        LakeError: the folder is no lake, or lake.json is damaged or of another version.
    """
    path = root / SETTINGS
    with commit.told(path, "read"):
        if not path.exists():
            raise LakeError(_no_lake(root))
        data = path.read_bytes()
    try:
        return parse_settings(json.loads(data))
    except ValueError as error:
        raise LakeError(f"{path}: damaged: not JSON: {error}; `dioptre lake repair` restores it") from error
    except LakeError as error:
        raise type(error)(f"{path}: {error}") from error


def _no_lake(root: Path) -> str:
    """Say why there is no lake here, and what would be right."""
    how = f"`dioptre backfill SOURCE --lake {root}` makes one"
    if not root.exists():
        return f"{root}: no such folder; {how}"
    if not root.is_dir():
        return f"{root}: not a folder; name the folder of a lake"
    if (root / EMPTY).exists():
        return f"{root}: a lake without its {SETTINGS}; `dioptre lake repair --lake {root}` restores it"
    inside = sorted(path.parent.name for path in root.glob(f"*/{SETTINGS}"))
    return f"{root}: not a lake: no {SETTINGS} in it; " + (f"did you mean {root / inside[0]}?" if inside else how)
