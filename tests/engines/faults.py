"""The faults of `make exactly-once`: each does its worst to a scene and says in a word what happened."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.engines.flink import RESTARTS, FlinkJobServer, WorkerPool
from tests.engines.prism import Prism
from tests.engines.process import Service
from tests.engines.scene import CODECS, Job, Scene

RATE = 2_000.0
"""Records a second while something is killed."""


@contextlib.contextmanager
def running(*services: Service) -> Iterator[None]:
    """Start services, and stop them at the end, whatever happens."""
    try:
        for service in services:
            service.start()
        yield
    finally:
        for service in reversed(services):
            service.stop(within_s=30)


def made(scene: Scene, partitions: int = 2, **settings: Any) -> None:
    """Make the scene's topic."""
    scene.partitions = partitions
    scene.broker.create_topic(scene.topic, partitions, settings)


def million(scene: Scene, times: int) -> str:
    """A backlog of a million: the job is killed at random moments, then goes on."""
    made(scene)
    scene.send(1_000_000)
    job = scene.job()
    with running(job):
        for _ in range(times):
            scene.wait(2.0, 8.0)
            job.kill()
            job.start()
        scene.settled()
    return f"{times} times the whole group"


def embedded_worker(scene: Scene, times: int) -> str:
    """One worker of two is killed while records flow; the main process starts another."""
    made(scene)
    job, killed = scene.job("job", "--workers", "2"), 0
    with running(job), scene.sending(RATE):
        scene.flowing()
        while killed < times:
            scene.wait(1.0, 4.0)
            workers = job.workers()
            if workers:
                scene.dice.choice(workers).kill()
                killed += 1
        assert job.running, f"the job ended: {job.tail(3)}"
    with running(job):
        scene.settled()
    return f"{killed} of its workers"


def embedded_main(scene: Scene, times: int) -> str:
    """The main process alone is killed; its orphans must end by themselves while the next job runs."""
    made(scene)
    job = scene.job("job", "--workers", "2")
    with running(job), scene.sending(RATE):
        for _ in range(times):
            scene.flowing(scene.rows()[0])
            scene.wait(0.0, 2.0)
            job.kill_main()
            job.start()
    with running(job):
        scene.settled()
    return "its orphans beside the next"


def _engine(scene: Scene, engine: Any, runner: list[str], times: int, kill: Callable[[Job], None]) -> None:
    """Kill something of an engine's job, again and again, and start what is gone anew."""
    made(scene)
    job = scene.job("job", runner=runner)
    with running(engine, job):
        with scene.sending(500.0):
            for _ in range(times):
                scene.flowing(scene.rows()[0], within_s=300)
                scene.wait(0.0, 4.0)
                kill(job)
                if not engine.running:
                    job.kill()
                    engine.kill()
                    engine.start()
                if not job.running:
                    job.kill()
                    job.start()
        scene.settled()


def flink_engine(scene: Scene, times: int) -> str:
    """Flink is killed while its worker lives on for a while."""
    flink = FlinkJobServer(scene.folder / "flink")

    def kill(job: Job) -> None:
        flink.kill()
        scene.wait(0.0, 3.0)

    _engine(scene, flink, flink.options(), times, kill)
    return "job server 2.62, LOOPBACK"


def flink_worker(scene: Scene, times: int) -> str:
    """The pool's workers are killed; Flink starts the job anew, whose sources go on where the lake ends."""
    flink = FlinkJobServer(scene.folder / "flink", conf=RESTARTS)
    pool = WorkerPool(scene.folder / "pool")
    with running(pool):
        _engine(scene, flink, flink.options(pool=pool), times, lambda job: pool.kill_workers())
    return "job server 2.62, EXTERNAL"


def prism_engine(scene: Scene, times: int) -> str:
    """Prism is killed."""
    prism = Prism(scene.folder / "prism")
    _engine(scene, prism, prism.options(), times, lambda job: prism.kill())
    return "2.77, LOOPBACK"


def prism_worker(scene: Scene, times: int) -> str:
    """The worker is killed; Prism lives."""
    prism = Prism(scene.folder / "prism")
    _engine(scene, prism, prism.options(), times, lambda job: job.kill())
    return "2.77, LOOPBACK"


def two_jobs(scene: Scene, times: int) -> str:
    """Two jobs on one lake by mistake, while a third party compacts all the time."""
    from connectors.lake import Lake, compact

    made(scene, 4)
    one, other, rounds = scene.job("one"), scene.job("other"), 0
    with running(one), scene.sending(RATE):
        scene.flowing()
        with running(other):
            until = time.monotonic() + 45
            while time.monotonic() < until:
                rounds += bool(compact(Lake.open(scene.lake), older_than_s=0, grace_s=5).segments)
                time.sleep(2)
            assert one.running, one.tail(3)
            assert other.running, other.tail(3)
    with running(one):
        scene.settled()
    return f"{rounds} compactions between"


def broker_away(scene: Scene, times: int) -> str:
    """The broker is stopped for a minute; the job waits for it."""
    made(scene)
    job = scene.job()
    with running(job):
        scene.send(50_000)
        scene.flowing()
        scene.broker.stop()
        time.sleep(60)
        assert job.running, f"the job ended: {job.tail(3)}"
        scene.broker.start()
        scene.send(50_000)
        scene.settled()
    return "the same job went on"


