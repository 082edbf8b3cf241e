"""Where settings come from, and what is told when one is wrong: file, environment, command line."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from pipeline.settings import SECTIONS, Settings
from pipeline.settings_checks import near
from pipeline.settings_stream import TopicSettings

FILE_NAME = "dioptre.toml"
FLAGS = "command line"
ENVIRONMENT = "environment"
_PREFIX = "DIOPTRE_"
_SECRETISH = re.compile(r"passw|secret|token|credential|api_?key|private|cookie|auth", re.I)
MASKED = "********"
"""What stands for a secret wherever a configuration is shown."""
_OF_TOPIC = tuple(f.name for f in fields(TopicSettings))
_OF_KUBERNETES = re.compile(r".*_(SERVICE_(HOST|PORT.*)|PORT(_[0-9]+_.*)?)")
"""Variables that Kubernetes sets for each service in the namespace, one called `dioptre` or `dioptre-lake` included."""


class ConfigError(Exception):
    """A configuration that cannot be used; the message has one line for each thing to mend."""


@dataclass(frozen=True)
class Given:
    """A setting as given somewhere. `where`: the file, the environment or the command line; `fault`: what is wrong."""

    key: str
    value: Any
    origin: str
    where: str
    fault: str = ""


@dataclass(frozen=True)
class Spec:
    """What is known of a setting beside its type; `path`: it names a file, relative to the config that names it.

    `example` shows how one is written whose default says nothing.
    """

    secret: bool
    path: bool
    many: bool
    text: bool
    description: str
    example: object


@cache
def specs() -> dict[str, Spec]:
    """List all settings by "section.key"."""
    found = {}
    for section, kind in SECTIONS.items():
        of = get_type_hints(kind, include_extras=True)
        for f in fields(kind):
            info = FieldInfo.from_annotation(of[f.name])
            of_type = str(info.annotation)
            found[f"{section}.{f.name}"] = Spec(
                secret=info.json_schema_extra == {"secret": True},
                path="Path" in of_type,
                many="tuple" in of_type or "Mapping" in of_type,
                text="Path" in of_type or "str" in of_type or "datetime" in of_type,
                description=info.description or "",
                example=(info.examples or [None])[0],
            )
    return found


def find(file: Path | None, env: Mapping[str, str]) -> Path | None:
    """Find the config file: as asked for, else the first that lies where one may; None: there is none.

    Raises:
        ConfigError: the file asked for is not there.
    """
    asked = file or (Path(env[f"{_PREFIX}CONFIG"]) if env.get(f"{_PREFIX}CONFIG") else None)
    if asked is not None:
        if not asked.expanduser().is_file():
            raise ConfigError(f"{asked}: no such file; `dioptre config init {asked}` writes one")
        return asked.expanduser()
    home = Path(env.get("XDG_CONFIG_HOME") or Path(env.get("HOME", "~")).expanduser() / ".config")
    return next((path for path in (Path(FILE_NAME), home / "dioptre" / FILE_NAME) if path.is_file()), None)


def from_file(path: Path) -> list[Given]:
    """Read a dioptre.toml; paths in it are relative to its folder.

    Raises:
        ConfigError: it cannot be read, or is no TOML.
    """
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}; `dioptre config init` shows how it is written") from None
    given: list[Given] = []
    for section, body in tree.items():
        if isinstance(body, dict):
            given += [_of_file(f"{section}.{name}", value, path) for name, value in body.items()]
        else:
            given.append(_of_file(section, body, path))
    return given


def _of_file(key: str, value: object, path: Path) -> Given:
    where = str(path)
    secret = key.removesuffix("_file")
    if key not in specs() and secret != key and secret in specs() and specs()[secret].secret:
        return _secret_file(secret, path.parent / Path(str(value)).expanduser(), f"{where} ({key})", where)
    if key not in specs():
        return Given(key, value, where, where, _unknown(key))
    if specs()[key].path and isinstance(value, str):
        value = str(path.parent / Path(value).expanduser())
    return Given(key, value, where, where)


def _secret_file(key: str, path: Path, origin: str, where: str) -> Given:
    """Read a secret from a file of its own: its lines without blanks around them."""
    try:
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        return Given(key, None, origin, where, f"{key}_file: {path}: {why}")
    return Given(key, lines if specs()[key].many else "\n".join(lines), origin, where)


def _unknown(key: str) -> str:
    keys = [*dict.fromkeys((*specs(), *(f"{k}_file" for k, s in specs().items() if s.secret)))]
    section = key.partition(".")[0]
    if close := get_close_matches(key, keys, n=1, cutoff=0.6):
        right = close[0].removeprefix(f"{section}.") if "." in key else close[0]
        return f"{key}: no such key; did you mean {right}?"
    inside = [k.partition(".")[2] for k in specs() if k.startswith(f"{section}.")]
    known = inside or sorted({f"[{k.partition('.')[0]}]" for k in specs()})
    return f"{key}: no such key; known: {', '.join(known)}"


def from_env(env: Mapping[str, str]) -> list[Given]:
    """Read DIOPTRE_SECTION_KEY variables; DIOPTRE_SECTION_KEY_FILE names a file that holds a secret."""
    names = {_PREFIX + key.upper().replace(".", "_"): key for key in specs()}
    given = []
    for name, text in sorted(env.items()):
        key = names.get(name)
        secret = names.get(name.removesuffix("_FILE"))
        if key:
            given.append(Given(key, _parsed(text, specs()[key]), name, ENVIRONMENT))
        elif secret and specs()[secret].secret:
            given.append(_secret_file(secret, Path(text).expanduser(), name, ENVIRONMENT))
        elif name.startswith(_PREFIX) and name != f"{_PREFIX}CONFIG" and not _OF_KUBERNETES.fullmatch(name):
            fault = f"{name}: no such setting{near(name, names)}"
            given.append(Given(name, None, name, ENVIRONMENT, fault))
    return given


def _parsed(text: str, spec: Spec) -> object:
    """Read a value from text: as TOML where it may be something else than text; lists and maps with commas as well."""
    if spec.many and not text.lstrip().startswith(("[", "{")):
        items = [item.strip() for item in text.split(",") if item.strip()]
        return dict(item.split("=", 1) for item in items) if all("=" in i for i in items) and items else items
    if spec.text and not spec.many:
        return text
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def from_flags(flags: Mapping[str, Any]) -> list[Given]:
    """Take what stood on the command line; a key that is none is a bug."""
    for key in flags:
        if key not in specs():
            raise ValueError(f"{key}: no such setting")
    return [Given(key, value, FLAGS, FLAGS) for key, value in flags.items()]


def validated(adapter: TypeAdapter[Settings], given: Mapping[str, Given]) -> tuple[Settings | None, list[Given]]:
    """Check values against their types and bounds; give the settings, or the faulty ones with what is wrong."""
    tree: dict[str, dict[str, Any]] = {}
    for key, g in given.items():
        section, _, name = key.partition(".")
        tree.setdefault(section, {})[name] = g.value
    try:
        return adapter.validate_json(json.dumps(tree, default=_json), strict=True), []
    except ValidationError as error:
        return None, list(dict.fromkeys(_faulty(e, given) for e in error.errors()))


def _json(value: object) -> object:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _faulty(error: Any, given: Mapping[str, Given]) -> Given:
    """Retell one of pydantic's findings; of a table inside a setting, name what is wrong there."""
    key = ".".join(str(part) for part in error["loc"][:2])
    g = given.get(key) or Given(key, None, "", "")
    name, value = g.origin if g.where == ENVIRONMENT else key, g.value
    for part in error["loc"][2:]:
        if isinstance(value, Mapping) and part in value:
            name, value = f"{name}.{_quoted(str(part))}", value[part]
    secret = specs()[key].secret if key in specs() else True
    shown = "" if secret or _SECRETISH.search(name) else f" = {_shown(value)}"
    shown = "" if error["type"] == "unexpected_keyword_argument" else shown
    return Given(g.key, None, g.origin, g.where, fault=f"{name}{shown}: {_why(error)}")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def without_secrets(value: object) -> object:
    """Mask what names itself a secret in a table."""
    if not isinstance(value, Mapping):
        return value
    return {k: MASKED if _SECRETISH.search(str(k)) and v else without_secrets(v) for k, v in value.items()}


