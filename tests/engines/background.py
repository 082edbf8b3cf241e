"""Start an engine, let it run beside the terminal, stop it by its process id: `make kafka`, `make flink`, `make prism`.

    python -m tests.engines.background kafka start|stop

The folder of an engine that runs, and its process id, lie in the cache folder under `running`.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.engines import broker, flink, prism
from tests.engines.broker import Broker
from tests.engines.flink import FlinkJobServer
from tests.engines.prism import Prism
from tests.engines.process import NotReadyError, Service, answers, cache_folder, free_port, missing

_KAFKA = """Kafka {version} listens on {address} (process {pid}; its log: {log}).
  make a topic and send lines:  echo '<34>Oct 11 22:14:15 web1 su: failed' | python -m kafka.producer -b {address} -t logs
  read them:                    dioptre stream --brokers {address} --topic logs --lake lake
  stop it, and forget its data: make kafka-stop"""
_FLINK = """Flink {version} takes jobs on {address} (process {pid}; its log: {log}).
  a job for it:  dioptre stream ... --runner PortableRunner -- {options}
  stop it:       make flink-stop"""
_PRISM = """Prism {version} takes jobs on {address} (process {pid}; its log: {log}).
  a job for it:  dioptre stream ... --runner PortableRunner -- {options}
  or let Beam start one for each job:  --runner PrismRunner --prism_location {binary}
  stop it:       make prism-stop"""


def _kafka(folder: Path) -> tuple[Service, str]:
    one = Broker(folder, port=free_port() if answers(9092) else 9092, outlives=True)
    one.start()
    return one, _KAFKA.format(version=broker.VERSION, address=one.bootstrap, pid=one.pid, log=one.log)


def _flink(folder: Path) -> tuple[Service, str]:
    one = FlinkJobServer(folder, port=free_port() if answers(8099) else 8099, outlives=True)
    one.start()
    version = f"{flink.FLINK} with Beam's job server {flink.BEAM}"
    options = " ".join(one.options()[1:])
    return one, _FLINK.format(version=version, address=one.endpoint, pid=one.pid, log=one.log, options=options)


def _prism(folder: Path) -> tuple[Service, str]:
    one = Prism(folder, port=free_port() if answers(8073) else 8073, outlives=True)
    one.start()
    places = {"address": one.endpoint, "pid": one.pid, "log": one.log, "binary": prism.fetched()}
    return one, _PRISM.format(version=prism.VERSION, **places, options=" ".join(one.options()[1:]))


@dataclass(frozen=True)
class Engine:
    """How one is started in a folder (its handle, and what to tell), and the programs it needs."""

    start: Callable[[Path], tuple[Service, str]]
    needs: tuple[str, ...]


ENGINES = {
    "kafka": Engine(_kafka, ("java", "mvn")),
    "flink": Engine(_flink, ("java", "mvn")),
    "prism": Engine(_prism, ("go",)),
}


def start(name: str) -> int:
    """Start an engine unless it runs; returns the exit code."""
    lacking = missing(*ENGINES[name].needs)
    if lacking:
        print(f"{name}: {', '.join(lacking)} not found on PATH: install what is missing and try again", file=sys.stderr)
        return 2
    if running := _running(name):
        print(f"{name} runs already, as process {running.pid}; stop it by: make {name}-stop")
        return 0
    shutil.rmtree(_folder(name), ignore_errors=True)
    try:
        one, how = ENGINES[name].start(_folder(name))
    except (NotReadyError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2
    created = psutil.Process(one.pid).create_time()
    _state(name).write_text(json.dumps({"pid": one.pid, "created": created}))
    print(how)
    return 0


def stop(name: str) -> int:
    """Stop an engine and remove its folder; returns the exit code."""
    running = _running(name)
    if running:
        os.killpg(running.pid, signal.SIGTERM)
        _, alive = psutil.wait_procs([running], timeout=10)
        if alive:
            os.killpg(running.pid, signal.SIGKILL)
            time.sleep(0.5)
    print(f"{name}: stopped process {running.pid}" if running else f"{name}: not running")
    shutil.rmtree(_folder(name), ignore_errors=True)
    return 0


def _folder(name: str) -> Path:
    return cache_folder("running") / name


def _state(name: str) -> Path:
    return _folder(name) / "process.json"


def _running(name: str) -> psutil.Process | None:
    """The engine's process; None if it is gone, also if its id now belongs to another."""
    try:
        state = json.loads(_state(name).read_text())
        process = psutil.Process(state["pid"])
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    return process if process.create_time() == state["created"] else None


def main(arguments: list[str]) -> int:
    """Start or stop an engine."""
    try:
        name, verb = arguments
        return {"start": start, "stop": stop}[verb](name)
    except (KeyError, ValueError):
        print(f"usage: python -m tests.engines.background {'|'.join(ENGINES)} start|stop", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
