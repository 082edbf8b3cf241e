"""Sessions of onnxruntime as every model here is served: one thread, no arena, from bytes that were checked."""

from typing import Any


def session(data: bytes) -> Any:
    """Open a model, given as the bytes of its file."""
    import onnxruntime  # here: 30 MB that the edge does without

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
