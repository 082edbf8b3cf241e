"""Decoding fetched batches: kafka-python's own builder writes them, its own reader says what they hold."""

import gzip
import struct
from dataclasses import dataclass, field, replace
from io import BytesIO

import lz4.frame
import numpy as np
import pyarrow as pa
import pytest
import zstandard
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.codec import snappy_encode
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from connectors.kafka import codecs, records
from connectors.kafka.records import BadBatch, Decoded, Limits, decode

BY_ONE, BY_KERNEL = 1 << 40, 0
HEADER = 61
Record = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]
"""Time in ms, key, value, headers."""


@dataclass(frozen=True)
class Spec:
    """A batch: its records by offset delta, and what its header shall say."""

    records: dict[int, Record]
    codec: int = 0
    appended: bool = False
    control: bool = False
    producer: int = -1
    holes: int = 0
    """Offsets that compaction has taken from its end."""


@dataclass(frozen=True)
class Log:
    """Batches one behind the other; `bases`: their first offsets."""

    data: bytes = b""
    next: int = 0
    bases: list[int] = field(default_factory=list)


def log(*specs: Spec, first: int = 0) -> Log:
    made = Log(next=first)
    for spec in specs:
        made = replace(made, data=made.data + batch(spec, made.next), bases=[*made.bases, made.next])
        made = replace(made, next=made.next + max(spec.records, default=0) + 1 + spec.holes)
    return made


