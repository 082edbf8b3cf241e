"""What a stream counts, as Prometheus reads it. The numbers are those of the lake's footers, added up."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import CollectorRegistry

from pipeline.stream_totals import Totals
from schemas.version import VERSION

CONTENT_TYPE = CONTENT_TYPE_LATEST

_PAGE = os.sysconf("SC_PAGE_SIZE")


def exposition(totals: Totals, now: float, processes: Mapping[str, int]) -> bytes:
    """Write all metrics.

    Args:
        now: by the clock of the totals.
        processes: what each is -> its id; of those that run, memory and open files are told.
    """
    registry = CollectorRegistry()
    registry.register(_Collector(totals, now, processes))
    return bytes(generate_latest(registry))


class _Collector:
    """Gives the families of one exposition."""

    def __init__(self, totals: Totals, now: float, processes: Mapping[str, int]) -> None:
        self._totals, self._now, self._processes = totals, now, processes

    def collect(self) -> Iterator[Any]:
        """Give the families, all of the same moment."""
        with self._totals.lock:
            families = [*self._counts(), *self._standing()]
        yield from (*families, *_of_processes(self._processes))

    def _counts(self) -> Iterator[Any]:
        totals = self._totals
        lines = CounterMetricFamily(
            "dioptre_lines", "Positions by what became of them.", labels=("source", "topic", "partition", "outcome")
        )
        for (source, outcome), n in sorted(totals.lines.items()):
            topic, _, number = totals.names.get(source, "/").rpartition("/")
            lines.add_metric((source, topic, number, outcome), n)
        yield lines
        yield _family("dioptre_events", "Events by the stage that labelled them.", "stage", totals.stages)
        yield _family("dioptre_rejects", "Positions that held no event, by reason.", "reason", totals.rejects)
        yield _family("dioptre_skipped", "Positions without a record, by reason.", "reason", totals.skips)
        yield _family("dioptre_stage_seconds", "Seconds by stage, over all processes.", "stage", totals.seconds)
        yield CounterMetricFamily("dioptre_segments", "Segments written.", value=totals.segments)
        yield CounterMetricFamily("dioptre_worker_restarts", "Workers that died and came back.", value=totals.restarts)

    def _standing(self) -> Iterator[Any]:
        totals = self._totals
        lag = GaugeMetricFamily("dioptre_lag_records", "Records not in the lake yet.", labels=("topic", "partition"))
        for partition, records in sorted(totals.lag().items()):
            lag.add_metric((partition.topic, str(partition.number)), records)
        yield lag
        age = totals.commit_age(self._now)
        yield GaugeMetricFamily("dioptre_commit_age_seconds", "Since the last commit, while records wait.", value=age)
        yield GaugeMetricFamily("dioptre_templates", "Kinds of lines that the lake knows.", value=totals.kinds)
        yield from _of_certificates(totals)
        build = GaugeMetricFamily("dioptre_build_info", "Which dioptre this is.", labels=("version",))
        build.add_metric((VERSION,), 1)
        yield build


def _of_certificates(totals: Totals) -> Iterator[Any]:
    """Tell what is promised of labels, in a lake where anybody ever certified."""
    if not totals.certificates:
        return
    names = ("tier", "domain", "promise")
    valid = GaugeMetricFamily("dioptre_certificate_valid", "1: the promise stands; 0: it does not.", labels=names)
    lower = GaugeMetricFamily("dioptre_certificate_precision", "Precision that was proved.", labels=names)
    wealth = GaugeMetricFamily("dioptre_audit_wealth", "Evidence against the promise; 20 is an alarm.", labels=names)
    for one in totals.certificates:
        told = (one.tier, one.domain, one.promise)
        valid.add_metric(told, float(one.valid))
        lower.add_metric(told, one.lower)
        wealth.add_metric(told, one.wealth)
    yield from (valid, lower, wealth)


def _family(name: str, doc: str, label: str, values: Mapping[str, float]) -> Any:
    family = CounterMetricFamily(name, doc, labels=(label,))
    for value, n in sorted(values.items()):
        family.add_metric((value,), n)
    return family


def _of_processes(processes: Mapping[str, int]) -> Iterator[Any]:
    """Tell memory and open files of processes, where the system has /proc."""
    memory = GaugeMetricFamily("dioptre_process_resident_memory_bytes", "Resident memory.", labels=("process",))
    files = GaugeMetricFamily("dioptre_process_open_fds", "Open files.", labels=("process",))
    for what, pid in sorted(processes.items()):
        try:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            opened = sum(1 for _ in os.scandir(f"/proc/{pid}/fd"))
        except (OSError, IndexError, ValueError):
            continue
        memory.add_metric((what,), pages * _PAGE)
        files.add_metric((what,), opened)
    yield from (memory, files)