def _shown(value: object) -> str:
    text = json.dumps(without_secrets(value), default=_json, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _why(error: Any) -> str:
    """Say what would be right."""
    context, kind = error.get("ctx", {}), error["type"]
    section, name = error["loc"][0], error["loc"][-1] if len(error["loc"]) > 1 else ""
    if "error" in context:
        return str(context["error"])
    if kind in ("greater_than_equal", "less_than_equal", "greater_than"):
        return f"not in {_bounds(f'{section}.{name}')}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        return f"{error['input']!r} is none of {', '.join(known)}{near(str(error['input']), known)}"
    if kind == "unexpected_keyword_argument":
        return f"no such key{near(str(name), _OF_TOPIC) or '; known: ' + ', '.join(_OF_TOPIC)}"
    return _WORDS.get(kind) or str(error["msg"])


_WORDS = {
    "int_type": "a whole number would be right",
    "int_from_float": "a whole number would be right",
    "float_type": "a number would be right",
    "string_type": "text in quotes would be right",
    "bool_type": "true or false would be right",
    "tuple_type": "a list would be right",
    "path_type": "a path in quotes would be right",
    "dict_type": "a table of name = value would be right",
    "dataclass_type": "a table would be right, of format, tz and fields",
}


def _bounds(key: str) -> str:
    """Write the bounds of a setting as an interval."""
    section, _, name = key.partition(".")
    info = FieldInfo.from_annotation(get_type_hints(SECTIONS[section], include_extras=True)[name])
    found = {n: getattr(m, n) for m in info.metadata for n in ("ge", "gt", "le") if getattr(m, n, None) is not None}
    low = f"[{found['ge']}" if "ge" in found else f"({found['gt']}"
    return f"{low}, {found['le']}]"


def message(faults: Iterable[Given]) -> str:
    """List what there is to mend: one line for one fault, else a heading a place and a line a fault."""
    places: dict[str, list[str]] = {}
    for g in faults:
        places.setdefault(g.where, []).append(g.fault)
    lines: list[str] = []
    for where, found in places.items():
        alone = len(found) == 1
        lines += [f"{where}: {found[0]}"] if alone else [f"{where}: {len(found)} to mend", *(f"  {f}" for f in found)]
    return "\n".join(lines)
