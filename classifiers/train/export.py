"""Write a linear model as ONNX: a quantised table, and the few operations that read it."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from classifiers.train.corpus import Labelled

F32 = npt.NDArray[np.float32]
_OPSET, _IR = 17, 8  # read by every onnxruntime of the last years


def quantised(table: F32) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float16]]:
    """Round a table (buckets, classes) to int8 with one float16 step a row."""
    step = (np.abs(table).max(1, initial=0.0) / 127).astype(np.float16)
    divisor = np.where(step == 0, np.float32(1), step.astype(np.float32))[:, None]
    return np.clip(np.rint(table / divisor), -127, 127).astype(np.int8), step


def write_model(path: Path, table: F32, bias: F32, temperature: float) -> str:
    """Write the model file; give its sha256.

    Inputs `bucket` int64 and `value` float32, both (kinds, features), unused places with value 0; output
    `probability` float32 (kinds, classes). One row at a time enters the sum, so a batch gives what single kinds give.
    """
    rows, step = quantised(table)
    constants = {"table": rows, "step": step, "bias": bias.astype(np.float32), "axis": np.array([1], np.int64)}
    constants["temperature"] = np.array(temperature, np.float32)
    nodes = [
        ("Gather", ["step", "bucket"], "step_at", {}),
        ("Cast", ["step_at"], "step_of", {"to": TensorProto.FLOAT}),
        ("Mul", ["value", "step_of"], "weight", {}),
        ("Unsqueeze", ["weight", "axis"], "weight_row", {}),
        ("Gather", ["table", "bucket"], "rows_at", {}),
        ("Cast", ["rows_at"], "rows", {"to": TensorProto.FLOAT}),
        ("MatMul", ["weight_row", "rows"], "sum_row", {}),
        ("Squeeze", ["sum_row", "axis"], "sum", {}),
        ("Add", ["sum", "bias"], "logits", {}),
        ("Div", ["logits", "temperature"], "cooled", {}),
        ("Softmax", ["cooled"], "probability", {"axis": -1}),
    ]
    graph = helper.make_graph(
        [helper.make_node(op, inputs, [out], name=out, **more) for op, inputs, out, more in nodes],
        "tiny",
        [_value("bucket", TensorProto.INT64, "features"), _value("value", TensorProto.FLOAT, "features")],
        [_value("probability", TensorProto.FLOAT, len(bias))],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR, producer_name="dioptre")
    onnx.checker.check_model(model)
    data = model.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Write a model card as JSON, keys in the order given."""
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_corpus(path: Path, kinds: Sequence[Labelled]) -> str:
    """Write the labelled kinds, one line each: leaf, masked app, template; give the file's sha256."""
    lines = "".join(f"{row.leaf}\t{row.kind.app}\t{row.kind.template}\n" for row in kinds)
    data = gzip.compress(lines.encode("utf-8", "replace"), 9, mtime=0)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _value(name: str, kind: int, width: str | int) -> Any:
    return helper.make_tensor_value_info(name, kind, ["kinds", width])
