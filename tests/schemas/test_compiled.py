"""Kernels are compiled once and loaded ever after, without numba; what is kept is never stale, half or wrong."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

SOURCE = '''
"""Sums bytes."""
from pathlib import Path
from schemas.compiled import helper, kernel

@helper
def add(a, b):
    """Their sum."""
    return a + b * {factor}

@kernel("int64(text, int64[:,::1], int64)", str(Path(__file__).parent))
def total(data, out, start):
    """Sum of the bytes; also in out[0, 1]."""
    for i in range(len(data)):
        start = add(start, data[i])
    out[0, 1] = start
    return start
'''
USE = """
import json, sys
import numpy as np
from sums.kernels.total import add, total
out = np.zeros((2, 3), np.int64)
given = total(np.frombuffer(b"abc", np.uint8), out, 10)
wrong = [np.zeros(6, np.int64), np.zeros((2, 3), np.int32), np.zeros((2, 6), np.int64)[:, ::2], None]
told = []
for one in wrong:
    try:
        total(np.frombuffer(b"abc", np.uint8), one, 10)
    except TypeError as error:
        told.append(str(error))
json.dump([given, out.tolist(), add(1, 2), "numba" in sys.modules, told], sys.stdout)
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder for machine code, beside a package that holds a kernel."""
    package = tmp_path / "sums" / "kernels"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    write(tmp_path, factor=1)
    return tmp_path / "kept"


def write(folder: Path, factor: int) -> None:
    (folder / "sums" / "kernels" / "total.py").write_text(SOURCE.replace("{factor}", str(factor)))


def use(kept: Path) -> list:  # type: ignore[type-arg]
    """What a process of its own gets: result, array, the helper called by Python, numba imported, errors told."""
    env = os.environ | {"NUMBA_CACHE_DIR": str(kept), "PYTHONPATH": f"{kept.parent}:{ROOT}"}
    done = subprocess.run([sys.executable, "-B", "-c", USE], env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def objects(kept: Path) -> list[Path]:
    return sorted(path for path in kept.rglob("*") if path.is_file())


SUM = 10 + sum(b"abc")
RIGHT = [SUM, [[0, SUM, 0], [0, 0, 0]], 3]


def test_the_first_process_compiles_and_the_next_imports_no_numba(kept: Path) -> None:
    assert use(kept)[:4] == [*RIGHT, True]
    assert use(kept)[:4] == [*RIGHT, False]
    assert [path.name for path in objects(kept)] == ["sums.kernels.total.total.o"]


def test_an_argument_of_another_type_is_refused_before_it_can_do_harm(kept: Path) -> None:
    told = use(kept)[4]
    assert len(told) == 4
    assert told[1] == "not int64[:,::1]: int32, shape (2, 3)"


def test_a_changed_source_never_meets_old_code(kept: Path) -> None:
    use(kept)
    write(kept.parent, factor=2)
    assert use(kept)[0] == 10 + 2 * sum(b"abc")


def test_damaged_code_is_compiled_anew(kept: Path) -> None:
    use(kept)
    (path,) = objects(kept)
    for damaged in (b"", path.read_bytes()[:-1], path.read_bytes()[:-8] + b"\0" * 8):
        path.write_bytes(damaged)
        assert use(kept)[:4] == [*RIGHT, True]
    assert use(kept)[:4] == [*RIGHT, False]


def test_where_nothing_can_be_kept_each_process_compiles_for_itself(kept: Path) -> None:
    kept.write_text("no folder")
    assert use(kept)[:4] == [*RIGHT, True]


def test_processes_that_compile_at_once_leave_one_whole_file(kept: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert [got[:3] for got in pool.map(use, [kept] * 3)] == [RIGHT] * 3
    assert len(objects(kept)) == 1
    assert use(kept)[:4] == [*RIGHT, False]
