"""`dioptre train`: make the models that label kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import JsonOption, command, group
from pipeline.cli.errors import CommandError
from pipeline.cli.output import emit_json, hint, out, say

if TYPE_CHECKING:
    from schemas.registry import Kind

train = group("train", "Train the models that label kinds.", examples=("dioptre train tiny --out my-model",))

_CORPUS = Path("sample_data/corpus")
_NEEDED = {"sklearn": "scikit-learn", "onnx": "onnx", "scipy": "scipy", "threadpoolctl": "threadpoolctl"}
_NEEDED |= {name: name for name in ("torch", "transformers", "tokenizers")}


@command(
    train, "tiny",
    examples=("dioptre train tiny --corpus corpus --out my-model --seed 1 # needs the extra `train`; a minute or two",),
)  # fmt: skip
def tiny(
    corpus: Annotated[
        Path, typer.Option("--corpus", metavar="DIR", help="Labelled kinds, *.tsv. [sample_data/corpus]")
    ] = _CORPUS,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the model goes. [the package's own]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same bytes. [0]")] = 0,
    json: JsonOption = False,
) -> None:
    """Train the tiny model on labelled kinds: the same bytes for the same seed and corpus.

    Scores are of programs that the model has not met, from folds over the whole corpus.
    """
    trained = _needing(_tiny_train)
    if not corpus.is_dir():
        raise CommandError(f"{corpus}: no such folder", "name a folder of *.tsv with --corpus", code="corpus")
    target = out_dir or _packaged()
    card = trained(corpus, target, _to_kind, seed, say)
    scores = {k: v for k, v in card["scores_unseen_programs"].items() if isinstance(v, int | float)}
    told = {"out": str(target), "floor": card["floor"], "scores": scores, "conflicts": card["conflicts"]}
    if json:
        emit_json(told | {"errors": card["errors"]})
        return
    out(f"{target}: {', '.join(f'{k} {v:,.3f}' if isinstance(v, float) else f'{k} {v:,}' for k, v in scores.items())}")
    for conflict in card["conflicts"]:
        say(f"labelled in two ways: {conflict['program']}: {conflict['template']}: {', '.join(conflict['leaves'])}")
    hint(f"use it: [label] model = {str(target)!r} in dioptre.toml, or DIOPTRE_LABEL_MODEL={target}")


@command(
    train, "encoder",
    examples=("dioptre train encoder --base sentence-transformers/all-MiniLM-L6-v2 --out my-encoder # needs the hub",),
)  # fmt: skip
def encoder(
    base: Annotated[
        str, typer.Option("--base", metavar="DIR|NAME", help="A sentence encoder: a folder, or its name on the hub.")
    ],
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the model goes. [the package's own]")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the card calls the base. [as given]")] = None,
    licence: Annotated[str, typer.Option("--licence", help="The terms of the base, for the card.")] = "unknown",
    json: JsonOption = False,
) -> None:
    """Export a sentence encoder to ONNX, rounded to int8: it finds the kinds that mean alike."""
    made = _needing(_encoder_export)
    try:
        card = made(base, out_dir or _packaged("encoder"), name=name or base, licence=licence)
    except (OSError, ValueError) as error:
        told = str(error).strip().splitlines()[0]
        raise CommandError(
            f"{base}: {told}", "a folder with config.json and weights would be right", code="model"
        ) from None
    if json:
        emit_json({"out": str(out_dir or _packaged("encoder")), "card": card})
    else:
        out(f"{out_dir or _packaged('encoder')}: width {card['width']}, cosine to float {card['cosine_to_float']}")


@command(
    train, "large",
    examples=("dioptre train large --corpus corpus --out my-large # needs the extra `train`; some minutes",),
)  # fmt: skip
def large(
    corpus: Annotated[
        Path, typer.Option("--corpus", metavar="DIR", help="Labelled kinds, *.tsv. [sample_data/corpus]")
    ] = _CORPUS,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the model goes. [the package's own]")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="That of the tiny model beside it. [0]")] = 0,
    json: JsonOption = False,
) -> None:
    """Train the large stage: a head on the packaged encoder, calibrated together with the packaged tiny model.

    Scores are of programs that neither has met. Train it anew after `train tiny`: its card pins both.
    """
    trained = _needing(_large_train)
    if not corpus.is_dir():
        raise CommandError(f"{corpus}: no such folder", "name a folder of *.tsv with --corpus", code="corpus")
    target = out_dir or _packaged("large")
    card = trained(corpus, target, _to_kind, seed, say)
    scores = {k: v for k, v in card["scores_unseen_programs"].items() if isinstance(v, int | float)}
    if json:
        emit_json({"out": str(target), "floor": card["floor"], "scores": scores})
        return
    out(f"{target}: {', '.join(f'{k} {v:,.3f}' if isinstance(v, float) else f'{k} {v:,}' for k, v in scores.items())}")


def _packaged(name: str = "tiny") -> Path:
    from classifiers.card import MODELS

    return MODELS / name


def _to_kind(program: str, message: str) -> "Kind":
    from clustering.key import key_of

    return key_of(program, message).kind


def _tiny_train() -> Any:
    import onnx  # noqa: F401 - needed late, so that hours of training do not end in its absence

    from classifiers.train.tiny import train as trained

    return trained


def _large_train() -> Any:
    import onnx  # noqa: F401 - as above

    from classifiers.train.large import train as trained

    return trained


def _encoder_export() -> Any:
    import onnx  # noqa: F401 - as above

    from classifiers.train.encoder import export

    return export


def _needing(load: Callable[[], Any]) -> Any:
    """Import a training, which needs what running does not.

    Raises:
        CommandError: it is not installed; names the extra.
    """
    try:
        return load()
    except ModuleNotFoundError as error:
        needed = _NEEDED.get((error.name or "").partition(".")[0])
        if needed is None:
            raise
        message = f"training needs {needed}, which is not installed"
        raise CommandError(message, "`pip install 'dioptre[train]'` brings it", code="setup") from None
