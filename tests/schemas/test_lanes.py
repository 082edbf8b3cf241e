"""What LLVM makes of each primitive gives what its definition in Python gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import lanes

BYTES = st.binary(min_size=80, max_size=80).map(lambda data: np.frombuffer(data, np.uint8))
BITS = st.one_of(st.integers(0, 2**64 - 1), st.sampled_from([0, 1, 1 << 63])).map(np.uint64)


@settings(max_examples=200, deadline=None)
@given(BYTES, st.integers(0, 16), st.integers(0, 255))
def test_bytes_are_compared_and_loaded_as_defined(data: np.ndarray, at: int, byte: int) -> None:  # type: ignore[type-arg]
    for primitive in (lanes.equal, lanes.up_to):
        assert compiled(primitive)(data, at, byte) == primitive(data, at, byte)
        assert compiled(primitive)(data, at, int(data[at])) == primitive(data, at, int(data[at]))
    assert compiled(lanes.eight)(data, at) == lanes.eight(data, at)


@settings(max_examples=200, deadline=None)
@given(BYTES, st.integers(0, 80), st.integers(-1, 12))
def test_a_few_bytes_are_loaded_up_to_the_last(data: np.ndarray, at: int, size: int) -> None:  # type: ignore[type-arg]
    end = min(80, at + size)
    want = int.from_bytes(data[at : max(at, min(end, at + 8))].tobytes(), "little")
    assert compiled(lanes.load)(data, at, end) == lanes.load(data, at, end) == want


@settings(max_examples=200, deadline=None)
@given(BYTES, st.integers(0, 48), st.integers(0, 48))
def test_bytes_are_copied_as_defined(data: np.ndarray, at: int, to: int) -> None:  # type: ignore[type-arg]
    ours, theirs = np.zeros(80, np.uint8), np.zeros(80, np.uint8)
    lanes.copy(data, at, ours, to)
    compiled(lanes.copy)(data, at, theirs, to)
    assert ours.tolist() == theirs.tolist()
    assert ours[to : to + 32].tolist() == data[at : at + 32].tolist()


@settings(max_examples=200, deadline=None)
@given(BITS)
def test_bits_are_found_and_counted_as_defined(bits: np.uint64) -> None:
    assert compiled(lanes.lowest)(bits) == lanes.lowest(bits)
    assert compiled(lanes.count)(bits) == lanes.count(bits)


def compiled(primitive):  # type: ignore[no-untyped-def]
    """What numba calls, called from Python."""
    return primitive._compiled
