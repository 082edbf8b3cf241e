"""A real Prism, Beam's engine for one machine, built by Go."""

import os
import subprocess
from pathlib import Path

from tests.engines.process import Service, answers, cache_folder, free_port, tool

VERSION = os.environ.get("ENGINES_PRISM_VERSION", "2.77.0")


def fetched() -> Path:
    """Prism's binary, built into the cache first if need be (minutes); also for --prism_location."""
    binary = cache_folder(f"prism-{VERSION}") / "prism"
    if not binary.exists():
        go = tool("go", "building Prism")
        source = f"github.com/apache/beam/sdks/v2/go/cmd/prism@v{VERSION}"
        env = {**os.environ, "GOBIN": str(binary.parent)}
        done = subprocess.run([go, "install", source], capture_output=True, text=True, env=env)
        if done.returncode:
            raise RuntimeError(f"go could not build Prism {VERSION}:\n{done.stderr[-2000:]}")
    return binary


class Prism(Service):
    """Prism as a job server; its data lives in memory and goes with it."""

    def __init__(self, folder: Path, *, port: int | None = None, outlives: bool = False) -> None:
        super().__init__("prism", folder / "prism.log", outlives=outlives)
        self._port = port or free_port()

    @property
    def endpoint(self) -> str:
        """Where jobs are handed in, for --job_endpoint."""
        return f"localhost:{self._port}"

    def options(self) -> list[str]:
        """Pipeline options of a job for it, its workers in the process that hands it in."""
        return ["--runner=PortableRunner", f"--job_endpoint={self.endpoint}", "--environment_type=LOOPBACK"]

    def start(self, *, within_s: float = 30) -> None:
        """Start it, also again after stop() or kill(); its jobs are gone then. Returns when it takes jobs."""
        self.run([fetched(), f"--job_port={self._port}", "--serve_http=false", "--log_kind=text"])
        self.wait_until(lambda: answers(self._port), within_s=within_s)
