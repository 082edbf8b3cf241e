"""Clusters: kinds that mean alike, found by density among vectors, and parted where their words contradict.

1. A kind joins the nearest known medoid within the radius, unless their words contradict: ids are stable.
2. The others go through HDBSCAN (Campello et al. 2013; leaves, at least two) in blocks, with the known medoids that
   are nearest to them, since density is of all.
3. Whoever is farther from the medoid than the radius, or contradicts a member nearer to it, leaves; those who left
   may make clusters of their own. Of two clusters with near medoids the larger stays; whoever is in none then joins
   a new medoid as in 1: the next time it would.

A function of the set of rows: they are put in order of key first.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from clustering.clusters_words import Stance, contradict, contradicts_any, stance

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Distances = npt.NDArray[np.float64]

RADIUS = 0.25
"""Cosine distance from the medoid at which a member leaves. Of the members of 686 clusters among 8,102 kinds of the
corpus 76 % had the leaf of their medoid, with .35 (1,069 clusters) 71 %."""

BLOCK = 2_500
"""Rows that are clustered together: HDBSCAN on a full matrix is quadratic, of this many it takes a second."""

_FEW = 64
"""Where density finds no two groups among so few, the radius alone parts them: all may be of one event."""

_ROWS = 1_024  # of a matrix of distances that are computed at once


@dataclass(frozen=True)
class Members:
    """Rows to be clustered: (n, d) vectors of length 1, keys (distinct), and the texts whose words may contradict."""

    vectors: Matrix
    keys: Sequence[str]
    texts: Sequence[str]

    def __post_init__(self) -> None:
        if not len(self.vectors) == len(self.keys) == len(self.texts):
            raise ValueError(f"{len(self.vectors)} vectors, {len(self.keys)} keys, {len(self.texts)} texts")


@dataclass(frozen=True)
class Clusters:
    """Who belongs to what.

    Attributes:
        joined: key -> (key of the known medoid, cosine distance).
        found: key of the medoid -> its members (key -> cosine distance), the medoid among them, at least two.
        alone: keys of the rest.
    """

    joined: dict[str, tuple[str, float]] = field(default_factory=dict)
    found: dict[str, dict[str, float]] = field(default_factory=dict)
    alone: tuple[str, ...] = ()


def cluster(fresh: Members, known: Members, *, radius: float = RADIUS, block: int = BLOCK) -> Clusters:
    """Cluster the kinds that are not settled, beside the medoids of known clusters.

    The result does not depend on the order of either.
    """
    fresh, known = _ordered(fresh), _ordered(known)
    stances = [stance(text) for text in fresh.texts]
    every = np.arange(len(fresh.keys))
    joins, nearest = _joins(fresh, stances, every, known, radius)
    joined = {fresh.keys[i]: (known.keys[m], d) for i, (m, d) in joins.items()}
    rest = np.setdiff1d(every, np.array(list(joins), np.int64))
    beside = known.vectors[np.unique(nearest[rest])] if len(known.keys) else fresh.vectors[:0]
    found: dict[str, dict[str, float]] = {}
    for group in _groups(np.concatenate([fresh.vectors[rest], beside]), block):
        for members in _parted(fresh, stances, rest[group[group < len(rest)]], radius):
            found[fresh.keys[members.medoid]] = {fresh.keys[i]: d for i, d in members.distances.items()}
    found = _apart(fresh, found, radius / 2)
    grouped = {key for those in found.values() for key in those}
    left = np.array([i for i in rest.tolist() if fresh.keys[i] not in grouped], np.int64)
    late, _ = _joins(fresh, stances, left, _only(fresh, found), radius)
    medoids = sorted(found)
    for i, (m, d) in late.items():
        found[medoids[m]][fresh.keys[i]] = d
    return Clusters(joined, found, tuple(fresh.keys[i] for i in left.tolist() if i not in late))


def _joins(
    fresh: Members, stances: list[Stance], rows: Ints, medoids: Members, radius: float
) -> tuple[dict[int, tuple[int, float]], Ints]:
    """Give for the rows that join a medoid: which, and its distance; and for every row of `fresh` the nearest."""
    nearest, distance = near(fresh.vectors, medoids.vectors)
    theirs = [stance(text) for text in medoids.texts]
    near_by = [i for i in rows.tolist() if distance[i] <= radius and not contradict(stances[i], theirs[nearest[i]])]
    return {i: (int(nearest[i]), float(distance[i])) for i in near_by}, nearest


def _apart(fresh: Members, found: dict[str, dict[str, float]], radius: float) -> dict[str, dict[str, float]]:
    """Leave out clusters whose medoid is near to that of a larger one: leaves of density halve what is one event."""
    keys = sorted(found, key=lambda medoid: (-len(found[medoid]), medoid))
    medoids = _only(fresh, keys)
    row = {key: i for i, key in enumerate(medoids.keys)}
    stances = [stance(text) for text in medoids.texts]
    kept: list[int] = []
    for i in (row[key] for key in keys):
        cosine = medoids.vectors[kept] @ medoids.vectors[i] if kept else np.zeros(0)
        near_by = [k for c, k in zip(cosine, kept, strict=True) if 1.0 - c <= radius]
        if all(contradict(stances[i], stances[k]) for k in near_by):
            kept.append(i)
    return {medoids.keys[i]: found[medoids.keys[i]] for i in kept}


def _only(members: Members, keys: Iterable[str]) -> Members:
    """Give some of the members, by key."""
    wanted = set(keys)
    rows = [i for i, key in enumerate(members.keys) if key in wanted]
    return Members(members.vectors[rows], [members.keys[i] for i in rows], [members.texts[i] for i in rows])


def near(vectors: Matrix, centres: Matrix) -> tuple[Ints, Distances]:
    """Find the nearest centre of each vector.

    Args:
        vectors, centres: (n, d) and (k, d), rows of length 1.
    Returns:
        (n,) its index (0 where there is no centre), and (n,) its cosine distance in [0, 2] (infinite where there is
        none). Ties go to the lower index.
    """
    index, distance = np.zeros(len(vectors), np.int64), np.full(len(vectors), np.inf)
    for start in range(0, len(vectors), _ROWS) if len(centres) else ():
        cosine = vectors[start : start + _ROWS] @ centres.T
        best = cosine.argmax(1)
        index[start : start + _ROWS] = best
        distance[start : start + _ROWS] = np.maximum(0.0, 1.0 - cosine[np.arange(len(best)), best].astype(np.float64))
    return index, distance


@dataclass(frozen=True)
class _Group:
    """A medoid and the members it keeps, with their distances."""

    medoid: int
    distances: dict[int, float]


def _ordered(members: Members) -> Members:
    order = sorted(range(len(members.keys)), key=lambda i: members.keys[i])
    vectors = members.vectors[order] if order else members.vectors
    return Members(vectors, [members.keys[i] for i in order], [members.texts[i] for i in order])


def _groups(vectors: Matrix, block: int) -> Iterator[Ints]:
    """Yield the groups that density finds, block by block."""
    for rows in _blocks(vectors, np.arange(len(vectors)), block):
        if len(rows) < 3:
            if len(rows) == 2:
                yield rows
            continue
        labels = _hdbscan(vectors[rows])
        if labels.max() < 0 and len(rows) <= _FEW:
            yield rows
        for label in range(labels.max() + 1):
            yield rows[labels == label]


def _blocks(vectors: Matrix, rows: Ints, block: int) -> Iterator[Ints]:
    """Halve rows along their first principal component until each part fits a block."""
    if len(rows) <= block:
        yield rows
        return
    centred = vectors[rows].astype(np.float64) - vectors[rows].mean(0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axis = axes[:, -1]
    along = centred @ (axis * np.sign(axis[np.argmax(np.abs(axis))]))
    order = np.argsort(along, kind="stable")
    for part in (order[: len(order) // 2], order[len(order) // 2 :]):
        yield from _blocks(vectors, rows[np.sort(part)], block)


def _hdbscan(vectors: Matrix) -> Ints:
    """Label rows, -1: in no cluster."""
    import hdbscan  # here: it takes a second to import, and only the learning side needs it

    distances = (vectors @ vectors.T).astype(np.float64)  # 50 MB of a full block, so no copies
    np.subtract(1.0, distances, out=distances)
    np.maximum(0.0, distances, out=distances)
    np.fill_diagonal(distances, 0.0)
    model = hdbscan.HDBSCAN(
        min_cluster_size=2, min_samples=1, metric="precomputed", cluster_selection_method="leaf",
        allow_single_cluster=False, core_dist_n_jobs=1,
    )  # fmt: skip
    return np.asarray(model.fit(distances).labels_, np.int64)


def _parted(fresh: Members, stances: list[Stance], rows: Ints, radius: float) -> Iterator[_Group]:
    """Part a group until all are near their medoid and none contradicts another; yield what has two members or more."""
    while len(rows) > 1:
        cosine = (fresh.vectors[rows] @ fresh.vectors[rows].T).astype(np.float64)
        at = int(np.argmax(np.round(cosine.sum(1), 6)))
        distance = np.maximum(0.0, 1.0 - cosine[at])
        kept: dict[int, float] = {int(rows[at]): 0.0}
        for i in np.argsort(distance, kind="stable").tolist():
            row = int(rows[i])
            if i != at and distance[i] <= radius and not contradicts_any(stances[row], (stances[k] for k in kept)):
                kept[row] = float(distance[i])
        if len(kept) > 1:
            yield _Group(int(rows[at]), kept)
        rows = rows[~np.isin(rows, list(kept))]
