"""Engines that the tests share: started when first asked for, gone with the session."""

import uuid
from collections.abc import Iterator

import pytest

from tests.engines.broker import Broker
from tests.engines.flink import FlinkJobServer, WorkerPool
from tests.engines.prism import Prism
from tests.engines.secure import SecureBroker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A running Kafka broker; a test that stops it or changes its settings starts one of its own instead."""
    one = Broker(tmp_path_factory.mktemp("kafka"))
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def secure_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    """A running broker behind TLS and logins: bootstrap, ca_file, username, password, token() and more."""
    one = SecureBroker(tmp_path_factory.mktemp("secure"))
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkJobServer]:
    """A running Flink behind Beam's job server; a test that kills it starts one of its own."""
    one = FlinkJobServer(tmp_path_factory.mktemp("flink"))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def worker_pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerPool]:
    """A pool of Python workers for an engine."""
    one = WorkerPool(tmp_path_factory.mktemp("workers"))
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """A running Prism; a test that kills it starts one of its own."""
    one = Prism(tmp_path_factory.mktemp("prism"))
    one.start()
    yield one
    one.stop()


@pytest.fixture
def topic() -> str:
    """A topic's name that no other test has; the test makes it, by broker.create_topic."""
    return f"t-{uuid.uuid4().hex[:12]}"
