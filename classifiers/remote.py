"""The remote stage: a language model behind any OpenAI-compatible server (vLLM, Ollama, llama.cpp), off by default.

It never holds anybody up: it is asked while learning, within a budget, a deadline and a breaker. A kind that it could
not be asked about keeps what it had, stands in `deferred`, and is asked again later.
"""

import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from classifiers.remote_guard import Breaker, Budget
from classifiers.remote_http import Server, ServerError
from classifiers.remote_prompt import MODES, answer_of, messages, payload, shown, tokens_of
from classifiers.tally import Count
from classifiers.verify import fault
from schemas.registry import Kind, Verdict

CONFIDENCE = 0.75
"""What an answer that held counts for. A model's own word on how sure it is says little; only a certificate tells."""

WAIT_S = 20.0
"""Longest wait before a second attempt; who asks for more is left alone for so long instead."""

_PLAINER = (400, 415, 422, 501)  # what servers say to a response_format that they do not know
_OF_KIND = (400, 413, 422)  # what servers say to a question that they do not take, where others may do
_REFUSED = 2  # answers that do not hold, or none at all to such a question, after which a kind is left as it is
_ALIKE = 2  # kinds in a row that had to be asked in a plainer mode, after which all are

Mask = Callable[[str], str]
Examples = Callable[[Kind], Sequence[tuple[Kind, str]]]


@dataclass(frozen=True)
class Limits:
    """Bounds on asking.

    Attributes:
        calls_per_hour, money_per_hour: of this process. attempts: for one kind, the first included.
        most_s: seconds that one batch of kinds may take; who is left then is deferred.
        price_in, price_out: for a million tokens.
    """

    calls_per_hour: int = 600
    money_per_hour: float | None = None
    attempts: int = 4
    most_s: float = 300.0
    price_in: float = 0.0
    price_out: float = 0.0


