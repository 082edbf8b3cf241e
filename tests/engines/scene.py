"""A stage for faults: a broker, a lake, a producer that numbers its records, jobs to be killed, and the count by SQL."""

import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from tests.engines.broker import Broker
from tests.engines.process import Service

BIN = Path(sys.executable).parent / "dioptre"
CODECS = (None, "gzip", "snappy", "lz4", "zstd")
SETTLE_S = 240.0
"""A job that was left alone has read everything after so long, or it never will."""

COUNTED = """
SELECT count(*) AS n, count(DISTINCT serial) AS distinct_n FROM (
  SELECT regexp_extract(message, 'serial=([0-9]+)', 1) AS serial FROM events_raw WHERE source LIKE 'kafka-%')
WHERE serial <> ''
"""


@dataclass(frozen=True)
class Counted:
    """What became of the records that a scene has sent."""

    sent: int
    missing: int
    doubled: int
    sound: bool

    @property
    def whole(self) -> bool:
        """Each record is there once, and the lake proves it."""
        return self.missing == self.doubled == 0 and self.sound


class Job(Service):
    """One `dioptre stream` as a process group of its own."""

    def __init__(self, name: str, folder: Path, options: Sequence[str | Path]) -> None:
        super().__init__(name, folder / f"{name}.log")
        self.options = [BIN, "stream", *options]

    def start(self) -> None:
        """Start it, also again."""
        self.run(self.options)

    def workers(self) -> list[psutil.Process]:
        """The processes that read; the fork server is none of them."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [p for p in children if "resource_tracker" not in " ".join(p.cmdline()) and not p.children()]

    def kill_main(self) -> None:
        """End the main process alone (SIGKILL); whoever worked for it must notice."""
        psutil.Process(self.pid).kill()
        assert self._process is not None
        self._process.wait()
        self._process = None


@dataclass
class Scene:
    """One topic and one lake.

    Attributes:
        sent: numbers given to records that the broker has taken.
    """

    broker: Broker
    folder: Path
    topic: str
    partitions: int = 1
    codec: str | None = "lz4"
    sent: int = 0
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def job(self, name: str = "job", *more: str, runner: Sequence[str] = ()) -> Job:
        """Make a job on this topic and lake; `runner`: --runner=NAME, and Beam's options for it."""
        options = ["--brokers", self.broker.bootstrap, "--topic", self.topic, "--lake", str(self.lake)]
        name_of = [option for option in runner if option.startswith("--runner")]
        beam = [option for option in runner if option not in name_of]
        return Job(name, self.folder, [*options, "--flush-s", "1", *more, *name_of, *(["--", *beam] if beam else [])])

    def send(self, count: int, *, per_s: float = 0.0, **producer: Any) -> None:
        """Send `count` numbered records, waiting for the broker to have taken them all."""
        from kafka import KafkaProducer

        made = KafkaProducer(
            bootstrap_servers=self.broker.bootstrap, acks="all", linger_ms=20, batch_size=1 << 18,
            compression_type=self.codec, retries=1000, delivery_timeout_ms=300_000, **producer,
        )  # fmt: skip
        began = time.monotonic()
        for n in range(count):
            if self._stop.is_set():
                break
            made.send(self.topic, line(self.sent), partition=self.sent % self.partitions)
            self.sent += 1
            if per_s and n % 100 == 99:
                time.sleep(max(0.0, began + n / per_s - time.monotonic()))
        made.flush()
        made.close()

    @contextmanager
    def sending(self, per_s: float) -> Iterator[None]:
        """Send all the time, at this rate, until the block ends."""
        self._stop.clear()
        thread = threading.Thread(target=self.send, args=(1 << 60,), kwargs={"per_s": per_s})
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
            self._stop.clear()

    def wait(self, low_s: float, high_s: float) -> None:
        """Wait for some time between two bounds."""
        time.sleep(self.dice.uniform(low_s, high_s))

    def rows(self) -> tuple[int, int]:
        """Count the numbered rows that SQL sees, and their distinct numbers."""
        from connectors.catalog import Session
        from connectors.lake import Lake

        if not (self.lake / "lake.json").exists():
            return 0, 0
        with Session(Lake.open(self.lake), threads=1) as session:
            row = session.run(COUNTED).to_pylist()[0]
        return row["n"], row["distinct_n"]

    def flowing(self, beyond: int = 0, within_s: float = 120) -> None:
        """Wait until more than `beyond` rows are there."""
        until(lambda: self.rows()[0] > beyond, f"more than {beyond} rows", within_s)

    def settled(self, within_s: float = SETTLE_S) -> Counted:
        """Wait until all that was sent is there, or nothing comes any more; then count, and verify the lake."""
        from connectors.lake import Lake, verify

        deadline, quiet, seen = time.monotonic() + within_s, time.monotonic(), -1
        while time.monotonic() < deadline:
            now = self.rows()[1]
            if now >= self.sent:
                break
            if now != seen:
                seen, quiet = now, time.monotonic()
            if time.monotonic() - quiet > 90:
                break
            time.sleep(1)
        n, distinct = self.rows()
        return Counted(self.sent, self.sent - distinct, n - distinct, verify(Lake.open(self.lake)).ok)


def line(serial: int) -> bytes:
    """A record as rsyslog sends it, with a number."""
    now = datetime.now(UTC).isoformat()
    text = (f"Accepted publickey for user{serial % 7} from 192.0.2.{serial % 250} port {serial % 60000}",
            f"Failed password for invalid user admin from 198.51.100.{serial % 250}",
            f"connection closed by peer after {serial % 1000} ms")[serial % 3]  # fmt: skip
    return (
        f"<{8 * 4 + serial % 8}>1 {now} host{serial % 40} sshd {serial % 30000} - - {text} serial={serial}\n".encode()
    )


def until(holds: Callable[[], bool], what: str, within_s: float) -> None:
    """Wait until something holds; TimeoutError names it."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within_s:g} s")
        time.sleep(0.5)


def safe(name: str) -> str:
    """A name of a fault as a topic's and a folder's name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
