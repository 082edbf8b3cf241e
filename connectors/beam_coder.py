"""Coders for Beam: a RecordBatch travels as an Arrow IPC stream, and its size is known without encoding it."""

import apache_beam as beam
import pyarrow as pa
from apache_beam.coders import Coder
from apache_beam.coders.coder_impl import CoderImpl


class _RecordBatchImpl(CoderImpl):
    """Whole stream in, whole stream out; Beam's sampling asks for the size of every element."""

    def encode_to_stream(self, value: pa.RecordBatch, out: object, nested: bool) -> None:
        out.write(self.encode(value), nested)  # type: ignore[attr-defined]

    def decode_from_stream(self, source: object, nested: bool) -> pa.RecordBatch:
        return self.decode(source.read_all(nested))  # type: ignore[attr-defined]

    def encode(self, value: pa.RecordBatch) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, value.schema, options=pa.ipc.IpcWriteOptions(use_threads=False)) as stream:
            stream.write_batch(value)
        return bytes(sink.getvalue())

    def decode(self, encoded: bytes) -> pa.RecordBatch:
        return pa.ipc.open_stream(encoded).read_next_batch()

    def estimate_size(self, value: pa.RecordBatch, nested: bool = False) -> int:
        return int(value.nbytes)

    def get_estimated_size_and_observables(
        self, value: pa.RecordBatch, nested: bool = False
    ) -> tuple[int, list[object]]:
        return self.estimate_size(value, nested), []


class RecordBatchCoder(Coder):
    """Encodes a pyarrow RecordBatch with its schema and metadata; not deterministic, so never a key."""

    def _create_impl(self) -> CoderImpl:
        return _RecordBatchImpl()

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> object:
        return pa.RecordBatch


beam.coders.registry.register_coder(pa.RecordBatch, RecordBatchCoder)