def batch(spec: Spec, base: int) -> bytes:
    """Let kafka-python build it, then do what the broker does: base offset, LogAppendTime, CRC."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=spec.codec, is_transactional=spec.producer >= 0, batch_size=1 << 30,
        producer_id=spec.producer, producer_epoch=0 if spec.producer >= 0 else -1, base_sequence=0 if spec.producer >= 0 else -1,
    )  # fmt: skip
    for delta, (ms, key, value, headers) in spec.records.items():
        builder.append(delta, ms, key, value, headers)
    made = bytearray(builder.build())
    (attributes, last) = struct.unpack_from(">hi", made, 21)
    attributes |= 0x08 * spec.appended | 0x20 * spec.control
    struct.pack_into(">hi", made, 21, attributes, last + spec.holes)
    return sealed(made, base)


def sealed(made: bytearray, base: int) -> bytes:
    struct.pack_into(">q", made, 0, base)
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">I", made, 17, crc32c(made[21:]))
    return bytes(made)


def lines(n: int, size: int = 20) -> dict[int, Record]:
    return {i: (1_700_000_000_000 + i, None, f"line {i} ".encode() * (size // 7), []) for i in range(n)}


def oracle(data: bytes, start: int) -> list[tuple[int, int, bool, bytes | None]]:
    """What kafka-python reads, the records of control batches left out as its fetcher does."""
    found = []
    for part in MemoryRecords(data):
        if part.magic < 2 or not part.is_control_batch:
            found += [(r.offset, r.timestamp, r.timestamp_type == 1, r.value) for r in part if r.offset >= start]
    return [(o, -1 if t is None else t, a, None if v is None else bytes(v)) for o, t, a, v in found]


def told(found: Decoded) -> list[tuple[int, int, bool, bytes | None]]:
    found.values.validate(full=True)
    columns = (found.offsets.tolist(), found.timestamps.tolist(), found.appended.tolist(), found.values.to_pylist())
    return list(zip(*columns, strict=True))


def both(data: bytes, start: int, **kwargs: object) -> Decoded | str:
    """Decode by one and by the kernel, which must agree; the message of an error."""
    answers: list[Decoded | str] = []
    for few in (BY_ONE, BY_KERNEL):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(records, "FEW_RECORDS", few)
            try:
                answers.append(decode(data, start, **kwargs))  # type: ignore[arg-type]
            except BadBatch as bad:
                answers.append(f"{bad} [{bad.first}, {bad.next})")
    one, many = answers
    if isinstance(one, str) or isinstance(many, str):
        assert one == many
        return one
    assert told(one) == told(many)
    assert one.next_offset == many.next_offset
    return one


def good(data: bytes, start: int, **kwargs: object) -> Decoded:
    found = both(data, start, **kwargs)
    assert isinstance(found, Decoded), found
    return found


TEXT = st.none() | st.binary(max_size=200)
HEADERS = st.lists(st.tuples(st.text(max_size=5), TEXT), max_size=3)
RECORD = st.tuples(st.integers(0, 1 << 45), TEXT, TEXT, HEADERS)


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    gaps = draw(st.lists(st.integers(1, 3), max_size=12))
    deltas = np.cumsum([0, *gaps]).tolist()
    return Spec(
        {delta: draw(RECORD) for delta in deltas},
        draw(st.integers(0, 4)),
        draw(st.booleans()),
        holes=draw(st.integers(0, 3)),
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(specs(), max_size=5), st.integers(0, 1 << 40), st.integers(0, 60), st.integers(0, 40))
def test_any_batches_read_as_kafka_python_reads_them(many: list[Spec], first: int, skip: int, cut: int) -> None:
    made = log(*many, first=first)
    whole = made.data[: len(made.data) - cut]
    found = good(whole, first + skip)
    assert told(found) == oracle(whole, first + skip)
    if not cut:
        assert found.next_offset == max(made.next, first + skip)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(specs(), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=4),
    st.booleans(),
)
def test_any_damage_gives_one_error_or_the_same_records_twice(
    many: list[Spec], noise: list[tuple[int, int]], check: bool
) -> None:
    data = bytearray(log(*many).data)
    for at, byte in noise:
        data[at % len(data)] = byte
    found = both(bytes(data), 0, check_crc=check, limits=Limits(1 << 20, 1 << 20))
    assert isinstance(found, Decoded) or found.startswith("the record batch at offset ")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(RECORD, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_records_damaged_under_a_right_crc_never_leave_their_batch(
    many: list[Record], noise: list[tuple[int, int]]
) -> None:
    made = bytearray(batch(Spec(dict(enumerate(many))), 0))
    for at, byte in noise:
        made[HEADER + at % (len(made) - HEADER)] = byte
    found = both(sealed(made, 0), 0)
    assert isinstance(found, Decoded) or "leave their bounds" in found


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_no_batch_or_an_error(data: bytes) -> None:
    both(data, 0)


@pytest.mark.parametrize("codec", range(5))
def test_thousands_of_records_read_alike_in_each_codec(codec: int) -> None:
    made = log(*[Spec(lines(500, 200), codec) for _ in range(6)], first=7)
    found = decode(made.data, 7)
    assert told(found) == oracle(made.data, 7)
    assert len(found.values) == 3000 >= records.FEW_RECORDS


def test_a_fetch_that_begins_in_a_batch_leaves_out_what_stands_before() -> None:
    made = log(Spec(lines(5)), Spec(lines(5)))
    assert good(made.data, 7).offsets.tolist() == [7, 8, 9]
    assert good(made.data, 10).next_offset == 10


def test_a_partial_batch_at_the_end_is_ignored() -> None:
    made = log(Spec(lines(5)), Spec(lines(5)))
    found = good(made.data[:-1], 0)
    assert (len(found.offsets), found.next_offset) == (5, 5)
    assert good(made.data[:30], 3).next_offset == 3


def test_a_tombstone_is_null_and_an_empty_value_is_not() -> None:
    found = good(log(Spec({0: (1, b"k", None, []), 1: (2, None, b"", []), 2: (3, b"k", b"v", [("h", None)])})).data, 0)
    assert found.values.to_pylist() == [None, b"", b"v"]


def test_compacted_offsets_stay_away_and_the_end_of_their_batch_counts() -> None:
    found = good(log(Spec({0: (1, None, b"a", []), 7: (2, None, b"b", [])}, holes=4), Spec({}, holes=2)).data, 0)
    assert found.offsets.tolist() == [0, 7]
    assert found.next_offset == 12 + 3


def test_with_log_append_time_the_time_is_the_broker_s() -> None:
    found = good(log(Spec(lines(2)), Spec(lines(2), appended=True)).data, 0)
    assert found.appended.tolist() == [False, False, True, True]
    assert found.timestamps.tolist() == [1_700_000_000_000 + i for i in (0, 1, 1, 1)]


def marker(producer: int, kind: int) -> Spec:
    return Spec({0: (1, struct.pack(">hh", 0, kind), b"\0" * 6, [])}, control=True, producer=producer)


def test_records_of_aborted_transactions_and_markers_are_left_out() -> None:
    made = log(
        Spec(lines(2), producer=1), Spec(lines(2), producer=2), marker(1, 0),
        Spec(lines(1), producer=1), marker(2, 1), Spec(lines(1)), marker(1, 1),
    )  # fmt: skip
    found = good(made.data, 0, aborted=[(1, 0)])
    assert found.offsets.tolist() == [2, 3, 5, 7]
    assert found.next_offset == 9
    assert good(made.data, 5, aborted=[(1, 0)]).offsets.tolist() == [5, 7]
    assert good(made.data, 0).offsets.tolist() == [0, 1, 2, 3, 5, 7]


def test_only_markers_and_aborted_records_move_on_without_a_row() -> None:
    found = good(log(Spec(lines(3), producer=1), marker(1, 0)).data, 0, aborted=[(1, 0)])
    assert (told(found), found.next_offset) == ([], 4)
    assert found.values.type == pa.binary()


def test_reading_in_parts_gives_what_reading_at_once_gives() -> None:
    made = log(*[Spec(lines(50), codec) for codec in (0, 1, 2, 3, 4)])
    at, rows, parts = 0, [], 0
    while at < made.next:
        found = good(made.data, at, limits=Limits(total=1))
        rows, at, parts = rows + told(found), found.next_offset, parts + 1
    assert rows == oracle(made.data, 0)
    assert parts == 5


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1, 2, 3])
def test_message_sets_older_than_batches_read_as_kafka_python_reads_them(magic: int, codec: int) -> None:
    if (magic, codec) == (0, 3):
        pytest.skip("kafka-python writes it only with xxhash installed")
    builder = MemoryRecordsBuilder(magic, codec, 1 << 20)
    for i in range(5):
        builder.append(1_700_000_000_000 + i, b"k", None if i == 3 else b"v" * i)
    builder.close()
    old = bytearray(builder.buffer())
    if codec:
        struct.pack_into(">q", old, 0, 4)  # the broker gives a wrapper the offset of its last message
    data = bytes(old) + log(Spec(lines(2)), first=5).data
    found = good(data, 2)
    assert told(found) == oracle(data, 2)
    assert (found.offsets.tolist(), found.next_offset) == ([2, 3, 4, 5, 6], 7)
    assert "cannot be read" in str(both(data[:20] + bytes([data[20] ^ 1]) + data[21:], 0))


def test_good_batches_in_front_of_a_bad_one_are_not_lost() -> None:
    made = log(Spec(lines(3)), Spec(lines(3)))
    for at in (-1, len(made.data) // 2 + 16):
        data = bytearray(made.data)
        data[at] ^= 1
        found = good(bytes(data), 0)
        assert (len(found.offsets), found.next_offset) == (3, 3)
        assert "at offset 3 cannot be read" in str(both(bytes(data), 3))


def test_a_batch_out_of_order_is_refused_and_what_stands_before_it_given() -> None:
    made = bytearray(batch(Spec({0: (1, None, b"a", []), 2: (1, None, b"b", [])}), 0))
    made[-5] = 0  # the second offset delta
    data = log(Spec(lines(3))).data + sealed(made, 3)
    found = good(data, 0)
    assert (len(found.offsets), found.next_offset) == (3, 3)
    assert both(data, 3) == (
        "the record batch at offset 3 cannot be read: its records leave their bounds, or their order [3, 6)"
    )


def test_an_error_tells_what_may_be_passed_over_and_what_may_mend() -> None:
    made = bytearray(log(Spec(lines(3)), first=40).data)
    made[-1] ^= 1
    with pytest.raises(BadBatch, match="offset 40 cannot be read: its CRC-32C") as damaged:
        decode(bytes(made), 40)
    assert (damaged.value.first, damaged.value.next, damaged.value.damaged) == (40, 40, True)
    made[22] |= 5
    with pytest.raises(BadBatch, match="codec 5 is not known; known are gzip, snappy, lz4, zstd") as unknown:
        decode(sealed(made, 40), 40)
    assert (unknown.value.first, unknown.value.next, unknown.value.damaged) == (40, 43, False)


def packed(codec: int, body: bytes) -> bytes:
    made = bytearray(batch(Spec(lines(1)), 0))
    made[22] |= codec
    return sealed(made[:HEADER] + body, 0)


BOMB = b"\0" * (4 << 20)


def zstd_without_size(data: bytes) -> bytes:
    made = BytesIO()
    with zstandard.ZstdCompressor().stream_writer(made, closefd=False) as writer:
        writer.write(data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("codec", "body"),
    [
        (1, gzip.compress(BOMB)),
        (2, snappy_encode(BOMB)),
        (2, snappy_encode(BOMB, xerial_compatible=False)),
        (3, lz4.frame.compress(BOMB)),
        (4, zstandard.compress(BOMB)),
        (4, zstd_without_size(BOMB)),
    ],
)
def test_a_bomb_is_named_and_not_unpacked(codec: int, body: bytes) -> None:
    found = both(packed(codec, body), 0, limits=Limits(batch=1 << 20))
    assert found == "the record batch at offset 0 cannot be read: it decompresses to more than 1048576 bytes [0, 1)"


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
@pytest.mark.parametrize("body", [b"", b"junk" * 9, b"\x82SNAPPY\0\0\0\0\1\0\0\0\1\x7f\xff\xff\xff"])
def test_what_a_codec_cannot_read_is_an_error_of_ours(codec: int, body: bytes) -> None:
    assert "cannot be read: " in str(both(packed(codec, body), 0))


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_each_codec_may_come_in_several_members_or_blocks(codec: int) -> None:
    encode = {1: gzip.compress, 2: snappy_encode, 3: lz4.frame.compress, 4: zstandard.compress}[codec]
    text = bytes(range(256)) * 600
    whole = encode(text) if codec == 2 else encode(text[:1000]) + encode(text[1000:])
    assert codecs.undo(codec, memoryview(whole), len(text)) == text
    with pytest.raises(codecs.TooLarge):
        codecs.undo(codec, memoryview(whole), len(text) - 1)


def test_a_count_that_its_bytes_cannot_hold_takes_no_memory() -> None:
    made = bytearray(batch(Spec(lines(1)), 0))
    struct.pack_into(">i", made, 57, 1 << 30)
    assert "1073741824 records do not fit into its" in str(both(sealed(made, 0), 0))
