"""What a kept network was trained on, so that a training that goes on from it says so, and knows what it must not."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.train import corpus
from classifiers.train.dealt import Dealt

_FILE = "lineage.json"


@dataclass(frozen=True)
class Lineage:
    """Where a network began, and the trainings since.

    base, licence: the sentence encoder it began as. bare: how that did before any training, by the nearest definition.
    trainings: kinds, epochs and corpus of each, the first one first. families: all that it was ever trained on, sorted.
    """

    base: str
    licence: str
    bare: dict[str, float]
    trainings: tuple[dict[str, Any], ...] = ()
    families: tuple[str, ...] = ()

    def after(self, dealt: Dealt, epochs: int, facts: dict[str, Any]) -> "Lineage":
        """Add a training on the split `train`."""
        told = {"kinds": facts["kinds"], "epochs": epochs, "corpus_sha256": facts["corpus_sha256"]}
        families = {*self.families, *dealt.families(dealt.at("train"))}
        return Lineage(self.base, self.licence, self.bare, (*self.trainings, told), tuple(sorted(families)))

    def check(self, dealt: Dealt) -> None:
        """Refuse to go on where programs would be held out that the network has met.

        Raises:
            CorpusError: there are such programs; scores on them would flatter.
        """
        met = sorted(set(self.families) & set(dealt.families(dealt.at("tune", "cert", "test"))))
        if met:
            told = f"{len(met)} of the families that this corpus holds out ({', '.join(met[:3])})"
            raise corpus.CorpusError(f"the network to go on from was trained on {told}; begin with a bare encoder")


def of(folder: str) -> Lineage | None:
    """Read what `keep` wrote; None: the folder, or name, is not a kept network's."""
    path = Path(folder) / _FILE
    if not path.is_file():
        return None
    told = json.loads(path.read_text("utf-8"))
    return Lineage(told["base"], told["licence"], told["bare"], tuple(told["trainings"]), tuple(told["families"]))


def keep(lineage: Lineage, folder: Path) -> None:
    """Write it beside a network."""
    (folder / _FILE).write_text(json.dumps(asdict(lineage), indent=1) + "\n", "utf-8")
