"""Keeps processes running: starts them, hears them, starts again who dies, ends them all."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import Any, NamedTuple, cast

FIRST_PAUSE_S = 0.5
"""A process that died is started again after so long; each time it dies again, after twice as long."""

LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A process that has lived so long is trusted again."""


class Word(NamedTuple):
    """What process `number` said; `died` with its exit code when it ended without a word of farewell."""

    number: int
    what: str
    value: Any


@dataclass
class _Place:
    """A place in the crew, and the process that holds it. `again_at`: when to start the next, if one is to be."""

    arguments: tuple[Any, ...]
    process: Any = None
    pipe: Any = None
    began: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    again_at: float | None = None
    first_words: list[tuple[str, Any]] = field(default_factory=list)


class Crew:
    """Processes with a number each, started from the fork server, a pipe to each.

    Args:
        target: called in the process with the arguments given to `start`, and its end of the pipe.
        now: the clock, in seconds.
    """

    def __init__(self, target: Callable[..., None], now: Callable[[], float]) -> None:
        self._target, self._now = target, now
        self._places: dict[int, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def numbers(self) -> list[int]:
        """List the places that are held, or will be again after a pause."""
        return sorted(self._places)

    def pids(self) -> dict[int, int]:
        """Give the process id of each that runs."""
        running = [(n, place.process) for n, place in list(self._places.items())]
        return {n: process.pid for n, process in running if process is not None}

    def start(self, number: int, *arguments: Any) -> None:
        """Start a process that is to be kept running."""
        self._places[number] = _Place(arguments)
        self._begin(self._places[number])

    def say(self, number: int, what: str, value: object = None) -> None:
        """Tell a process something; each one after it in this place hears the last word of its kind too."""
        place = self._places[number]
        place.first_words = [(w, v) for w, v in place.first_words if w != what] + [(what, value)]
        self._send(place, what, value)

    def hear(self, timeout_s: float) -> Iterator[Word]:
        """Yield what the processes say, within the time given; start again those whose pause is over."""
        for place in self._places.values():
            if place.again_at is not None and place.again_at <= self._now():
                self._begin(place)
        pipes = {p.pipe: n for n, p in self._places.items() if p.pipe is not None}
        for ready in connection.wait(list(pipes), timeout=timeout_s):
            pipe = cast(connection.Connection, ready)
            yield from self._words(pipes[pipe], pipe)

    def again(self, number: int) -> float:
        """End the process in a place, if it still runs, and start the next after a pause; gives its seconds."""
        place = self._places[number]
        self._kill(place)
        if self._now() - place.began >= STEADY_S:
            place.pause_s = FIRST_PAUSE_S
        pause, place.pause_s = place.pause_s, min(LONGEST_PAUSE_S, 2 * place.pause_s)
        place.again_at = self._now() + pause
        return pause

    def leave(self, number: int) -> None:
        """Give a place up: its process has ended, or is of no use any more."""
        self._kill(self._places.pop(number))

    def kill(self) -> None:
        """End all at once; the lake bears it."""
        for place in self._places.values():
            self._kill(place)
        self._places.clear()

    def _begin(self, place: _Place) -> None:
        context = get_context("forkserver")
        ours, theirs = context.Pipe()
        place.process = context.Process(target=self._target, args=(*place.arguments, theirs), daemon=True)
        place.process.start()
        theirs.close()
        place.pipe, place.began, place.again_at = ours, self._now(), None
        for what, value in place.first_words:
            self._send(place, what, value)

    def _words(self, number: int, pipe: connection.Connection) -> Iterator[Word]:
        """Yield what has come through a pipe; at its end the process is dead, or as good as dead."""
        try:
            while pipe.poll():
                yield Word(number, *pipe.recv())
        except (EOFError, OSError):
            if (place := self._places.get(number)) is not None and place.pipe is pipe:
                yield Word(number, "died", self._kill(place))

    def _send(self, place: _Place, what: str, value: object) -> None:
        """A pipe that is broken is found so when it is read."""
        if place.pipe is not None:
            try:
                place.pipe.send((what, value))
            except OSError:
                return

    def _kill(self, place: _Place) -> int | None:
        """End a process for sure; give its exit code."""
        if place.process is None:
            return None
        place.process.join(timeout=0.5)
        if place.process.exitcode is None:
            os.kill(place.process.pid, signal.SIGKILL)
            place.process.join(timeout=5)
        code = place.process.exitcode
        place.pipe.close()
        place.process = place.pipe = None
        return cast("int | None", code)
