"""Machine code of the kernels, kept on disk between runs and loaded through LLVM's binding.

What is kept lies in a folder named after the sources, the compilers and the processor, so that no change of any of them
can meet old code: below NUMBA_CACHE_DIR if it is set, else below `dioptre/kernels` in the user's cache folder. A file
is written aside and renamed, and begins with a digest of what it holds, so neither processes that compile at once nor a
crash leave half of one. Where nothing can be written, every process compiles for itself. The folder must be as
trustworthy as the program: it holds code.
"""

import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import llvmlite
import llvmlite.binding as llvm

_IMPORT = re.compile(rb"^(?:from|import) ([\w.]+)", re.MULTILINE)
_DIGEST = hashlib.sha256().digest_size


def load(name: str, fingerprint: str, compile_: Callable[[], tuple[str, str]]) -> int:
    """Give the address of a function's machine code, the one kept if there is one.

    Args:
        name: of the function, unique in this program.
        compile_: gives an LLVM module (text) and the function's symbol in it; called where nothing is kept.
    """
    path = _folder() / fingerprint / f"{name}.o"
    code = _read(path)
    if code is None:
        code = _emit(name, *compile_())
        _keep(path, code)
    engine = _engine()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return int(engine.get_function_address(name))


@cache
def fingerprint(package: Path, root: Path) -> str:
    """Name the state of all that the machine code of a package comes from; `root`: where absolute imports begin."""
    cpu = f"{llvm.get_host_cpu_name()} {_features()}"
    settings = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_"))
    digest = hashlib.sha256(f"{cpu} {llvmlite.__version__} {sys.version_info[:2]} {settings}".encode())
    digest.update(_numba_version())
    for source in _sources(package, root):
        digest.update(source)
    return digest.hexdigest()[:16]


def _sources(package: Path, root: Path) -> list[bytes]:
    """Read the modules of a package, and those below `root` that they import, and so on: constants come from there."""
    here = Path(__file__)
    paths, read = [here, here.with_name("compiled.py"), *sorted(package.glob("*.py"))], []
    for path in paths:
        read.append(path.read_bytes())
        for name in _IMPORT.findall(read[-1]):
            imported = root / (name.decode().replace(".", "/") + ".py")
            if imported not in paths and imported.exists():
                paths.append(imported)
    return read


def _numba_version() -> bytes:
    """Tell numba's version without importing it."""
    spec = find_spec("numba")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("numba is not installed", name="numba")
    return Path(spec.origin).with_name("_version.py").read_bytes()


def _features() -> str:
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:  # LLVM cannot tell on every platform
        return ""


def _folder() -> Path:
    given = os.environ.get("NUMBA_CACHE_DIR")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~/.cache"))) / "dioptre" / "kernels"  # noqa: PTH111


def _read(path: Path) -> bytes | None:
    """Read what is kept; None if there is nothing, or it is damaged."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    code = kept[_DIGEST:]
    return code if hashlib.sha256(code).digest() == kept[:_DIGEST] else None


def _keep(path: Path, code: bytes) -> None:
    """Keep machine code, if it can be."""
    aside = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, aside = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(number, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(aside).replace(path)
    except OSError:  # read-only, full, or not a folder: the code at hand serves this process
        if aside is not None:
            Path(aside).unlink(missing_ok=True)


def _emit(name: str, module_text: str, symbol: str) -> bytes:
    """Turn an LLVM module into an object file whose function is called `name`.

    Raises:
        ValueError: the module needs a function that only numba's runtime has, so no other process could load it.
    """
    module = llvm.parse_assembly(module_text)
    for function in module.functions:
        if (
            function.is_declaration
            and not function.name.startswith("llvm.")
            and not llvm.address_of_symbol(function.name)
        ):
            raise ValueError(f"{name} calls {function.name}, which only numba has; write it without")
    module.get_function(symbol).name = name
    module.verify()
    _engine()
    code: bytes = _machine(3).emit_object(module)
    return code


def _machine(optimisation: int) -> Any:
    """Describe this processor as numba does, whose settings are those of a just-in-time compiler."""
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=_features(), opt=optimisation, codemodel="jitdefault", jit=True,
        reloc="static" if target.name.startswith("x86") else "default",
    )  # fmt: skip


@cache
def _engine() -> Any:
    """Give the engine that places machine code in this process; it lives as long."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(3))
