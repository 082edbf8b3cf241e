"""Single keys from a terminal, and lines with completion; from a pipe, lines alone."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from pipeline.cli.output import clean

END = ""
"""Instead of a key: there are no more."""


def key() -> str:
    """Wait for one key; of a pipe, the first character of the next line that holds one.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    if not sys.stdin.isatty():
        for line in sys.stdin:
            if line.strip():
                return line.strip()[0]
        return END
    with _one_by_one():
        typed = os.read(sys.stdin.fileno(), 1).decode("latin-1")  # Python's buffer would swallow what is typed ahead
    return END if typed == "\x04" else typed


def line(prompt: str, words: Sequence[str]) -> str | None:
    """Read a line; Tab completes words. None: Ctrl-C or the end, so nothing is meant."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip() or None
    with _completing(words), contextlib.suppress(EOFError, KeyboardInterrupt):
        return input(clean(prompt)).strip()
    sys.stdout.write("\n")
    return None


def completed(typed: str, words: Sequence[str]) -> list[str]:
    """Give the words that typed text may mean: itself, those that begin with it, else those that hold it."""
    if typed in words:
        return [typed]
    return [w for w in words if w.startswith(typed)] or [w for w in words if typed in w]


@contextlib.contextmanager
def _one_by_one() -> Iterator[None]:
    """Hear each key at once, without its echo."""
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin, termios.TCSANOW)  # flushing, its default, would lose what is typed ahead
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _completing(words: Sequence[str]) -> Iterator[None]:
    """Let Tab complete; without readline, do without."""
    try:
        import readline
    except ImportError:
        yield
        return
    before, delims = readline.get_completer(), readline.get_completer_delims()
    readline.set_completer(lambda text, n: [*(w for w in words if w.startswith(text)), None][n])
    readline.set_completer_delims(" ")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_completer(before)
        readline.set_completer_delims(delims)
