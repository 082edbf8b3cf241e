"""`dioptre doctor`: whether everything is here that dioptre needs, and this lake fits this dioptre."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.app import CARE, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import findings, told
from pipeline.cli.output import Column, emit_json, human_bytes, out, plural, table

if TYPE_CHECKING:
    from pipeline.config import Config

_FREE_BYTES = 1 << 30
_PACKAGES = ("apache-beam", "duckdb", "google-re2", "numpy", "onnxruntime", "pyarrow", "pydantic", "typer", "zstandard")


@dataclass(frozen=True)
class Check:
    """One thing looked at. `fault`: what is wrong and what would be right; "" when all is well."""

    name: str
    found: str
    fault: str = ""


@command(
    app, "doctor", panel=CARE,
    examples=("dioptre doctor", "dioptre doctor --lake lake", "dioptre doctor --json"),
)  # fmt: skip
def doctor(lake: LakeOption = None, json: JsonOption = False) -> None:
    """Check versions, cores, folders, models, locale and the lake; exit code 1 when something is wrong."""
    found = settings({"lake.path": lake})
    checks = [check for look in _LOOKS for check in _looked(look, found, asked=lake is not None)]
    wrong = [check for check in checks if check.fault]
    if json:
        emit_json({"ok": not wrong, "checks": [asdict(check) for check in checks]})
    else:
        columns = [Column("", style="bold"), Column("check"), Column("found", wide=True)]
        table(columns, (["wrong" if c.fault else "ok", c.name, c.found] for c in checks))
        for check in wrong:
            out(f"{check.name}: {check.fault}")
        out(plural(len(wrong), "thing") + " to mend" if wrong else "all is well")
    if wrong:
        raise findings()


def _looked(look: "Look", found: "Config", *, asked: bool) -> Iterator[Check]:
    """Look at one thing; whatever goes wrong on the way is what is wrong with it."""
    try:
        yield from look(found, asked)
    except Exception as error:
        failure = told(error)
        yield Check(
            look.__name__.strip("_"), "failed", f"{failure.message}{f'; {failure.hint}' if failure.hint else ''}"
        )


Look = Callable[["Config", bool], Iterator[Check]]


def _versions(_: "Config", __: bool) -> Iterator[Check]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from schemas.version import VERSION

    yield Check("dioptre", VERSION)
    yield Check("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in _PACKAGES:
        try:
            yield Check(name, version(name))
        except PackageNotFoundError:
            yield Check(name, "missing", f"not installed; `pip install {name}`")


def _machine(_: "Config", __: bool) -> Iterator[Check]:
    import locale
    import os
    import sys
    import tempfile

    from pipeline.settings import cores

    yield Check("cores", str(cores()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    yield Check("memory", human_bytes(memory))
    encoding = sys.getfilesystemencoding()
    fault = "" if encoding.lower().replace("-", "") == "utf8" else "not UTF-8; set LC_ALL=C.UTF-8"
    yield Check("locale", f"{locale.setlocale(locale.LC_CTYPE)} ({encoding})", fault)
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
    yield Check("temporary folder", tempfile.gettempdir())


def _config(found: "Config", _: bool) -> Iterator[Check]:
    yield Check("config", str(found.file) if found.file else "none, so the defaults hold")
    rules = found.settings.label.rules
    if rules:
        from classifiers.rules import Rules

        yield Check("rules", f"{rules}: {plural(len(Rules.load(rules).rules), 'rule')}")


def _models(found: "Config", _: bool) -> Iterator[Check]:
    from classifiers.models_list import packaged
    from classifiers.tiny import Tiny

    for model in packaged():
        yield Check(f"model {model.name}", f"{human_bytes(model.size)} in {model.folder}", model.fault or "")
    chosen = found.settings.label.model
    yield Check("inline model", Tiny.load(chosen).model + (f" in {chosen}" if chosen else ""))


def _disk(found: "Config", _: bool) -> Iterator[Check]:
    import shutil

    place = found.settings.lake.path.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    fault = "" if free >= _FREE_BYTES else f"less than {human_bytes(_FREE_BYTES)} left at {place}; free some"
    yield Check("free disk", human_bytes(free), fault)


def _lake(found: "Config", asked: bool) -> Iterator[Check]:
    from connectors.lake import FORMAT_VERSION, Lake
    from schemas.taxonomy import taxonomy

    root: Path = found.settings.lake.path
    if not root.exists() and not asked and "lake.path" not in found.origins:
        yield Check("lake", f"none at {root} yet")
        return
    lake = Lake.open(root)
    sources, kinds = lake.sources(), lake.kinds().num_rows
    yield Check("lake", f"{root}: version {FORMAT_VERSION}, {plural(len(sources), 'source')}, {plural(kinds, 'kind')}")
    same = lake.taxonomy_hash == taxonomy().hash
    fault = "made with other labels; what was labelled then keeps its old labels, new kinds get the new ones"
    yield Check("taxonomy", lake.taxonomy_hash[:16], "" if same else fault)


def _duckdb(_: "Config", __: bool) -> Iterator[Check]:
    import duckdb

    with duckdb.connect() as con:
        answer = con.execute("SELECT 42").fetchall()[0][0]
    yield Check("duckdb answers", str(answer), "" if answer == 42 else "42 would be right")


_LOOKS: tuple[Look, ...] = (_versions, _machine, _config, _models, _duckdb, _disk, _lake)
