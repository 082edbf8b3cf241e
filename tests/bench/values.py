"""What the braces of `kinds.txt` stand for: a pool of values a name, drawn once from a seed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

POOL = 8_192
"""Values of a name that has many: a line in some thousand repeats one, as queue ids and addresses do."""

DAY = datetime(2025, 6, 2, tzinfo=UTC)
ROLES = "web app db mx edge node gw lab".split()
HOSTS = [f"{role}{i:02d}" for role in ROLES for i in range(10)]
_NAMES = (
    "root admin alice bob carol dave erin frank grace heidi ivan judy mallory oscar peggy trent victor wendy".split()
)
_NAMES += "deploy backup oracle nagios postgres ubuntu git test guest support www-data ftp jenkins ansible".split()
_SITES = "www api mail cdn img static login shop news docs auth files".split()
_ZONES = "example.com example.net example.org corp.example lab.example".split()
_PAGES = "index.html login cart checkout search robots.txt favicon.ico feed.xml about contact".split()
_NETS = "10.20.30 10.20.31 172.16.4 192.0.2 198.51.100 203.0.113".split()
Draw = Callable[[np.random.Generator], str]


@cache
def pools(seed: int) -> dict[str, list[str]]:
    """Give each name its values."""
    rng = np.random.default_rng([seed, 0])
    return _FEW | {name: [draw(rng) for _ in range(POOL)] for name, draw in _MANY.items()}


def _pick(rng: np.random.Generator, words: list[str]) -> str:
    return words[int(rng.integers(len(words)))]


def _hex(digits: int) -> Draw:
    return lambda rng: rng.bytes(digits // 2).hex()


def _number(least: int, most: int) -> Draw:
    return lambda rng: str(int(np.exp(rng.uniform(np.log(least), np.log(most)))))


def _decimal(most: float, digits: int) -> Draw:
    return lambda rng: f"{rng.gamma(2, most / 10):.{digits}f}"


def _time(text: str, digits: int) -> Draw:
    """A moment of one day; `{f}` in the text stands for so many digits of a second."""

    def draw(rng: np.random.Generator) -> str:
        moment = DAY + timedelta(seconds=int(rng.integers(86_400)))
        return moment.strftime(text).replace("{f}", str(rng.integers(10**digits)).zfill(digits))

    return draw


def _uuid(rng: np.random.Generator) -> str:
    digits = rng.bytes(16).hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _qname(rng: np.random.Generator) -> str:
    """One in four without a digit: such a name becomes part of its line's kind."""
    return f"{_pick(rng, _SITES)}{'' if rng.random() < 0.25 else rng.integers(400)}.{_pick(rng, _ZONES)}"


def _page(rng: np.random.Generator) -> str:
    return _pick(rng, _PAGES) if rng.random() < 0.4 else f"{_pick(rng, _SITES)}/{rng.integers(100, 99_999)}"


def _b64(rng: np.random.Generator) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return "".join(letters[b & 63] for b in rng.bytes(15)) + str(rng.integers(10))


_FEW = {
    "d": [str(i) for i in range(1, 9)],
    "l": list("abcdefgh"),
    "n": [str(i) for i in range(1, 400)],
    "uid": [str(i) for i in range(1000, 1080)],
    "user": _NAMES,
}

_MANY: dict[str, Draw] = {
    "ip": lambda rng: f"{_pick(rng, _NETS)}.{rng.integers(1, 255)}",
    "port": lambda rng: str(rng.integers(1024, 65_536)),
    "pid": lambda rng: str(rng.integers(300, 99_999)),
    "big": _number(400, 9_000_000),
    "ms": _decimal(400, 3),
    "sec": _decimal(20, 2),
    "uptime": lambda rng: f"{rng.integers(100, 9_999_999)}.{rng.integers(10**6):06d}",
    "epoch": _time("17488%H%M%S.{f}", 3),
    "serial": lambda rng: str(2025_060_100 + rng.integers(99)),
    "hex8": _hex(8),
    "hex12": _hex(12),
    "hex16": _hex(16),
    "md5": lambda rng: "{md5}" + rng.bytes(16).hex(),
    "sha": _hex(64),
    "uuid": _uuid,
    "qid": lambda rng: rng.bytes(5).hex().upper(),
    "b64": _b64,
    "mac": lambda rng: rng.bytes(6).hex(":"),
    "login": lambda rng: f"{_pick(rng, _NAMES)}{rng.integers(10, 99)}",
    "mail": lambda rng: f"{_pick(rng, _NAMES)}{rng.integers(400)}@{_pick(rng, _ZONES)}",
    "mx": lambda rng: f"mail-{rng.integers(1, 400)}.{_pick(rng, _ZONES)}",
    "qname": _qname,
    "qhost": lambda rng: f"{_pick(rng, _SITES)}{rng.integers(400)}.{_pick(rng, _ZONES)}",
    "page": _page,
    "when": _time("%d/%b/%Y:%H:%M:%S +0000", 0),
    "milli": _time("%d/%b/%Y:%H:%M:%S.{f}", 3),
    "stamp": _time("%Y/%m/%d %H:%M:%S", 0),
    "iso": _time("%Y-%m-%dT%H:%M:%S.{f}Z", 9),
    "klog": _time("%m%d %H:%M:%S.{f}", 6),
}
