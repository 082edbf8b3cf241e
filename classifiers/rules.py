"""The operator's own rules: patterns on the masked app and template, in YAML; the first that matches decides.

    - name: our billing jobs            # optional
      app: ^billing-                    # optional regular expression
      match: "settlement (run )?failed" # regular expression, on the template; holes are written <*>
      label: service.job_failure
      comment: pages the night shift    # optional

Patterns are RE2's: linear in the text, no look-around, no back-reference, found anywhere unless anchored.
"""

import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import re2
import yaml

from classifiers.cascade import not_a_label
from schemas.registry import Kind, Verdict
from schemas.taxonomy import taxonomy

_KEYS = ("name", "app", "match", "label", "comment")
_SET_SIZE = 256  # patterns a set: one automaton over thousands can outgrow RE2's memory, and then matches nothing
_MEMORY = 64 << 20


class RulesError(ValueError):
    """A rules file that cannot be used; the message lists everything there is to mend, one line each."""


@dataclass(frozen=True)
class Rule:
    """One rule. `app` is None when any program will do; `line` is where it begins in its file, from 1."""

    label: str
    match: str
    app: str | None
    name: str
    line: int


class Rules:
    """The rules stage: what an operator wrote is right by definition, so its confidence is 1 and it settles the kind.

    Args:
        text: the YAML document.
        where: what error messages call it, a path as a rule.

    Raises:
        RulesError: not YAML, an unknown key, a pattern that RE2 does not take, a label outside the taxonomy.
    """

    name = "rule"

    def __init__(self, text: str, where: str = "rules") -> None:
        self._text, self._where = text, where
        self.rules = _parse(text, where)
        self.model = "rules:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
        self._apps = [None if r.app is None else _compiled(r.app) for r in self.rules]
        self._sets = [
            _pattern_set([r.match for r in self.rules[i : i + _SET_SIZE]]) for i in range(0, len(self.rules), _SET_SIZE)
        ]

    @staticmethod
    def load(path: Path) -> "Rules":
        """Read a rules file.

        Raises:
            RulesError: the file cannot be read as UTF-8, or its rules cannot be used.
        """
        try:
            return Rules(path.read_text("utf-8"), str(path))
        except OSError as error:
            raise RulesError(f"{path}: {error.strerror or error}; a YAML list of rules would be right") from None
        except UnicodeDecodeError as error:
            raise RulesError(f"{path}: not UTF-8 at byte {error.start}") from None

    def __reduce__(self) -> tuple[Any, ...]:
        return Rules, (self._text, self._where)

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the verdict of the first rule that matches each kind, None where none does."""
        return [self._first(kind) for kind in kinds]

    def _first(self, kind: Kind) -> Verdict | None:
        text, app = _bytes(kind.template), _bytes(kind.app)
        for block, patterns in enumerate(self._sets):
            for i in sorted(patterns.Match(text) or ()):
                at = block * _SET_SIZE + i
                wanted = self._apps[at]
                if wanted is None or wanted.search(app):
                    return Verdict(self.rules[at].label, 1.0, self.name, self.model, settled=True)
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    return options


def _compiled(pattern: str) -> Any:
    return re2.compile(_bytes(pattern), _options())


def _pattern_set(patterns: Sequence[str]) -> Any:
    built = re2.Set.SearchSet(_options())
    for pattern in patterns:
        built.Add(_bytes(pattern))
    built.Compile()
    return built


def _parse(text: str, where: str) -> list[Rule]:
    """Read the document; gather every fault before giving up."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise RulesError(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    if root is None:
        return []
    if not isinstance(root, yaml.SequenceNode):
        raise RulesError(f"{where}:{root.start_mark.line + 1}: a list of rules (`- match: ...`) would be right")
    rules: list[Rule] = []
    faults: list[str] = []
    for number, node in enumerate(root.value, 1):
        found = _rule(node, number, rules)
        faults += [f"{where}:{node.start_mark.line + 1}: rule {number}: {fault}" for fault in found]
    if faults:
        raise RulesError("\n".join(faults))
    return rules


def _rule(node: yaml.Node, number: int, rules: list[Rule]) -> list[str]:
    """Add a node's rule to `rules`, or say what is wrong with it."""
    if not isinstance(node, yaml.MappingNode):
        return ["a mapping with `match` and `label` would be right"]
    fields = {str(key.value): value.value for key, value in node.value}
    faults = [_unknown_key(key) for key in fields if key not in _KEYS]
    faults += [f"{key}: one line of text would be right" for key, value in fields.items() if not isinstance(value, str)]
    faults += [f"no `{key}`" for key in ("match", "label") if not fields.get(key)]
    if faults:
        return faults
    if fields["label"] not in taxonomy().leaves:
        faults.append(f"label {not_a_label(fields['label'])}")
    faults += [fault for key in ("app", "match") if key in fields for fault in _bad_pattern(key, fields[key])]
    name = fields.get("name") or f"rule {number}"
    rules.append(Rule(fields["label"], fields["match"], fields.get("app"), name, node.start_mark.line + 1))
    return faults


def _unknown_key(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_KEYS)}"
    return f"{key}: no such key; {hint}"


def _bad_pattern(key: str, pattern: str) -> list[str]:
    try:
        _compiled(pattern)
    except re2.error as error:
        told = error.args[0] if error.args else error
        told = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        return [f"{key}: RE2 does not take {pattern!r}: {told}"]
    return []
