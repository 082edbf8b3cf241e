"""Labels for clusters: a few members are asked, the others take what these agree on; who is odd is asked alone."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from clustering.clusters import Clusters
from pipeline.learn_state import DEFERRED, INHERITED, Item, Known
from pipeline.resolving import CLUSTER
from schemas.policy import Policy
from schemas.registry import PERSON, RULE, Kind, Verdict
from schemas.taxonomy import UNKNOWN, domain_of

INHERIT = 0.15
"""Cosine distance from the medoid of a labelled cluster within which a kind takes its label without a call. Among 2,500
kinds of programs nobody trained on, the nearest of another program had the same leaf in 97 % of 214 cases within .15
(the nearest of any program in 92 % of 528). Farther off, to the radius of clusters, it takes the label if tiny said the
same of it inline: of 370 such kinds 95 % had the leaf of that neighbour; large, asked, was right about 95 % too."""

DIFFERENT = 3
"""Members asked about beside the medoid at most, and no more than half: those farthest from it."""

ODD = 3.0
"""Robust z of distance or confidence within a cluster beyond which a member is an outlier."""

_SPREAD = (0.02, 0.05)  # least spread of distances, of confidences: below, all members count as alike
_GROUP = 5  # fewer members have no outliers

Ask = Callable[[Sequence[Kind]], list[Verdict]]

Taken = Callable[[str, Known], Verdict | None]
"""Gives what the item of an id takes over from a cluster; None: nothing, it is to be asked."""


@dataclass(frozen=True)
class Labelled:
    """What is now said of a template: its verdict, its cluster, and how it came to be."""

    verdict: Verdict
    cluster: str
    reason: str


def label(
    items: Mapping[str, Item],
    clusters: Clusters,
    known: Mapping[str, Known],
    ask: Ask,
    sure: float,
    policy: Policy,
) -> dict[str, Labelled]:
    """Label templates by their clusters.

    Args:
        items: by id; `clusters` speak of the same ids, and of `known` ones by their keys.
        ask: gives a verdict on each kind, not settled if a stage was out of reach; it is called twice at most, and of
            each kind once.
        sure: confidence from which on what was said inline speaks against another label.
        policy: who has other exits by it than the cluster that it is near to is asked itself.
    """

    def taken(i: str, source: Known) -> Verdict | None:
        return None if _against(items[i], source.verdict.label, sure) else _granted(items[i].kind, source, policy)

    heirs = {i: _heir(items[i], known[m], m, d, taken) for i, (m, d) in clusters.joined.items()}
    out = {i: heir for i, heir in heirs.items() if heir is not None}
    odd = {m: outliers(members, {i: items[i].inline.confidence for i in members}, m)
           for m, members in clusters.found.items()}  # fmt: skip
    asked = {m: _probes(members, odd[m], m) for m, members in clusters.found.items()}
    first = [i for probes in asked.values() for i in probes]
    first += [i for i in (*clusters.alone, *clusters.joined) if i not in out]
    said = dict(zip(first, ask([items[i].kind for i in first]), strict=True))
    alone: list[str] = []
    for medoid, members in clusters.found.items():
        agreed, left = _broadcast(medoid, members, asked[medoid], odd[medoid], said, items, taken)
        out |= agreed
        alone += left
    said |= dict(zip(alone, ask([items[i].kind for i in alone]), strict=True))
    for i in (*clusters.alone, *clusters.joined, *alone):
        if i not in out:
            out[i] = _by_itself(i, said[i], clusters, known)
    return out


def _heir(item: Item, known: Known, medoid: str, distance: float, taken: Taken) -> Labelled | None:
    """Inherit, unless it is too far for one that was not told the same inline, or it may not take that label."""
    near = distance <= INHERIT or item.inline.label == known.verdict.label
    verdict = taken(item.kind.key, known) if near else None
    if verdict is None:
        return None
    return Labelled(replace(verdict, settled=True), medoid, f"{INHERITED} at cosine distance {distance:.2f}")


def _granted(kind: Kind, source: Known, policy: Policy) -> Verdict | None:
    """Give what a kind takes over from a cluster, with its certificate; None: by policy it is to be asked itself.

    It is where it abstains, and where other exits are its own than those the label was given by; people's and rules'
    labels went by none.
    """
    said, domain = source.verdict, domain_of(source.verdict.label)
    exits = policy.exits(kind.app, domain, kind.key)
    if said.stage not in (PERSON, RULE) and exits != policy.exits(source.medoid.app, domain, source.medoid.key):
        return None
    cert_id = said.cert_id if said.cert_id == exits.cert_id else None
    return None if exits.abstain else replace(said, stage=CLUSTER, cert_id=cert_id)


def _by_itself(i: str, verdict: Verdict, clusters: Clusters, known: Mapping[str, Known]) -> Labelled:
    """Label one that was asked by itself; it stays in a known cluster that it joined if the label is the same."""
    medoid, distance = clusters.joined.get(i, (i, 0.0))
    same = medoid != i and verdict.label == known[medoid].verdict.label
    reason = f"asked; agrees with its cluster at {distance:.2f}" if same else "asked alone"
    return _told(verdict, medoid if same else i, reason)


def _broadcast(
    medoid: str,
    members: Mapping[str, float],
    probes: Sequence[str],
    odd: frozenset[str],
    said: Mapping[str, Verdict],
    items: Mapping[str, Item],
    taken: Taken,
) -> tuple[dict[str, Labelled], list[str]]:
    """Give the members their label if those asked agree; and who is to be asked alone."""
    labels = {said[i].label for i in probes}
    if len(labels) > 1 or UNKNOWN in labels:
        told = f"split: {', '.join(sorted(labels))}" if len(labels) > 1 else "asked alone"
        apart = {i: _told(said[i], i, told) for i in probes}
        return apart, [i for i in members if i not in apart]
    least, certs = min(said[i].confidence for i in probes), {said[i].cert_id for i in probes}
    verdict = Verdict(
        labels.pop(), least, said[medoid].stage, said[medoid].model, settled=all(said[i].settled for i in probes),
        cert_id=certs.pop() if len(certs) == 1 else None,
    )  # fmt: skip
    agreed = Known(items[medoid].kind, verdict)
    others = {i: None if i in odd else taken(i, agreed) for i in members if i not in probes}
    reason = f"{len(probes)} of {len(members)} members asked, and they agreed"
    out = {i: _told(said[i], medoid, reason) for i in probes}
    out |= {i: _told(one, medoid, reason) for i, one in others.items() if one is not None}
    return out, [i for i in others if i not in out]


def _told(verdict: Verdict, cluster: str, reason: str) -> Labelled:
    """Note what is said of a template; of one that is not settled, that it will be asked about again."""
    return Labelled(verdict, cluster, reason if verdict.settled else DEFERRED)


def _against(item: Item, label_: str, sure: float) -> bool:
    """Tell whether what was said inline is sure of another label."""
    return item.inline.label not in (UNKNOWN, label_) and item.inline.confidence >= sure


def outliers(distance: Mapping[str, float], confidence: Mapping[str, float], medoid: str) -> frozenset[str]:
    """Find the members whose distance or confidence is far from that of the others (robust z above ODD).

    Source: modified z-score on median and MAD, Iglewicz & Hoaglin 1993.
    """
    names = [i for i in distance if i != medoid]
    if len(names) + 1 < _GROUP:
        return frozenset()
    far = _z([distance[i] for i in names], _SPREAD[0]) > ODD
    strange = np.abs(_z([confidence[i] for i in names], _SPREAD[1])) > ODD
    return frozenset(i for i, out in zip(names, far | strange, strict=True) if out)


def _z(values: Sequence[float], least: float) -> npt.NDArray[np.float64]:
    x = np.array(values, np.float64)
    middle = np.median(x)
    return np.asarray((x - middle) / max(least, 1.4826 * float(np.median(np.abs(x - middle)))))


def _probes(members: Mapping[str, float], odd: frozenset[str], medoid: str) -> list[str]:
    """Choose the medoid and those farthest from it; ties by key."""
    rest = sorted((i for i in members if i != medoid and i not in odd), key=lambda i: (-members[i], i))
    return [medoid, *rest[: min(DIFFERENT, len(members) // 2)]]


def by_stage(labelled: Mapping[str, Labelled]) -> dict[str, int]:
    """Count what each stage has settled."""
    return dict(Counter(one.verdict.stage for one in labelled.values()))
