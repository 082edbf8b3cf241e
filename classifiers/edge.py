"""The tiny model without onnxruntime: the same file, its one matrix product in numpy, and 30 MB less in memory.

The file is ONNX, a protocol buffer. Of it only the constants are read, and only if the operations are the ones that
this module computes: softmax((value * step[bucket]) @ table[bucket] + bias, over a temperature).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.card import ModelError

OPERATIONS = (
    "Gather", "Cast", "Mul", "Unsqueeze", "Gather", "Cast", "MatMul", "Squeeze", "Add", "Div", "Softmax",
)  # fmt: skip
"""What the graph does, in order."""

_TYPES: Mapping[int, type[np.generic]] = {1: np.float32, 2: np.uint8, 3: np.int8, 7: np.int64, 10: np.float16}
_GRAPH, _NODE, _INITIALIZER, _OPERATION = 7, 1, 5, 4  # fields of ModelProto, GraphProto, NodeProto
_DIMS, _TYPE, _NAME, _RAW = 1, 2, 8, 9  # fields of TensorProto


class EdgeSession:
    """A session of the tiny model; `run` is called as onnxruntime's.

    Raises:
        ModelError: the file holds another graph.
    """

    def __init__(self, data: bytes) -> None:
        graph = next((value for field, value in _fields(memoryview(data)) if field == _GRAPH), memoryview(b""))
        found = list(_fields(graph)) if isinstance(graph, memoryview) else []
        does = tuple(_operation(value) for field, value in found if field == _NODE)
        if does != OPERATIONS:
            raise ModelError(f"tiny: {', '.join(does)[:200]}: another graph than the edge computes; profile = 'full'")
        constants = dict(_tensor(value) for field, value in found if field == _INITIALIZER)
        self._table, self._step, self._bias = (constants[name] for name in ("table", "step", "bias"))
        self._temperature = np.float32(constants["temperature"])

    def run(self, _: None, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[np.float32]]:
        """Give probabilities (n, leaves) of `bucket` (n, features) and `value` (n, features)."""
        bucket, value = feed["bucket"], feed["value"]
        weight = value.astype(np.float32) * self._step[bucket].astype(np.float32)
        out = np.empty((len(bucket), len(self._bias)), np.float32)
        for row, at, by in zip(out, bucket, weight, strict=True):
            row[:] = by @ self._table[at].astype(np.float32)
        x = (out + self._bias) / self._temperature
        e = np.exp(x - x.max(1, keepdims=True))
        return [np.asarray(e / e.sum(1, keepdims=True), np.float32)]


def _operation(node: memoryview | int) -> str:
    assert isinstance(node, memoryview)
    return next((bytes(v).decode() for field, v in _fields(node) if field == _OPERATION and not isinstance(v, int)), "")


def _tensor(data: memoryview | int) -> tuple[str, npt.NDArray[Any]]:
    """Read a constant whose values stand as raw bytes."""
    assert isinstance(data, memoryview)
    dims: list[int] = []
    name, kind, raw = "", 0, b""
    for field, value in _fields(data):
        if field == _DIMS:
            dims += [value] if isinstance(value, int) else _numbers(value)
        elif field == _TYPE and isinstance(value, int):
            kind = value
        elif field == _NAME and not isinstance(value, int):
            name = bytes(value).decode()
        elif field == _RAW and not isinstance(value, int):
            raw = bytes(value)
    if kind not in _TYPES or not raw:
        raise ModelError(f"tiny: constant {name!r} of type {kind}: not as the edge reads it; profile = 'full'")
    return name, np.frombuffer(raw, np.dtype(_TYPES[kind]).newbyteorder("<")).reshape(dims)


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Walk the fields of a message: varints as numbers, all else as bytes.

    Source: Protocol Buffers, Encoding (wire types 0, 1, 2, 5).
    """
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        size, at = _varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
        yield tag >> 3, data[at : at + size]
        at += size


def _numbers(data: memoryview) -> list[int]:
    out, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        out.append(value)
    return out


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