@dataclass
class _Parts:
    """What a stage works with that a test moves."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    rng: random.Random = field(default_factory=random.Random)


class Remote:
    """Asks a server about one kind after another.

    Args:
        server, model: whom to ask, and for which of its models.
        mask: applied to all that is sent.
        examples: gives the nearest labelled kinds with their labels, to show what is meant; they are masked too.
        now, sleep, rng: clock, waiting and jitter.
    """

    name = "remote"

    def __init__(
        self,
        server: Server,
        model: str,
        limits: Limits | None = None,
        *,
        mask: Mask = str,
        examples: Examples | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: random.Random | None = None,
    ) -> None:
        self._server, self._asked, self.limits = server, model, limits or Limits()
        self.model = f"remote:{model}"
        self._mask, self._examples = mask, examples or _none
        self._parts = _Parts(now, sleep, rng or random.Random())
        self._budget = Budget(self.limits.calls_per_hour, self.limits.money_per_hour, now=now)
        self._breaker = Breaker(now=now)
        self._mode, self._plainer, self._worked = 0, frozenset[str](), False
        self._fence = f"log-{secrets.token_hex(8)}"
        self.deferred: frozenset[str] = frozenset()
        self.usage: Mapping[str, Count] = {}
        self.fault = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (self._server, self._asked, self.limits, self._mask, self._examples)

    def ready(self) -> bool:
        """Tell whether the server may be asked now: the breaker is closed, and the budget is not spent."""
        return self._breaker.closed() and self._budget.left()

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give a verdict of every kind that the server answered well.

        None: it did not. `deferred` then holds the key if it was out of reach; else its answer did not hold, or it
        refused this kind while it answers others. `usage` says what each kind took, `fault` what went wrong last.
        """
        usage: dict[str, Count] = {}
        deferred: set[str] = set()
        refused: set[str] = set()
        until = self._parts.now() + self.limits.most_s
        out = []
        for kind in kinds:
            count = usage.setdefault(kind.key, Count())
            try:
                out.append(self._one(kind, count, until))
            except ServerError as error:
                self.fault = str(error)
                (refused if error.status in _OF_KIND else deferred).add(kind.key)
                out.append(None)
        if not (self._worked and self._breaker.closed()):
            deferred |= refused  # all kinds may meet it
        self.deferred, self.usage = frozenset(deferred), usage
        return out

    def _one(self, kind: Kind, count: Count, until: float) -> Verdict | None:
        """Ask about a kind until an answer holds, or attempts, budget or time are spent.

        Raises:
            ServerError: it could not be asked.
        """
        seen = Kind(kind.key, shown(self._mask(kind.app)), shown(self._mask(kind.template)))
        near = [(Kind("", self._mask(k.app), self._mask(k.template)), label) for k, label in self._examples(kind)]
        asked = messages(seen, near, self._fence)
        for attempt in range(self.limits.attempts):
            if not self.ready() or self._parts.now() >= until:
                raise ServerError(self.fault or "the budget of this hour is spent")
            try:
                reply = self._call(asked, kind.key, count)
            except ServerError as error:
                self._failed(error, attempt, until, kind.key, count)
                continue
            verdict = self._verdict(seen, reply, count)
            if verdict is not None or count.refused >= _REFUSED:
                return verdict
        return None

    def _failed(self, error: ServerError, attempt: int, until: float, key: str, count: Count) -> None:
        """Note a failure; wait before the next attempt, if there is to be one.

        Raises:
            ServerError: there is none.
        """
        long = error.wait_s if error.wait_s > WAIT_S else 0.0
        of_kind = error.status in _OF_KIND
        self._breaker.failed(rest_s=long, of=key if of_kind else "")
        self.fault = str(error)
        count.refused += of_kind
        last = attempt + 1 >= self.limits.attempts
        if of_kind and count.refused < _REFUSED and not last:
            return
        wait = max(error.wait_s, 0.5 * 2.0**attempt * self._parts.rng.uniform(0.5, 1.5))
        if last or not error.retry or not self._breaker.closed() or self._parts.now() + wait >= until:
            raise error
        self._parts.sleep(min(wait, WAIT_S))

    def _call(self, asked: list[dict[str, str]], key: str, count: Count) -> dict[str, Any]:
        """Ask once; in a plainer mode if the server does not know how to be strict."""
        for mode in range(self._mode, len(MODES)):
            try:
                reply = self._server.ask(payload(self._asked, asked, MODES[mode]))
                self._understood(mode, key)
                break
            except ServerError as error:
                self._budget.note(0.0)
                if error.status not in _PLAINER or mode + 1 == len(MODES) or not self._budget.left():
                    raise
        into, out = tokens_of(reply)
        money = (into * self.limits.price_in + out * self.limits.price_out) / 1e6
        self._budget.note(money)
        count.add(Count(tokens_in=into, tokens_out=out, money=money))
        return reply

    def _understood(self, mode: int, key: str) -> None:
        """Note in which mode a kind was answered; a plainer one is for all once kinds in a row needed it."""
        self._worked = True
        self._plainer = self._plainer | {key} if mode > self._mode else frozenset()
        if len(self._plainer) >= _ALIKE:
            self._mode, self._plainer = mode, frozenset()

    def _verdict(self, seen: Kind, reply: Mapping[str, Any], count: Count) -> Verdict | None:
        """Take an answer that holds; one that does not is counted, and worth another attempt."""
        try:
            label, span = answer_of(reply)
            why = fault(seen, label, span)
        except ValueError as error:
            label, why = "", str(error)
        if why is not None:
            self.fault = self._server.masked(why)
            count.refused += 1
            self._breaker.failed(of=seen.key)
            return None
        self._breaker.worked()
        return Verdict(str(label), CONFIDENCE, self.name, self.model)


def _none(_: Kind) -> Sequence[tuple[Kind, str]]:
    return ()


def _remade(server: Server, model: str, limits: Limits, mask: Mask, examples: Examples) -> Remote:
    return Remote(server, model, limits, mask=mask, examples=examples)
