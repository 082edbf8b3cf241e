"""A real Kafka broker in KRaft mode, one process, fetched from Maven's repository."""

import base64
import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.engines.broker_settings import SETTINGS
from tests.engines.maven import class_path, java
from tests.engines.process import Service, free_port

VERSION = os.environ.get("ENGINES_KAFKA_VERSION", "4.1.2")


def fetched() -> str:
    """Class path of Kafka, fetched into the cache first if need be."""
    return class_path(f"kafka-{VERSION}", [f"org.apache.kafka:kafka_2.13:{VERSION}"])


class Broker(Service):
    """One broker with its data in `folder`; keeps its ports, data and cluster id over kill() and start().

    `bootstrap` is a listener without TLS or password. Further listeners: `listeners={"SECURE": "SASL_SSL"}`, whose
    address is `address("SECURE")` and whose settings are given as Kafka spells them (`listener.name.secure....`).
    `scram` are arguments for `--add-scram` of Kafka's storage tool.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        listeners: Mapping[str, str] | None = None,
        scram: Sequence[str] = (),
        port: int | None = None,
        outlives: bool = False,
    ) -> None:
        super().__init__("kafka", folder / "kafka.log", outlives=outlives)
        self.folder = folder
        self.cluster_id = "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        self._protocols = {"PLAIN": "PLAINTEXT", **(listeners or {}), "CONTROLLER": "PLAINTEXT"}
        self._ports = {name: free_port() for name in self._protocols} | ({"PLAIN": port} if port else {})
        self._settings = {**SETTINGS, **(settings or {})}
        self._scram = list(scram)

    @property
    def bootstrap(self) -> str:
        """Address of the listener without TLS or password."""
        return self.address("PLAIN")

    def address(self, listener: str) -> str:
        """`host:port` of a listener."""
        return f"localhost:{self._ports[listener]}"

    def start(self, *, within_s: float = 90) -> None:
        """Start it, also again after stop() or kill(); returns when it answers."""
        properties = self.folder / "server.properties"
        if not properties.exists():
            self._format(properties)
        self.run([*java(), "-cp", fetched(), "kafka.Kafka", properties])
        self.wait_until(lambda: self.said("Kafka Server started"), within_s=within_s)

    def create_topic(self, name: str, partitions: int = 1, settings: Mapping[str, Any] | None = None) -> None:
        """Make a topic; settings as Kafka spells them, for instance {"cleanup.policy": "compact"}."""
        configs = {key: str(value) for key, value in (settings or {}).items()}
        with self.admin() as admin:
            admin.create_topics({name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}})
            admin.wait_for_topics([name])

    def delete_topic(self, name: str) -> None:
        """Delete a topic."""
        with self.admin() as admin:
            admin.delete_topics([name])

    def add_partitions(self, name: str, total: int) -> None:
        """Let a topic have `total` partitions; returns when the broker tells of them."""
        with self.admin() as admin:
            admin.create_partitions({name: total})
            self.wait_until(lambda: len(admin.describe_topics([name])[0]["partitions"]) == total)

    def delete_records(self, name: str, partition: int, before: int) -> None:
        """Let a partition begin at the offset `before`."""
        from kafka import TopicPartition

        with self.admin() as admin:
            admin.delete_records({TopicPartition(name, partition): before})

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        """An admin client of kafka-python."""
        from kafka import KafkaAdminClient

        client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            yield client
        finally:
            client.close()

    def _format(self, properties: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = properties.with_suffix(".new")
        aside.write_text("".join(f"{key}={value}\n" for key, value in self._all_settings().items()))
        scram = [part for user in self._scram for part in ("--add-scram", user)]
        tool = [
            *java(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            fetched(),
            "kafka.tools.StorageTool",
            "format",
            "-t",
            self.cluster_id,
            "-c",
            str(aside),
            *scram,
        ]
        done = subprocess.run(tool, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"Kafka's storage tool failed:\n{(done.stdout + done.stderr)[-2000:]}")
        aside.rename(properties)

    def _all_settings(self) -> dict[str, Any]:
        places = [f"{name}://localhost:{self._ports[name]}" for name in self._protocols]
        return {
            "log.dirs": self.folder / "data",
            "listeners": ",".join(places),
            "advertised.listeners": ",".join(place for place in places if not place.startswith("CONTROLLER")),
            "listener.security.protocol.map": ",".join(f"{name}:{kind}" for name, kind in self._protocols.items()),
            "controller.quorum.voters": f"1@localhost:{self._ports['CONTROLLER']}",
            **self._settings,
        }
