"""Which models make the cascade: tiny, small, large, in order of cost; one that is not there is left out, and told."""

from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

from classifiers.card import CARD, MODELS, ModelError, identity, read_card
from classifiers.exits import ExitScore
from classifiers.near import Near
from classifiers.neighbours import CORPUS_FILE
from classifiers.serving import Lazy, Served, ServedEncoder

ORDER = ("tiny", "small", "large")
"""The stages that are models, from the cheapest to the dearest."""


@dataclass(frozen=True)
class Plan:
    """What a cascade is made of.

    Attributes:
        stages: in the order asked, not loaded yet. floor: what the card of tiny advises.
        left_out: why, by the name of the stage.
        score, near: what exits are decided with; None: there is none for these models, and confidence counts.
    """

    stages: tuple[Served, ...]
    floor: float
    left_out: dict[str, str]
    score: ExitScore | None
    near: Near | None

    def models(self) -> dict[str, str]:
        """Name all that a verdict depends on: stages with their versions, exit scores, the list of labelled kinds."""
        out = {stage.name: stage.model for stage in self.stages}
        if self.score and self.near:
            out |= {"exits": f"exits:{self.score.sha256[:8]}", "near": self.near.model}
        return out


def plan_of(
    tiny: Path | None = None, large: str | None = None, *, edge: bool = False, scored: bool = True, root: Path = MODELS
) -> Plan:
    """Plan a cascade; nothing is loaded but cards, exit scores and the list of labelled kinds.

    Args:
        tiny: folder of another tiny model; None: the packaged one.
        large: a Hugging Face model in the place of large, by folder or name; None: the packaged one.
        edge: tiny alone.
        scored: by the exit scores, which may leave a stage out; they are fitted to a plan without.
        root: folder of the packaged models.

    Raises:
        ModelError: tiny is missing, or something is damaged.
    """
    left_out: dict[str, str] = {}
    first, floor = tiny_of(tiny or root / "tiny", edge=edge)
    stages = [first]
    score = _scores(root, left_out) if scored else None
    for name in ORDER[1:]:
        if edge:
            left_out[name] = "the profile is edge"
        elif name == "large" and large:
            stages.append(_hugging_face(large))
        elif why := _missing(name, root / name, score):
            left_out[name] = why
        else:
            stages.append(served(name, root / name))
    near = None
    if score:
        near = _near(*_list_of(tiny or root / "tiny"))
        if not score.fitting([(stage.name, stage.model) for stage in stages], near.model):
            left_out["exits"] = "made for other models; `dioptre train exits` makes them anew"
            score = near = None
    return Plan(tuple(stages), floor, left_out, score, near)


def tiny_of(folder: Path | None = None, *, edge: bool = False) -> tuple[Served, float]:
    """Make the tiny stage, without loading it; None: the packaged one. Gives the floor that its card advises too.

    On the edge it does without onnxruntime.

    Raises:
        ModelError: it has no card that can be read.
    """
    folder = MODELS / "tiny" if folder is None else folder
    return served("tiny", folder, edge=edge), float(read_card(folder)["floor"])


def served(name: str, folder: Path, *, edge: bool = False) -> Served:
    """Make a stage of a model folder, without loading it; all stages of one folder share one model in a process.

    Raises:
        ModelError: it has no card that can be read.
    """
    card = read_card(folder)
    try:
        model = f"{name}:{identity(card)}"
        return Served(name, tuple(card["labels"]), model, _lazy(name, folder, model, edge))
    except KeyError as error:
        raise ModelError(f"{folder / CARD}: no {error}; train or install the model again") from None


@cache
def _lazy(name: str, folder: Path, model: str, edge: bool) -> Lazy[Any]:
    """Give this process's one of a model; a folder that was trained anew holds another."""
    return Lazy(partial(_load_edge, folder) if edge else partial(_load, name, folder))


@cache
def packaged_encoder(root: Path = MODELS) -> ServedEncoder:
    """Give this process's encoder: the same for learning and for the large stage."""
    folder = root / "encoder"
    return ServedEncoder(int(read_card(folder)["width"]), Lazy(partial(_load_encoder, folder)))


def _list_of(folder: Path) -> tuple[Path, str]:
    """Name a folder's list of labelled kinds, without reading it."""
    return folder, str(read_card(folder)["files"].get(CORPUS_FILE))


@cache
def _near(folder: Path, sha256: str) -> Near:
    return Near.load(folder)


def _scores(root: Path, left_out: dict[str, str]) -> ExitScore | None:
    if (root / "exits" / CARD).exists():
        return ExitScore.load(root / "exits")
    left_out["exits"] = "not there; `dioptre train exits` makes them"
    return None


def _missing(name: str, folder: Path, score: ExitScore | None) -> str | None:
    """Say why a stage cannot be in the plan, or is not worth it."""
    if not (folder / CARD).exists():
        return f"not there; `dioptre train {name}` makes it"
    return score.left_out.get(name) if score else None


def _load(name: str, folder: Path) -> Any:
    """Load a stage from its folder; what large stands on is shared with whoever else needs it."""
    stage = getattr(import_module(f"classifiers.{name}"), name.capitalize())
    if name == "tiny":
        return stage.load(folder)
    root = folder.parent
    tiny = served("tiny", root / "tiny").lazy.get()  # the packaged one, beside which they were trained
    if name == "small":
        return stage.load(folder, tiny=tiny)
    return stage.load(folder, encoder=packaged_encoder(root).lazy.get(), tiny=tiny)


def _load_edge(folder: Path) -> Any:
    from classifiers.edge import EdgeSession
    from classifiers.tiny import Tiny

    return Tiny.load(folder, EdgeSession)


def _load_encoder(folder: Path) -> Any:
    return import_module("classifiers.encoder").Encoder.load(folder)


def _hugging_face(name: str) -> Served:
    from classifiers.hf import served as of_hub

    return of_hub(name)
