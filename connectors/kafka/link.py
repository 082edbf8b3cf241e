"""A line to a Kafka cluster: requests and their answers, every wait bounded, every failure one KafkaError."""

import logging
import os
import threading
import time
from typing import Any

from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError, told

_QUIET = "kafka"
"""kafka-python tells of each lost connection as an error, and at level DEBUG of each request, logins among them."""
_AGAIN_S = 0.25


class Link:
    """Connections to the brokers of one cluster, on one thread. Safe among threads; connects when first asked.

    A fork leaves its thread behind, so a child that finds the link of its parent connects anew.
    """

    def __init__(self, cluster: Cluster, timeout_s: float) -> None:
        self.cluster = cluster
        self.timeout_s = timeout_s
        self._client: Any = None
        self._pid = 0
        self._lock = threading.RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Link, (self.cluster, self.timeout_s)

    def send(self, request: Any, node: int | None = None, *, where: str = "") -> Any:
        """Send a request to a broker, any if `node` is None; give the answer.

        Raises:
            KafkaError: nobody answers within timeout_s, or refuses; the next call connects anew.
        """
        deadline = time.monotonic() + self.timeout_s
        client = self.open()

        async def ask() -> Any:
            manager = client._manager
            future = manager.send(request, node, request_timeout_ms=_left_ms(deadline))
            return await manager.wait_for(future, _left_ms(deadline))

        try:
            return client._net.run(ask)
        except Exception as error:
            self.drop(client)
            raise self._told(error, where) from error

    def open(self) -> Any:
        """Connect if need be; give kafka-python's client.

        Raises:
            KafkaError: no broker lets us in within timeout_s; at once if a second try would not help.
        """
        with self._lock:
            if self._client is not None and self._pid != os.getpid():
                self._client = None
            if self._client is None:
                self._client, self._pid = self._connect(), os.getpid()
            return self._client

    def close(self) -> None:
        """Close all connections; the next call connects again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            close(client)

    def drop(self, client: Any) -> None:
        """Close this client, unless another has taken its place."""
        with self._lock:
            if self._client is not client:
                return
            self._client = None
        close(client)

    def _connect(self) -> Any:
        """Try the brokers in turn until one lets us in."""
        quiet()
        deadline = time.monotonic() + self.timeout_s
        while True:
            client = self._made()
            try:
                client._net.start()
                client._net.run(self._attempt, client._manager, deadline)
                client._manager.bootstrap(max(_left_ms(deadline), 1_000))
                return client
            except Exception as error:
                close(client)
                failure = self._told(error)
                if failure.permanent or time.monotonic() + _AGAIN_S >= deadline:
                    raise failure from None
                time.sleep(_AGAIN_S)

    def _made(self) -> Any:
        """Make kafka-python's client; nothing is sent yet."""
        from kafka import KafkaConsumer

        from connectors.kafka import patient

        given = self.cluster.settings()
        timeouts = {"request_timeout_ms": int(self.timeout_s * 1000)}
        client = patient.client({**KafkaConsumer.DEFAULT_CONFIG, **timeouts, **given, "metrics": None})
        client.cluster.config["allow_auto_create_topics"] = False
        return client

    async def _attempt(self, manager: Any, deadline: float) -> None:
        """Connect to one of the brokers given; if none lets us in, raise the failure that tells most."""
        from kafka.protocol.metadata import MetadataRequest

        failures: list[KafkaError] = []
        for broker in manager.cluster.bootstrap_brokers():
            where = f"{broker.host}:{broker.port}"
            try:
                conn = manager.get_connection(
                    broker.node_id, timeout_ms=_left_ms(deadline), pop_on_close=False, refresh_metadata_on_err=False
                )
                await manager.wait_for(conn.init_future, _left_ms(deadline))
                # A broker that wants a login takes the connection, and hangs up on the first real question.
                asked = manager.send(MetadataRequest(topics=[]), broker.node_id, request_timeout_ms=_left_ms(deadline))
                await manager.wait_for(asked, _left_ms(deadline))
                return
            except Exception as error:
                failures.append(self._told(error, where))
        raise next((f for f in failures if f.permanent), failures[-1])

    def _told(self, error: BaseException, where: str = "") -> KafkaError:
        return told(error, where or str(self.cluster), self.cluster.username)


def quiet() -> None:
    """Keep kafka-python from logging, unless its logger was set up by somebody."""
    log = logging.getLogger(_QUIET)
    if log.level == logging.NOTSET:
        log.setLevel(logging.CRITICAL)


def _left_ms(deadline: float) -> float:
    """Give the milliseconds left, at least 1."""
    return max(1.0, (deadline - time.monotonic()) * 1000)


def close(client: Any) -> None:
    """Close a client and its thread; what cannot be closed is left to the system."""
    try:
        client.close()
        client._net.stop(timeout_ms=1_000)
    except Exception as error:
        logging.getLogger(__name__).debug("closing: %s", error)
