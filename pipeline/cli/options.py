"""What was asked for beside the command itself: colour, quiet, verbose, JSON, the config file. One a process."""

import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TextIO


class Color(StrEnum):
    """When to colour output."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass
class Options:
    """The options that every command takes. `verbose` counts the -v; `json`: --json stands on the command line."""

    color: Color = Color.AUTO
    quiet: bool = False
    verbose: int = 0
    json: bool = False
    config: Path | None = None

    def update(self, *, color: Color, quiet: bool, verbose: int, config: Path | None) -> None:
        """Take options over; what stands at its default leaves what was said before the command."""
        self.color = color if color != Color.AUTO else self.color
        self.quiet = self.quiet or quiet
        self.verbose = max(self.verbose, verbose)
        self.config = config or self.config

    def reset(self, argv: list[str]) -> None:
        """Forget everything; look for --json at once, since even a wrong command line is answered in JSON then."""
        self.color, self.quiet, self.verbose, self.config = Color.AUTO, False, 0, None
        self.json = "--json" in (argv[: argv.index("--")] if "--" in argv else argv)

    def colored(self, stream: TextIO) -> bool:
        """Decide whether a stream is to be coloured: --color, else NO_COLOR, else whether it is a terminal."""
        if self.color != Color.AUTO:
            return self.color == Color.ALWAYS
        return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


OPTIONS = Options()


def width() -> int:
    """Columns of the terminal that output goes to; 100 where there is none."""
    from shutil import get_terminal_size

    return get_terminal_size((100, 24)).columns if sys.stdout.isatty() or sys.stderr.isatty() else 100
