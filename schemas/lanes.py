"""What kernels do with many bytes at once: compare 64 of them, copy 32, load 8, and find bits among the answers.

Each function here is defined twice: in Python, which says what it gives, and as LLVM's vectors, which every processor's
back end knows. A byte loop with a branch a byte takes several times as long. As in all kernels no index is checked:
whoever calls sees to it that the bytes are there.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from schemas.compiled import Inlined, helper

Bytes = npt.NDArray[np.uint8]
F = TypeVar("F", bound=Callable[..., Any])

LANES, COPIED, LOADED = 64, 32, 8
ALL = np.uint64((1 << 64) - 1)


def _operands(context: Any, builder: Any, kinds: Any, given: Any) -> list[Any]:
    """Unpack a tuple of arguments."""
    from numba.core import types

    out = []
    for i, kind in enumerate(kinds):
        value = builder.extract_value(given, i)
        if isinstance(kind, types.Array):
            out.append(context.make_array(kind)(context, builder, value).data)
        else:
            wide = types.uint64 if kind == types.uint64 else types.int64
            out.append(context.cast(builder, value, kind, wide))
    return out


def _primitive(build: Callable[..., Any], result: str = "uint64") -> Callable[[F], F]:
    """Have a function that kernels call made of LLVM's instructions.

    Args:
        build: gives their result, from a builder and the arguments: an array as the pointer to its bytes, a number as
            64 bits.
        result: numba's name of the result's type.
    """

    def decorate(function: F) -> F:
        return cast("F", Inlined(function, lambda: _built(build, result)))

    return decorate


def _built(build: Callable[..., Any], result: str) -> Any:
    import numba
    from numba.extending import intrinsic

    def typed(_: Any, args: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return build(builder, *_operands(context, builder, signature.args[0], given[0]))

        return getattr(numba.types, result)(args), code

    built = intrinsic(typed)
    return numba.njit(lambda *args: built(args), forceinline=True, nogil=True, _nrt=False)


def _place(builder: Any, data: Any, at: Any, count: int) -> Any:
    """Give the pointer to `count` bytes as one vector."""
    from llvmlite import ir

    return builder.bitcast(builder.gep(data, [at]), ir.VectorType(ir.IntType(8), count).as_pointer())


def _compared(how: str) -> Callable[..., Any]:
    def build(builder: Any, data: Any, at: Any, byte: Any) -> Any:
        from llvmlite import ir

        loaded = builder.load(_place(builder, data, at, LANES), align=1)
        one = builder.trunc(byte, ir.IntType(8))
        all_ = ir.Constant(loaded.type, ir.Undefined)
        for lane in range(LANES):
            all_ = builder.insert_element(all_, one, ir.Constant(ir.IntType(32), lane))
        return builder.bitcast(builder.icmp_unsigned(how, loaded, all_), ir.IntType(LANES))

    return build


def _copied(builder: Any, data: Any, at: Any, out: Any, to: Any) -> Any:
    loaded = builder.load(_place(builder, data, at, COPIED), align=1)
    builder.store(loaded, _place(builder, out, to, COPIED), align=1)


def _loaded(builder: Any, data: Any, at: Any) -> Any:
    from llvmlite import ir

    return builder.load(builder.bitcast(builder.gep(data, [at]), ir.IntType(64).as_pointer()), align=1)


def _lowest(builder: Any, bits: Any) -> Any:
    from llvmlite import ir

    return builder.cttz(bits, ir.Constant(ir.IntType(1), 0))


@_primitive(_compared("=="))
def equal(data: Bytes, at: int, byte: int) -> np.uint64:
    """Which of the 64 bytes from `at` on are this one: bit i for byte i."""
    return np.uint64(sum(1 << i for i in range(LANES) if data[at + i] == byte))


@_primitive(_compared("<="))
def up_to(data: Bytes, at: int, most: int) -> np.uint64:
    """Which of the 64 bytes from `at` on are at most `most`: bit i for byte i."""
    return np.uint64(sum(1 << i for i in range(LANES) if data[at + i] <= most))


@_primitive(_copied, "void")
def copy(data: Bytes, at: int, out: Bytes, to: int) -> None:
    """Copy 32 bytes from `at` on to `to`."""
    out[to : to + COPIED] = data[at : at + COPIED]


@_primitive(_loaded)
def eight(data: Bytes, at: int) -> np.uint64:
    """Eight bytes from `at` on as one little-endian number."""
    return np.uint64(int.from_bytes(data[at : at + LOADED].tobytes(), "little"))


@_primitive(_lowest, "int64")
def lowest(bits: np.uint64) -> int:
    """Number of the lowest bit that is set; 64 for none."""
    return (int(bits) & -int(bits)).bit_length() - 1 if bits else LANES


@_primitive(lambda builder, bits: builder.ctpop(bits), "int64")
def count(bits: np.uint64) -> int:
    """How many bits are set."""
    return int(bits).bit_count()


@helper
def load(data: Bytes, start: int, end: int) -> np.uint64:
    """Up to eight bytes of [start, end) as one little-endian number; 0 for none. Reads no byte that is not there."""
    size = min(LOADED, end - start)
    if size <= 0:
        return np.uint64(0)
    if start + LOADED <= len(data):
        return eight(data, start) & (ALL >> np.uint64(LANES - LOADED * size))
    number = np.uint64(0)
    for i in range(size):
        number |= np.uint64(data[start + i]) << np.uint64(LOADED * i)
    return number
