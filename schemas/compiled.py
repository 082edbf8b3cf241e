"""Compiles the kernels: byte loops in Python that numba turns into machine code once, which is then kept and loaded.

numba takes half a CPU-second to import and some to compile, so a process imports it only where no machine code is kept
for these very sources (`machine_code`). Importing this module loads LLVM's binding, .06 CPU-s; only the `kernels`
packages import it, and only batches that are worth it import those.
"""

import contextlib
import ctypes
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from schemas import machine_code

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}
_SCALARS: dict[str, Any] = {
    "int32": ctypes.c_int32, "int64": ctypes.c_int64, "uint8": ctypes.c_uint8, "uint32": ctypes.c_uint32,
    "uint64": ctypes.c_uint64, "float64": ctypes.c_double, "boolean": ctypes.c_bool,
}  # fmt: skip
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400  # bits of numpy's flags.num


def helper(function: F) -> F:
    """Compile a function that only kernels call; it becomes part of them and costs no call. Python may call it too."""

    def make() -> Any:
        import numba

        return numba.njit(**_OPTIONS, forceinline=True)(function)

    return cast("F", Inlined(function, make))


class Inlined:
    """Is its function to Python; to numba, which asks for `_numba_type_`, what `make` compiles when it is first asked.

    Args:
        make: gives what numba compiled; it becomes part of the kernels that call it.
    """

    def __init__(self, function: Callable[..., Any], make: Callable[[], Any]) -> None:
        functools.update_wrapper(self, function)
        self._function, self._make = function, make

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)

    @property
    def _numba_type_(self) -> Any:
        return self._compiled._numba_type_

    @functools.cached_property
    def _compiled(self) -> Any:
        return self._make()


def kernel(signature: str, package: str) -> Callable[[F], F]:
    """Compile a function that Python calls, for these types only, or load what an earlier process has compiled.

    As in C, no index is checked, and none may be negative. NUMBA_BOUNDSCHECK=1 compiles kernels that check each.

    Args:
        signature: as numba writes it, `result(argument, ...)`: numbers, and C-contiguous arrays of them such as
            `int64[:,::1]`; `text` stands for bytes that are only read.
        package: the folder of the function's own sources; constants may come from any module imported there by its
            full name, `from room.module import NAME`.

    Raises:
        TypeError, when called: an argument is not of its type.
    """

    def decorate(function: F) -> F:
        name = f"{function.__module__}.{function.__qualname__}"
        code = functools.partial(_compile, function, signature)
        folder = Path(package)
        root = folder.parents[function.__module__.count(".") - 1]
        address = machine_code.load(name, machine_code.fingerprint(folder, root), code)
        return cast("F", functools.update_wrapper(_Kernel(signature, address), function))

    return decorate


def _compile(function: Callable[..., Any], signature: str) -> tuple[str, str]:
    """Give the LLVM module of a function, and the symbol of the function in it."""
    import numba

    types = signature.replace("text", "Array(uint8, 1, 'C', True)")
    plain = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    with _no_negative_indices():
        made = numba.njit(types, **_OPTIONS, **plain)(function)
    (compiled,) = made.overloads.values()
    return made.inspect_llvm(compiled.signature.args), compiled.fndesc.llvm_func_name


@contextlib.contextmanager
def _no_negative_indices() -> Iterator[None]:
    """Keep numba from counting negative indices from the end, which it asks of each index: a fifth of a kernel's time.

    Where numba has changed so much that its function is not found, it goes on asking.
    """
    from numba.core import types
    from numba.np import arrayobj

    def as_it_is(context: Any, builder: Any, kind: Any, index: Any, _: Any) -> Any:
        return context.cast(builder, index, kind, types.intp if kind.signed else types.uintp)

    before = getattr(arrayobj, "fix_integer_index", None)
    if before is not None:
        arrayobj.fix_integer_index = as_it_is
    try:
        yield
    finally:
        if before is not None:
            arrayobj.fix_integer_index = before


class _Kernel:
    """Calls machine code as numba's own calls go: `status f(*result, *error, arguments ...)`, an array in parts.

    Source: numba.core.callconv.CPUCallConv; numba.core.datamodel.models.ArrayModel.
    """

    def __init__(self, signature: str, address: int) -> None:
        result, _, rest = signature.partition("(")
        self._arguments = [_Array(t) if "[" in t or t == "text" else _SCALARS[t] for t in _split(rest.rstrip(")"))]
        self._result = None if result == "void" else _SCALARS[result]
        parts: list[Any] = [ctypes.c_void_p, ctypes.c_void_p]
        for one in self._arguments:
            parts += one.parts if isinstance(one, _Array) else [one]
        self._call = ctypes.CFUNCTYPE(ctypes.c_int32, *parts)(address)  # a call of it lets the GIL go

    def __call__(self, *args: Any) -> Any:
        if len(args) != len(self._arguments):
            raise TypeError(f"{self.__name__} takes {len(self._arguments)} arguments, not {len(args)}")  # type: ignore[attr-defined]
        result, error = (self._result or ctypes.c_void_p)(), ctypes.c_void_p()
        flat: list[Any] = [ctypes.byref(result), ctypes.byref(error)]
        for one, value in zip(self._arguments, args, strict=True):
            flat += one.parted(value) if isinstance(one, _Array) else [one(value)]
        status = self._call(*flat)
        if status != 0:
            raise ValueError(f"{self.__name__} ended with status {status}")  # type: ignore[attr-defined]
        return None if self._result is None else result.value


class _Array:
    """An argument `int32[::1]`, `uint64[:,::1]` or `text`."""

    def __init__(self, kind: str) -> None:
        name, _, axes = kind.partition("[")
        self._kind, self._dimensions = kind, axes.count(",") + 1
        self._dtype = np.dtype("uint8" if kind == "text" else name)
        self._flags = _CONTIGUOUS | _ALIGNED | (0 if kind == "text" else _WRITEABLE)
        sizes = [ctypes.c_ssize_t] * (2 * self._dimensions)
        self.parts = [*[ctypes.c_void_p] * 2, *[ctypes.c_ssize_t] * 2, ctypes.c_void_p, *sizes]

    def parted(self, array: Any) -> Sequence[Any]:
        """Give owner, parent, items, bytes of one, address, shape and strides: numba's parts of an array."""
        if not isinstance(array, np.ndarray) or array.dtype != self._dtype or array.ndim != self._dimensions:
            raise TypeError(f"not {self._kind}: {getattr(array, 'dtype', type(array))}, shape {np.shape(array)}")
        if array.flags.num & self._flags != self._flags:
            raise TypeError(f"not {self._kind}: the array is not contiguous, not aligned or only to be read")
        return None, None, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides


def _split(arguments: str) -> list[str]:
    """Part `a, b[:,::1], c` at the commas outside of brackets."""
    return re.findall(r"\w+(?:\[[^]]*\])?", arguments)
