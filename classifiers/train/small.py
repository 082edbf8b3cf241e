"""Train the small stage: some layers of the large one's network, fewer word pieces, taught by the large stage."""

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from classifiers.card import read_card
from classifiers.encoder import TOKENIZER_FILE
from classifiers.small import MODEL_FILE, Small
from classifiers.text import sentence
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from classifiers.train.corpus import ToKind
from classifiers.train.dealt import Dealt, allowed, deal
from classifiers.train.evaluate import LEAVES, macro_f1
from classifiers.train.export import write_card
from classifiers.train.judge import facts
from classifiers.train.large import alone, together
from classifiers.train.lessons import Teacher, drawn
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

LAYERS = (0, 5)
PIECES = 8_000
"""Word pieces that stay: what the corpus says, then the commonest of English."""

UNLABELLED = 1_000
"""Kinds without a label that the teacher is asked about, at most."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Lessons:
    """What the student starts from and learns from.

    kept: folder of the large stage's network in float, as `train large --keep` leaves it.
    teacher: gives probabilities of kinds, as the large stage does; unlabelled: kinds that it is asked about too.
    """

    kept: Path
    teacher: Teacher
    unlabelled: Sequence[Kind] = ()
    epochs: int | None = None


def train(
    corpus_dir: Path, out_dir: Path, to_kind: ToKind, seed: int = 0, say: Say = lambda line: None, *,
    lessons: Lessons | None = None, tiny: Tiny | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Teach a smaller network on the split `train`; write `model.onnx`, `tokenizer.json` and `card.json` to a folder.

    Args:
        lessons: None: leave the network as it is, and only calibrate it anew beside a new tiny model.
        tiny: the model that will serve beside it; the one in the folder `tiny` beside `out_dir` unless given.

    Returns:
        The model card.

    Raises:
        CorpusError: the corpus cannot be used. OSError: there is no network to start from.
    """
    dealt = deal(corpus_dir, to_kind)
    if lessons is not None:
        _taught(dealt, out_dir, lessons, seed, corpus_dir, say)
    say("calibrating beside tiny")
    return calibrated(dealt, out_dir, tiny or Tiny.load(out_dir.parent / "tiny"))


def calibrated(dealt: Dealt, out_dir: Path, tiny: Tiny) -> dict[str, Any]:
    """Calibrate a small model beside a tiny one, anew if need be, and write that into its card."""
    card = read_card(out_dir) | {"beside": {"tiny": tiny.card["files"][TINY_FILE]}}
    write_card(out_dir / "card.json", card | {"floor": 0.0})
    served = Small.load(out_dir, tiny)
    at, asked = dealt.at("tune"), dealt.at("test")
    card |= together(served.alone, tiny, dealt, at, asked)
    guess = served.alone(dealt.kinds(asked))
    card["scores_without_tiny"] = alone(guess, dealt, asked)
    if exact := card.get("float_on_test"):
        card["rounding"] = {
            "leaf_macro_f1_float": exact,
            "leaf_macro_f1_int8": alone(guess, dealt, asked)["leaf_macro_f1"],
        }
    write_card(out_dir / "card.json", card)
    return card


def _taught(dealt: Dealt, out_dir: Path, lessons: Lessons, seed: int, corpus_dir: Path, say: Say) -> None:
    """Train the network, and write it, its tokenizer and what a card can tell before calibration."""
    from tokenizers import Tokenizer

    from classifiers.train.finetune import finetune, spoken
    from classifiers.train.network import load, reader
    from classifiers.train.recipes import for_small, of_teacher
    from classifiers.train.served import pieces_of, write_labels, write_tokenizer

    whole, read = load(str(lessons.kept))
    pieces = pieces_of(read.tokens, [sentence(kind) for kind in dealt.kinds(dealt.at("train"))], PIECES)
    network = whole.thinned(LAYERS, pieces)
    out_dir.mkdir(parents=True, exist_ok=True)
    tokenizer = write_tokenizer(read.tokens, out_dir / TOKENIZER_FILE, pieces)
    read = reader(Tokenizer.from_file(str(out_dir / TOKENIZER_FILE)))
    others = drawn(allowed(dealt, corpus_dir, lessons.unlabelled), UNLABELLED, random.Random(seed))
    card = _plain() | {"training": facts(dealt, seed, corpus_dir, unlabelled=len(others))}
    say("asking the teacher")
    how = for_small(lessons.epochs)
    finetune(network, read, of_teacher(dealt, lessons.teacher, others, seed), how, seed, say)
    card["settings"] = {**asdict(how), "layers": list(LAYERS), "pieces": len(pieces)}
    card["files"] = {MODEL_FILE: write_labels(network, out_dir / MODEL_FILE), TOKENIZER_FILE: tokenizer}
    at = dealt.at("test")
    said = spoken(network, read, [sentence(kind) for kind in dealt.kinds(at)])[1]
    card["float_on_test"] = round(macro_f1(dealt.classes[at], said.argmax(1)), 4)
    write_card(out_dir / "card.json", card)


def _plain() -> dict[str, Any]:
    return {
        "name": "small",
        "what": f"{len(LAYERS)} layers of the large stage's network, taught by it, averaged with tiny in log space",
        "labels": list(LEAVES),
        "taxonomy": taxonomy().hash,
    }
