"""The prompt of `dioptre sql`: statements over several lines, history, a few words that begin with a dot."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.cli.output import out, say
from pipeline.cli.results import Format

HELP = """\
A statement ends with ; and may go over several lines. Views and macros of the lake are there.
  .tables          views and tables
  .macros          macros
  .schema NAME     columns of a view
  .format NAME     table, json, jsonl or csv
  .help            this
  .quit            leave (Ctrl-D as well)"""

_TABLES = """
SELECT view_name AS name, comment FROM duckdb_views() WHERE NOT internal
UNION ALL SELECT table_name, comment FROM duckdb_tables() WHERE table_name IN ('labels', 'events', 'templates')
ORDER BY 1
"""
_MACROS = """
SELECT function_name || '(' || array_to_string(parameters, ', ') || ')' AS macro, comment
FROM duckdb_functions() WHERE NOT internal AND comment IS NOT NULL ORDER BY 1
"""


class Prompt:
    """Reads statements and hands them to `ask`; whatever that raises is told by `fail`, and the prompt goes on."""

    def __init__(self, ask: Callable[[str, Format], None], fail: Callable[[BaseException], object]) -> None:
        self._ask, self._fail = ask, fail
        self._format = Format.TABLE

    def run(self) -> None:
        """Read until the end of input or .quit."""
        say("type .help for help, .quit to leave")
        with _history():
            while (statement := self._read()) is not None:
                if statement.startswith("."):
                    if not self._dotted(statement):
                        return
                elif statement.strip("; \n\t"):
                    self._do(statement)
        out()

    def _read(self) -> str | None:
        """Read one statement, or a word with a dot; None at the end. Ctrl-C forgets what was typed."""
        lines: list[str] = []
        while True:
            try:
                line = input("    ...> " if lines else "dioptre> ")
            except EOFError:
                return None
            except KeyboardInterrupt:
                sys.stdout.write("\n")
                lines = []
                continue
            if not lines and line.startswith("."):
                return line.strip()
            lines.append(line)
            text = "\n".join(lines)
            if complete(text) or not text.strip():
                return text

    def _do(self, statement: str) -> None:
        try:
            self._ask(statement, self._format)
        except KeyboardInterrupt:
            say("interrupted", always=True)
        except BrokenPipeError:
            raise
        except Exception as error:
            self._fail(error)

    def _dotted(self, line: str) -> bool:
        """Obey a word with a dot; False: leave."""
        word, _, rest = line.rstrip("; ").partition(" ")
        rest = rest.strip()
        if word in (".quit", ".exit", ".q"):
            return False
        if word == ".tables":
            self._do(_TABLES)
        elif word == ".macros":
            self._do(_MACROS)
        elif word == ".schema" and rest:
            self._do(f"""SELECT column_name, column_type FROM (DESCRIBE "{rest.replace('"', '""')}")""")
        elif word == ".format" and rest in [f.value for f in Format if f != Format.PARQUET]:
            self._format = Format(rest)
        else:
            for text in HELP.splitlines():
                say(text, always=True)
        return True


def complete(text: str) -> bool:
    """Tell whether a statement is at its end: a semicolon last, outside of quotes and comments."""
    kind, i = "", 0
    last = ""
    while i < len(text):
        two, c = text[i : i + 2], text[i]
        if kind:
            end = {"--": "\n", "/*": "*/"}.get(kind, kind)
            if text.startswith(end, i):
                i += len(end)
                kind = ""
                continue
        elif two in ("--", "/*"):
            kind = two
        elif c in "'\"":
            kind = last = c
        elif not c.isspace():
            last = c
        i += 1
    return last == ";" and kind in ("", "--")


@contextlib.contextmanager
def _history() -> Iterator[None]:
    """Keep a history of what was typed, for this user's eyes alone; without readline, do without."""
    try:
        import readline
    except ImportError:
        yield
        return
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "dioptre"
    path = state / "history"
    with contextlib.suppress(OSError):
        state.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        readline.read_history_file(path)
    readline.set_history_length(2000)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            readline.write_history_file(path)
