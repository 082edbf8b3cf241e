"""Names of chains: bound to the cluster and the topic as it was created, and fit for a lake."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.partitions import Partition, source_name
from connectors.lake.layout import is_source, origin

ID = UUID("8b1f0e6c-6a5f-4f1e-9a51-7d9f3f0a2b11")


def test_a_chain_is_named_after_cluster_topic_id_and_number() -> None:
    assert source_name("clusterA", "logs", ID, 7) == "kafka-clusterA-ix8ObGpfTx6aUX2fPworEQ-7"


def test_a_topic_created_anew_or_on_another_cluster_is_another_chain() -> None:
    names = {source_name(cluster, "logs", topic, 0) for cluster in ("a", "b") for topic in (uuid4(), uuid4())}
    assert len(names) == 4


def test_a_broker_without_topic_ids_has_the_topics_name_in_their_place() -> None:
    nobody = UUID(int=0)
    assert source_name("a", "logs", None, 0) == source_name("a", "logs", nobody, 0)
    assert source_name("a", "logs", None, 0) != source_name("a", "log", None, 0)


@given(st.none() | st.text(), st.text(min_size=1), st.none() | st.uuids(), st.integers(0, 2**31 - 1))
def test_every_name_can_name_a_chain_that_begins_at_0(
    cluster: str | None, topic: str, topic_id: UUID | None, number: int
) -> None:
    name = source_name(cluster, topic, topic_id, number)
    assert is_source(name)
    assert origin(name, 1 << 20) == 0


def test_a_partition_shows_as_topic_and_number_and_is_the_same_fresh_or_not() -> None:
    partition = Partition("logs", 3, "kafka-c-t-3")
    assert str(partition) == "logs/3"
    assert partition == Partition("logs", 3, "kafka-c-t-3", fresh=True)
    assert hash(partition) == hash(Partition("logs", 3, "kafka-c-t-3", fresh=True))
