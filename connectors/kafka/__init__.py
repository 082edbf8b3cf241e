"""Kafka: topics read into RECORDS batches, each partition a chain of the lake. The Beam source is in `source`."""

from connectors.kafka.client import Client
from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError
from connectors.kafka.partitions import Bounds, Partition
from connectors.kafka.policy import Policy, Span, spans

__all__ = ["Bounds", "Client", "Cluster", "KafkaError", "Partition", "Policy", "Span", "spans"]
