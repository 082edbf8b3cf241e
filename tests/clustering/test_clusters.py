from collections.abc import Sequence

import numpy as np
import pytest

from classifiers.encoder import Encoder
from clustering.clusters import Members, cluster, near
from clustering.clusters_words import contradict, stance
from schemas.registry import Kind


def members(vectors: Sequence[Sequence[float]], texts: Sequence[str] | None = None, prefix: str = "k") -> Members:
    matrix = np.array(vectors, np.float32).reshape(len(vectors), -1)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    keys = [f"{prefix}{i:03d}" for i in range(len(vectors))]
    return Members(matrix, keys, list(texts) if texts else ["word"] * len(vectors))


NOBODY = Members(np.zeros((0, 3), np.float32), [], [])


def cloud(seed: int, n: int = 60, width: int = 16) -> Members:
    """Groups of five around random centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n // 5, width))
    return members([c + rng.normal(size=width) * 0.05 for c in centres for _ in range(5)])


def shuffled(m: Members, seed: int) -> Members:
    order = np.random.default_rng(seed).permutation(len(m.keys))
    return Members(m.vectors[order], [m.keys[i] for i in order], [m.texts[i] for i in order])


@pytest.mark.parametrize("block", [2_500, 16])
def test_clusters_do_not_depend_on_the_order_of_the_kinds(block: int) -> None:
    m = cloud(1)
    first = cluster(m, NOBODY, block=block)
    assert len(first.found) > 5
    assert all(cluster(shuffled(m, seed), NOBODY, block=block) == first for seed in range(5))


def test_groups_are_found_and_each_bears_the_key_of_one_of_its_members() -> None:
    found = cluster(cloud(2), NOBODY).found
    groups = sorted(sorted(int(key[1:]) // 5 for key in those) for those in found.values())
    assert groups == [[i] * 5 for i in range(12)]
    assert all(medoid in those and those[medoid] == 0.0 for medoid, those in found.items())


def test_a_kind_joins_the_nearest_known_medoid_and_the_id_of_the_cluster_stays() -> None:
    known = members([[1, 0, 0], [0, 1, 0]], prefix="m")
    found = cluster(members([[0.99, 0.1, 0], [0.1, 0.99, 0], [0, 0, 1]]), known)
    assert {key: medoid for key, (medoid, _) in found.joined.items()} == {"k000": "m000", "k001": "m001"}
    assert found.alone == ("k002",)


def test_who_is_farther_than_the_radius_leaves_the_cluster() -> None:
    m = members([[1, 0, 0], [0.99, 0.05, 0], [0.98, 0.02, 0.05], [0.5, 0.5, 0.7]])
    found = cluster(m, NOBODY, radius=0.1)
    assert [sorted(those) for those in found.found.values()] == [["k000", "k001", "k002"]]
    assert found.alone == ("k003",)


def test_an_impure_cluster_is_parted_where_its_words_contradict() -> None:
    texts = ["VM Started", "VM <*> Started", "Started VM", "VM Paused", "VM <*> Paused", "Paused VM"]
    m = members([[1, 0.01 * i, 0] for i in range(6)], texts)
    found = cluster(m, NOBODY).found
    assert sorted(sorted(those) for those in found.values()) == [["k000", "k001", "k002"], ["k003", "k004", "k005"]]


def test_a_kind_does_not_join_a_medoid_that_it_contradicts() -> None:
    known = members([[1, 0, 0]], ["link up"], prefix="m")
    assert cluster(members([[1, 0.01, 0]], ["link down"]), known).alone == ("k000",)


def test_synonyms_of_one_event_land_in_one_cluster_of_the_packaged_encoder() -> None:
    same = [
        "connection refused by remote host <*>",
        "remote host <*> refused the connection",
        "connection was refused by host <*>",
    ]
    other = ["disk <*> is almost full", "certificate of <*> expires tomorrow", "user <*> added to group wheel"]
    kinds = [Kind(f"{i:016x}", "app", text) for i, text in enumerate(same + other)]
    vectors = Encoder.load().encode(kinds)
    nobody = Members(vectors[:0], [], [])
    found = cluster(Members(vectors, [k.key for k in kinds], [k.template for k in kinds]), nobody)
    assert [sorted(those) for those in found.found.values()] == [[k.key for k in kinds[:3]]]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("VM Started", "VM Paused", True),
        ("link <*> is up", "interface <*> went down", True),
        ("backup succeeded", "backup failed", True),
        ("backup failed", "failure of the backup", False),
        ("level INFO job", "level ERROR job", True),
        ("host is reachable", "host is not reachable", True),
        ("session opened for <*>", "session closed for <*>", True),
        ("OutOfMemory in worker", "worker out of memory", False),
        ("nothing to say", "all is well", False),
    ],
)  # fmt: skip
def test_words_contradict_when_they_stand_on_two_sides_of_one_matter(one: str, other: str, said: bool) -> None:
    assert contradict(stance(one), stance(other)) is said
    assert contradict(stance(other), stance(one)) is said


def test_the_nearest_centre_is_found_and_none_is_infinitely_far() -> None:
    index, distance = near(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[2, 0]])
    assert index.tolist() == [1, 0, 0]
    assert distance.tolist() == [0.0, 1.0, 0.0]
    assert near(np.eye(3, dtype=np.float32), np.zeros((0, 3), np.float32))[1].tolist() == [np.inf] * 3


def test_members_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="1 vectors, 0 keys, 0 texts"):
        Members(np.zeros((1, 3), np.float32), [], [])
