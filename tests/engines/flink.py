"""A real Flink of one process behind Beam's job server, fetched from Maven's repository, and a pool of Python workers."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.engines.maven import class_path, java
from tests.engines.process import Service, answers, free_port

FLINK = os.environ.get("ENGINES_FLINK_VERSION", "1.19")
# The job server of this version is for tests: below 2.76 the state of polling sources grows (see deploy/k8s/flink).
BEAM = os.environ.get("ENGINES_JOB_SERVER_VERSION", "2.62.0")
RESTARTS = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": 1_000,
    "restart-strategy.fixed-delay.delay": "1 s",
}
"""Lines of flink-conf.yaml: a job that has lost a worker is started anew, as production asks of Flink."""

# What Flink opens of Java's own for itself on Java 17.
_OPENS = ["java.base/java.lang", "java.base/java.util", "java.base/java.util.concurrent", "java.base/java.nio"]


def fetched() -> str:
    """Class path of the job server, fetched into the cache first if need be."""
    return class_path(f"flink-{FLINK}-{BEAM}", [f"org.apache.beam:beam-runners-flink-{FLINK}:{BEAM}"])


class FlinkJobServer(Service):
    """A job server with an embedded Flink; `conf` are lines of its flink-conf.yaml."""

    def __init__(
        self,
        folder: Path,
        *,
        conf: Mapping[str, Any] | None = None,
        heap: str = "768m",
        port: int | None = None,
        outlives: bool = False,
    ) -> None:
        super().__init__("flink", folder / "flink.log", outlives=outlives)
        self.folder = folder
        self._conf = dict(conf or {})
        self._heap = heap
        self._port = port or free_port()

    @property
    def endpoint(self) -> str:
        """Where jobs are handed in, for --job_endpoint."""
        return f"localhost:{self._port}"

    def options(
        self, *, parallelism: int = 1, pool: "WorkerPool | None" = None, checkpoint_ms: int | None = None
    ) -> list[str]:
        """Pipeline options of a job for it: its workers in the process that hands it in, or in `pool`.

        Without checkpoints unless asked for: nothing depends on them, since a job goes on where the lake ends, and on
        a busy machine a fresh Flink that makes some may leave its first job without an element for ever.
        """
        workers = ["--environment_type=LOOPBACK"]
        if pool:
            workers = ["--environment_type=EXTERNAL", f"--environment_config={pool.endpoint}"]
        pace = [f"--checkpointing_interval={checkpoint_ms}"] if checkpoint_ms else []
        pace.append(f"--parallelism={parallelism}")
        return ["--runner=PortableRunner", f"--job_endpoint={self.endpoint}", *workers, *pace]

    def start(self, *, within_s: float = 90) -> None:
        """Start it, also again after stop() or kill(); its jobs are gone then. Returns when it takes jobs."""
        opens = [part for place in _OPENS for part in ("--add-opens", f"{place}=ALL-UNNAMED")]
        main = "org.apache.beam.runners.flink.FlinkJobServerDriver"
        ports = ["--job-host=localhost", f"--job-port={self._port}", "--artifact-port=0", "--expansion-port=0"]
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        (conf / "flink-conf.yaml").write_text("".join(f"{key}: {value}\n" for key, value in self._conf.items()))
        places = [f"--artifacts-dir={self.folder / 'artifacts'}", f"--flink-conf-dir={conf}", "--flink-master=[local]"]
        self.run([*java(self._heap), *opens, "-cp", fetched(), main, *ports, *places])
        self.wait_until(lambda: answers(self._port), within_s=within_s)


class WorkerPool(Service):
    """Python workers beside the engine instead of within the process that hands in the job (Beam's EXTERNAL)."""

    def __init__(self, folder: Path) -> None:
        super().__init__("worker pool", folder / "workers.log")
        self._port = free_port()

    @property
    def endpoint(self) -> str:
        return f"localhost:{self._port}"

    def start(self, *, within_s: float = 60) -> None:
        """Start it; its workers run the Python that runs this, and find the modules that this finds."""
        module = "apache_beam.runners.worker.worker_pool_main"
        found_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the pool starts `python`
        env = {"PATH": found_first, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.run([sys.executable, "-m", module, f"--service_port={self._port}"], env=env)
        self.wait_until(lambda: answers(self._port), within_s=within_s)

    def kill_workers(self) -> int:
        """End the workers that it has started (SIGKILL), not itself; gives how many there were."""
        workers = psutil.Process(self.pid).children(recursive=True)
        for worker in workers:
            worker.kill()
        return len(workers)
