"""Which engines a stream may run on; the others are known to lose records, to hang, or to do both quietly."""

import socket
from collections.abc import Sequence

from pipeline.settings_checks import near

ENGINES = ("PrismRunner", "FlinkRunner", "PortableRunner")
"""What runs without end. PortableRunner: the job server that --job_endpoint names, Flink's or Prism."""

OWN = "leave --runner out: dioptre's own loop of bounded runs needs no engine"

LOSING = {
    "FnApiRunner": f"it writes nothing behind a shuffle and takes every processor meanwhile; {OWN}",
    "InProcessRunner": f"it is none that reads without end; {OWN}",
    "DirectRunner": f"it is another runner from one job to the next, and most of them lose records; {OWN}",
    "SwitchingDirectRunner": f"it is another runner from one job to the next, and most of them lose records; {OWN}",
    "BundleBasedDirectRunner": f"it loses all records behind the first batch; {OWN}",
    "TestDirectRunner": f"it is for tests of Beam's own; {OWN}",
    "KafkaStreamsRunner": "it runs no source of ours; use FlinkRunner",
    "DataflowRunner": "dioptre was never run there; use FlinkRunner, or leave --runner out",
    "SparkRunner": "its streams end with their first batch; use FlinkRunner",
    "InteractiveRunner": f"it is for notebooks; {OWN}",
}
"""Runner -> what is wrong with it, and what would be right."""

REACH_S = 5.0

SLOWEST_CHECKPOINTS_MS = 10_000
"""A fresh Flink that is asked for checkpoints more often may leave its first job without an element for ever."""


class EngineError(Exception):
    """The engine cannot be used, or has failed."""


def engine(name: str, options: Sequence[str] = (), *, workers: int = 1) -> str:
    """Check an engine and its options; give its name as Beam spells it.

    Raises:
        EngineError: it loses records or hangs, or does with these options; the message says what to use.
    """
    short = name.rpartition(".")[2]
    found = {known.lower(): known for known in (*ENGINES, *LOSING)}
    full = found.get(short.lower()) or found.get(f"{short.lower()}runner")
    if full is None:
        raise EngineError(f"--runner {name}: no such engine{near(name, ENGINES) or f'; known: {_names()}'}")
    if full in LOSING:
        raise EngineError(f"--runner {name}: {LOSING[full]}")
    if workers > 1:
        raise EngineError(f"--workers {workers}: {full} has its own workers; give --parallelism={workers} after --")
    _check_options(full, options)
    return full


def _names() -> str:
    return ", ".join(ENGINES)


def _check_options(name: str, options: Sequence[str]) -> None:
    """Refuse options that make an engine lose records or hang."""
    if given(options, "runner") is not None:
        raise EngineError("--runner stands after --; it goes before")
    if given(options, "direct_num_workers") is not None or given(options, "direct_running_mode") is not None:
        raise EngineError(
            f"--direct_num_workers: several workers in a process lose what they put off; {OWN}, --workers N"
        )
    if given(options, "shutdown_sources_after_idle_ms") is not None:
        raise EngineError("--shutdown_sources_after_idle_ms: Flink then never waits between two looks; leave it out")
    pace = given(options, "checkpointing_interval")
    if pace is not None and not (pace.isdigit() and int(pace) >= SLOWEST_CHECKPOINTS_MS):
        right = f"{SLOWEST_CHECKPOINTS_MS} or more would be right"
        raise EngineError(f"--checkpointing_interval={pace}: a fresh Flink may then start without an element; {right}")
    if name == "PortableRunner" and given(options, "job_endpoint") is None:
        raise EngineError("PortableRunner needs a job server; give --job_endpoint=host:port after --")


def reach(options: Sequence[str]) -> None:
    """See whether the job server listens: Beam would wait a minute for it, and then tell in forty lines.

    Raises:
        EngineError: nobody listens there.
    """
    endpoint = given(options, "job_endpoint")
    host, _, port = (endpoint or "").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACH_S).close()
    except OSError as error:
        why = error.strerror or "no answer"
        raise EngineError(f"{endpoint}: no job server there: {why}; start it, or mend --job_endpoint") from error


def given(options: Sequence[str], name: str) -> str | None:
    """Give the value of an option as it stands on the command line, "" for one without; None: it is not there."""
    for i, word in enumerate(options):
        option, _, value = word.partition("=")
        if option == f"--{name}":
            after = options[i + 1] if i + 1 < len(options) and not options[i + 1].startswith("--") else ""
            return value or after
    return None


def completed(name: str, options: Sequence[str]) -> list[str]:
    """Add what a stream needs and nobody gave: no end, checkpoints, workers in this process.

    The experiment keeps Beam from asking pip for all that is installed, and from complaining where there is no pip.
    """
    added = [f"--runner={name}", "--streaming", "--experiments=disable_logging_submission_environment"]
    if given(options, "environment_type") is None and name != "PrismRunner":
        added.append("--environment_type=LOOPBACK")
    if given(options, "checkpointing_interval") is None and name != "PrismRunner":
        added.append(f"--checkpointing_interval={SLOWEST_CHECKPOINTS_MS}")
    return [*added, *options]
