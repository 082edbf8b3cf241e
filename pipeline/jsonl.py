"""Records wrapped in JSON lines: one field of each object is the record, `id` names it."""

import base64 as b64
import binascii
import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.inflow import records_of

LINE_LIMIT = 16 << 20
"""Bytes of a JSON line; a longer one is no record."""


class _Fault(Exception):  # noqa: N818 - what is wrong with a line, caught here
    """(status, reason, detail)."""


@dataclass(frozen=True)
class Line:
    """What a line held: the position of its record, or why there is none. `id`: JSON, None if it told none."""

    offset: int
    id: str | None = None
    status: str = "ok"
    reason: str | None = None
    detail: str | None = None


class Unwrap:
    """Takes records out of JSON lines.

    Args:
        field: name of the field; None: each line is the record itself.
        base64: the record is written in base64.
        limit: bytes of a record; what is longer is cut and flagged.

    Records have nothing to do with one another: the batches say so (`alone`).
    """

    def __init__(self, field: str | None, *, base64: bool, limit: int) -> None:
        self._field, self._base64, self._limit = field, base64, limit
        self._decoder = json.JSONDecoder(parse_constant=_no_constant)

    def unwrap(self, lines: pa.RecordBatch) -> tuple[list[Line], pa.RecordBatch]:
        """Give what each line held, and the RECORDS batch of those that held a record."""
        told: list[Line] = []
        records: list[tuple[bytes, int, bool]] = []
        columns = (lines.column(name).to_pylist() for name in ("raw", "source_offset", "truncated"))
        for raw, offset, truncated in zip(*columns, strict=True):
            line, record = self._line(raw, offset, truncated)
            told.append(line)
            if record is not None:
                records.append((record[: self._limit], offset, truncated or len(record) > self._limit))
        now = lines.column("observed_ts")[0].value if lines.num_rows else 0
        return told, records_of(records, now).replace_schema_metadata({"alone": "1"})

    def _line(self, raw: bytes, offset: int, truncated: bool) -> tuple[Line, bytes | None]:
        name: str | None = None
        try:
            if self._field is None:
                return Line(offset), self._decoded(raw.rstrip(b"\r\n"))
            found = self._object(raw, truncated)
            name = json.dumps(found["id"]) if "id" in found else None
            return Line(offset, name), self._record(found)
        except _Fault as fault:
            return Line(offset, name, *fault.args), None

    def _object(self, raw: bytes, truncated: bool) -> dict[str, Any]:
        if truncated:
            raise _Fault("reject", "bad_jsonl", f"longer than {LINE_LIMIT:,} bytes")
        try:
            found = self._decoder.decode(raw.decode("utf-8-sig", "surrogateescape"))
        except (ValueError, RecursionError) as error:
            raise _Fault("reject", "bad_jsonl", f"not JSON: {error}") from None
        if not isinstance(found, dict):
            raise _Fault("reject", "bad_jsonl", "not an object")
        return found

    def _record(self, found: dict[str, Any]) -> bytes:
        assert self._field is not None
        if self._field not in found:
            raise _Fault("skip", "missing_field", f"no field {self._field!r}")
        value = found[self._field]
        if value is None:
            raise _Fault("skip", "tombstone", None)
        if not isinstance(value, str):
            raise _Fault("reject", "bad_jsonl", f"field {self._field!r} is no text")
        return self._decoded(_bytes(value))

    def _decoded(self, record: bytes) -> bytes:
        if not self._base64:
            return record
        try:
            return b64.b64decode(record, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _Fault("reject", "bad_base64", str(error)) from None


def _bytes(text: str) -> bytes:
    """Encode; bytes that were no UTF-8 come back as they were, other lone surrogates as three bytes each."""
    for errors in ("strict", "surrogateescape", "surrogatepass"):
        try:
            return text.encode("utf-8", errors)
        except UnicodeEncodeError:
            continue
    raise ValueError(f"cannot encode {text!r}")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
