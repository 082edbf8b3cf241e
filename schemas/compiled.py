"""Compiles the kernels: byte loops in Python that numba turns into machine code, kept on disk between runs.

Importing this module imports numba, which costs about as much as labelling ten thousand lines line by line; only the
`kernels` packages import it, and only batches that are worth it import those.

What is kept lies in a folder named after the sources of the package, numba and the processor, so that no change of any
of them can meet old code: NUMBA_CACHE_DIR if it is set, else `dioptre/numba` in the user's cache folder. Where neither
can be written, every process compiles for itself. The folder must be as trustworthy as the program: it holds code.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import llvmlite.binding
import numba

F = TypeVar("F", bound=Callable[..., Any])


def helper(function: F) -> F:
    """Compile a function that only kernels call; it becomes part of them and costs no call."""
    compiled: F = numba.njit(nogil=True, error_model="numpy", _nrt=False, forceinline=True)(function)
    return compiled


def kernel(signature: str, package: str) -> Callable[[F], F]:
    """Compile a function that Python calls, at once and for these types only.

    Args:
        signature: as numba writes it; `text` stands for bytes that are only read.
        package: the folder of the function's own sources; constants may come from the folder around it too.
    """
    types = signature.replace("text", "Array(uint8, 1, 'C', True)")

    def decorate(function: F) -> F:
        base = os.environ.get("NUMBA_CACHE_DIR")
        numba.config.CACHE_DIR = str((Path(base) if base else _user_cache()) / _fingerprint(Path(package)))
        try:
            compiled: F = numba.njit(types, nogil=True, error_model="numpy", _nrt=False, cache=True)(function)
        except (OSError, RuntimeError):  # numba's word for a cache folder that cannot be made or written
            compiled = numba.njit(types, nogil=True, error_model="numpy", _nrt=False)(function)
        finally:
            numba.config.CACHE_DIR = base or ""
        return compiled

    return decorate


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~/.cache"))) / "dioptre" / "numba"  # noqa: PTH111


def _fingerprint(package: Path) -> str:
    digest = hashlib.sha256(f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()}".encode())
    for path in sorted([Path(__file__), *package.parent.glob("*.py"), *package.glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