def zombie(scene: Scene, times: int) -> str:
    """A job is stopped in its tracks for 90 s, a second takes over, the first wakes up."""
    made(scene)
    one, other = scene.job("one"), scene.job("other")
    with running(one), scene.sending(RATE):
        scene.flowing()
        scene.wait(1.0, 3.0)
        one.pause()
        with running(other):
            time.sleep(90)
            one.resume()
            time.sleep(10)
        assert one.running, one.tail(3)
    with running(one):
        scene.settled()
    return "SIGSTOP, SIGCONT"


def compacted(scene: Scene, times: int) -> str:
    """A compacted topic: holes where keys were written again; what is left is read once."""
    compaction = {
        "cleanup.policy": "compact",
        "segment.ms": 100,
        "min.cleanable.dirty.ratio": 0.01,
        "min.compaction.lag.ms": 0,
    }
    made(scene, 1, **compaction)
    from tests.engines.kafka_kit import send
    from tests.engines.scene import line

    keep = 2_000
    keys = [b"%d" % (n % keep) for n in range(20_000)]
    send(scene.broker.bootstrap, scene.topic, [b"old"] * len(keys), keys=keys)
    time.sleep(20)
    send(scene.broker.bootstrap, scene.topic, [line(n) for n in range(keep)], keys=keys[:keep])
    scene.sent = keep
    time.sleep(20)
    job = scene.job("job", "--until-end")
    with running(job):
        _ended(job, 120)
    return "holes counted as skips"


def transactions(scene: Scene, times: int) -> str:
    """Records of aborted transactions are no records; those of committed ones are."""
    from tests.engines.kafka_kit import transaction
    from tests.engines.scene import line

    made(scene, 1)
    for n in range(40):
        with transaction(scene.broker.bootstrap, f"{scene.topic}-{n % 4}", commit=n % 2 == 0) as producer:
            for k in range(200):
                producer.send(scene.topic, line(scene.sent + k if n % 2 == 0 else 10_000_000 + k))
        scene.sent += 200 if n % 2 == 0 else 0
    job = scene.job("job", "--until-end")
    with running(job):
        _ended(job, 120)
    return "20 committed, 20 aborted"


def odd_records(scene: Scene, times: int) -> str:
    """Every codec, tombstones and records of 1 MB among the others."""
    from tests.engines.kafka_kit import send

    made(scene, 2, **{"max.message.bytes": 3 << 20})
    for codec in CODECS:
        scene.codec = codec
        scene.send(3_000)
        big = [None, b"<13>1 - h a - - - " + b"x" * 1_000_000, None, b"", bytes(range(256))]
        send(scene.broker.bootstrap, scene.topic, big, compression_type=codec, max_request_size=4 << 20)
    job = scene.job("job", "--until-end")
    with running(job):
        _ended(job, 120)
    return "gzip, snappy, lz4, zstd, none"


def recreated(scene: Scene, times: int) -> str:
    """A topic is deleted and made again under its name while the job runs: another chain, nothing lost."""
    made(scene, 1)
    job = scene.job()
    with running(job):
        scene.send(20_000)
        scene.settled()
    scene.broker.delete_topic(scene.topic)
    time.sleep(5)
    made(scene, 1)
    with running(job):
        scene.send(30_000)
        scene.settled()
    return "two chains"


def many_partitions(scene: Scene, times: int) -> str:
    """32 partitions on two workers, killed whole."""
    made(scene, 32)
    job = scene.job("job", "--workers", "2")
    with running(job), scene.sending(RATE):
        for _ in range(times):
            scene.flowing(scene.rows()[0])
            scene.wait(0.0, 3.0)
            job.kill()
            job.start()
    with running(job):
        scene.settled()
    return "two workers"


def rsyslog(scene: Scene, times: int) -> str:
    """rsyslog ships what it hears; the job is killed on the way."""
    from tests.engines.rsyslog import Rsyslog, lacking
    from tests.engines.scene import line

    if lacking():
        raise RuntimeError(lacking())
    made(scene, 2, **{"message.timestamp.type": "LogAppendTime"})
    places = {'"localhost:9092"': f'"{scene.broker.bootstrap}"', 'topic="logs"': f'topic="{scene.topic}"'}
    shipper = Rsyslog(scene.folder / "rsyslog", "dioptre.conf", places)
    job = scene.job("job")
    with running(shipper, job), socket.create_connection(("127.0.0.1", shipper.port)) as out:
        for _ in range(times):
            for _ in range(40):
                out.sendall(b"".join(line(scene.sent + n) for n in range(500)))
                scene.sent += 500
                time.sleep(0.1)
            scene.flowing(scene.rows()[0])
            job.kill()
            job.start()
        scene.settled()
    return "over TCP"


def _ended(job: Job, within_s: float) -> None:
    """Wait until a bounded job is through."""
    deadline = time.monotonic() + within_s
    while job.running:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job.name}: not through within {within_s:g} s: {job.tail(3)}")
        time.sleep(0.2)
