"""Answers to queries, written as a table, JSON, JSON lines, CSV or Parquet, to stdout or whole into a file."""

import contextlib
import csv
import io
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pipeline.cli.errors import CommandError
from pipeline.cli.output import SCHEMA_VERSION, clean, to_json
from pipeline.cli.tables import Column, table

if TYPE_CHECKING:
    import pyarrow as pa

_FORMULA = ("=", "+", "-", "@", "\t", "\n")


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def write(answer: "pa.Table", form: Format, to: Path | None) -> None:
    """Write an answer.

    Args:
        to: a file, which appears whole or not at all; None: stdout.

    Raises:
        CommandError: Parquet to a terminal, or a table into a file.
    """
    if to is not None:
        _into_file(answer, form, to)
    elif form == Format.TABLE:
        show(answer)
    elif form == Format.PARQUET and sys.stdout.isatty():
        raise CommandError("Parquet is not for a terminal", "name a file with -o, or pipe it on")
    elif form == Format.PARQUET:
        sys.stdout.flush()
        _WRITERS[form](answer, sys.stdout.buffer)
    else:
        written = io.BytesIO()
        _WRITERS[form](answer, written)
        sys.stdout.write(written.getvalue().decode())


def show(answer: "pa.Table") -> None:
    """Print an answer as a table; text columns are the ones to be cut."""
    import pyarrow.types as types

    columns = [
        Column(f.name, right=types.is_integer(f.type) or types.is_floating(f.type) or types.is_decimal(f.type),
               wide=not types.is_temporal(f.type) and not types.is_primitive(f.type))
        for f in answer.schema
    ]  # fmt: skip
    table(columns, ([_shown(v) for v in row.values()] for row in rows(answer)))


def rows(answer: "pa.Table") -> Iterator[dict[str, Any]]:
    """Yield rows as objects whose values JSON knows, or times; columns of one name are told apart by a number."""
    answer = answer.rename_columns(_distinct(answer.schema.names))
    for batch in answer.to_batches(max_chunksize=10_000):
        for row in batch.to_pylist():
            yield {name: _plain(value) for name, value in row.items()}


def _distinct(names: list[str]) -> list[str]:
    told: list[str] = []
    for name in names:
        number, free = 1, name
        while free in told:
            number += 1
            free = f"{name}_{number}"
        told.append(free)
    return told


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows; times stay, to be written in one way by all."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and abs(value) < 10**38 else float(value)
    if isinstance(value, float):
        return value if value - value == 0 else None  # JSON knows neither infinity nor NaN
    if isinstance(value, list):
        if value and all(isinstance(v, tuple) and len(v) == 2 for v in value):  # a map
            return {str(k): _plain(v) for k, v in value}
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, date | time) and not isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, timedelta) else value


def _shown(value: Any) -> Any:
    """Write a value for a table of answers: numbers without commas, times with what microseconds they have."""
    if isinstance(value, list | dict):
        return to_json(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).replace(tzinfo=None).isoformat(" ")
    if isinstance(value, float):
        import numpy as np

        short = np.float32(value)
        return str(short if float(short) == value else value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _json(answer: "pa.Table", to: BinaryIO) -> None:
    columns = [
        {"name": n, "type": str(f.type)} for n, f in zip(_distinct(answer.schema.names), answer.schema, strict=True)
    ]
    to.write(f'{{"schema_version": {SCHEMA_VERSION}, "columns": {to_json(columns)}, "rows": ['.encode())
    for i, row in enumerate(rows(answer)):
        to.write(("," if i else "").encode() + b"\n" + to_json(row).encode())
    to.write(b"\n]}\n")


def _jsonl(answer: "pa.Table", to: BinaryIO) -> None:
    for row in rows(answer):
        to.write(to_json(row).encode() + b"\n")


def _csv(answer: "pa.Table", to: BinaryIO) -> None:
    """Write CSV that neither a spreadsheet executes nor a terminal obeys."""
    text = io.TextIOWrapper(to, "utf-8", errors="backslashreplace", newline="", write_through=True)
    out = csv.writer(text, lineterminator="\n")
    out.writerow([tamed(name) for name in _distinct(answer.schema.names)])
    for row in rows(answer):
        out.writerow([_csv_cell(value) for value in row.values()])
    text.detach()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return tamed(to_json(value))
    if isinstance(value, datetime):
        return to_json(value).strip('"')
    return tamed(value) if isinstance(value, str) else value


def tamed(text: str) -> str:
    """Keep text from being run as a formula (a quote goes in front) and from steering a terminal (visible escapes)."""
    text = "\n".join(clean(line) for line in text.split("\n"))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _parquet(answer: "pa.Table", to: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(answer.rename_columns(_distinct(answer.schema.names)), to, compression="zstd")


_WRITERS: dict[Format, Callable[["pa.Table", BinaryIO], None]] = {
    Format.JSON: _json, Format.JSONL: _jsonl, Format.CSV: _csv, Format.PARQUET: _parquet
}  # fmt: skip


def _into_file(answer: "pa.Table", form: Format, to: Path) -> None:
    """Write beside, then rename."""
    if form == Format.TABLE:
        raise CommandError("a table is for reading, not for a file", "--format csv, json, jsonl or parquet go with -o")
    aside = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        with aside.open("wb") as out:
            _WRITERS[form](answer, out)
        aside.replace(to)
    finally:
        with contextlib.suppress(OSError):
            aside.unlink()
