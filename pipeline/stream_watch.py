"""A thread that asks and tells the brokers what has time, so that a slow broker delays neither words nor counts."""

import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kafka import Client, KafkaError, Partition

LOOK_EVERY_S = 10.0
"""New partitions are looked for this often."""

PUBLISH_EVERY_S = 5.0
"""Group offsets are set this often, if they have changed: they are for graphs, not for us."""


class Watch:
    """Looks for partitions, and publishes how far the lake is, until closed. What it finds out lies in `heard`:
    ("partitions", list), ("unseen", KafkaError) when they cannot be listed, ("unpublished", KafkaError).

    Args:
        group: whose offsets are set; "": none.
    """

    def __init__(self, client: Client, topics: Sequence[str], group: str) -> None:
        self.heard: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._client, self._topics, self._group = client, list(topics), group
        self._ends: Mapping[Partition, int] = {}
        self._published: Mapping[Partition, int] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="watch")
        self._thread.start()

    def reached(self, ends: Mapping[Partition, int]) -> None:
        """Say how far the lake is."""
        self._ends = dict(ends)

    def close(self, within_s: float = 3.0) -> None:
        """Publish the last ends and stop, unless the broker takes too long."""
        self._over.set()
        self._thread.join(within_s)

    def _watch(self) -> None:
        looked = time.monotonic()
        while not self._over.wait(PUBLISH_EVERY_S):
            self._publish()
            if time.monotonic() - looked >= LOOK_EVERY_S:
                looked = time.monotonic()
                self._look()
        self._publish()

    def _publish(self) -> None:
        ends = self._ends
        if not self._group or not ends or ends == self._published:
            return
        try:
            self._client.publish(self._group, ends)
            self._published = ends
        except KafkaError as error:
            self.heard.put(("unpublished", error))

    def _look(self) -> None:
        try:
            self.heard.put(("partitions", self._client.partitions(self._topics)))
        except KafkaError as error:
            self.heard.put(("unseen", error))
