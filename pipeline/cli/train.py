"""`dioptre train`: make the models that label kinds."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import JsonOption, command, group
from pipeline.cli.errors import CommandError
from pipeline.cli.output import emit_json, hint, out, say
from pipeline.cli.train_kinds import LOGS, to_kind, unlabelled
from pipeline.cli.train_setup import (
    CORPUS,
    CorpusOption,
    LogsOption,
    ModelsOption,
    SeedOption,
    check_corpus,
    needing,
    packaged,
    teacher,
)  # fmt: skip

train = group("train", "Train the models that label kinds.", examples=("dioptre train tiny --out my-model",))

EpochsOption = Annotated[
    int | None, typer.Option("--epochs", metavar="N", help="Passes over the kinds. [those of the packaged model]")
]


@command(
    train, "tiny",
    examples=(
        "dioptre train tiny --corpus corpus --models my-models # needs the extra `train`",
        "dioptre train tiny --taught # needs the large model beside it; then `train large` calibrates that anew",
    ),
)  # fmt: skip
def tiny(
    corpus: CorpusOption = CORPUS,
    models: ModelsOption = None,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the model goes. [tiny, among the models]")
    ] = None,
    seed: SeedOption = 0,
    taught: Annotated[
        bool, typer.Option("--taught", help="Learn from what the large model says, beside the labels.")
    ] = False,
    logs: LogsOption = None,
    json: JsonOption = False,
) -> None:
    """Train the tiny model on labelled kinds: the same bytes for the same seed and corpus.

    It is fitted on the split `train` and calibrated on `tune`; scores are of `test`, programs that it has not met.
    """
    trained = needing(_tiny_train)
    check_corpus(corpus)
    root = models or packaged()
    target = out_dir or root / "tiny"
    lessons = {"teacher": teacher(root), "unlabelled": unlabelled(logs or [LOGS])} if taught else {}
    card = trained(corpus, target, to_kind, seed, say, **lessons)
    if json:
        emit_json(_told(target, card) | {"conflicts": card["conflicts"], "errors": card["errors"]})
        return
    out(_line(target, card))
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
    """Export a sentence encoder as it comes to ONNX, rounded to int8; `train large` makes a better one of it."""
    made = needing(_encoder_export)
    target = out_dir or packaged() / "encoder"
    card = _based(base, lambda: made(base, target, name=name or base, licence=licence))
    if json:
        emit_json({"out": str(target), "card": card})
    else:
        out(f"{target}: width {card['width']}, cosine to float {card['cosine_to_float']}")


@command(
    train, "large",
    examples=(
        "dioptre train large --base sentence-transformers/all-MiniLM-L6-v2 --models mine # needs the hub",
        "dioptre train large # needs a corpus: calibrates it anew beside a new tiny model",
    ),
)  # fmt: skip
def large(
    corpus: CorpusOption = CORPUS,
    models: ModelsOption = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="DIR|NAME", help="Fine-tune this sentence encoder: a folder, or a name on the hub."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What the card calls the base. [as given]")] = None,
    licence: Annotated[str, typer.Option("--licence", help="The terms of the base, for the card.")] = "unknown",
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Keep the network in float: for `train small`, or as --base, to go on from."
        ),
    ] = None,
    epochs: EpochsOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Train the large stage: a sentence encoder fine-tuned on the leaves, with its head, beside the tiny model.

    Without --base, encoder and head stay, and are calibrated anew beside the tiny model of the same folder.
    """
    trained = needing(_large_train)
    check_corpus(corpus)
    target = (models or packaged()) / "large"
    of = _base(base, name, licence, epochs)
    card = _based(base or "", lambda: trained(corpus, target, to_kind, seed, say, base=of, keep=keep))
    _tell(target, card, json=json)


@command(
    train, "small",
    examples=("dioptre train small --kept my-network --models my-models # needs `train large --keep`",),
)  # fmt: skip
def small(
    corpus: CorpusOption = CORPUS,
    models: ModelsOption = None,
    kept: Annotated[
        Path | None,
        typer.Option("--kept", metavar="DIR", help="The large stage's network, from `train large --keep`."),
    ] = None,
    logs: LogsOption = None,
    epochs: EpochsOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Teach a small network what the large stage says: some of its layers, fewer word pieces, int8.

    Without --kept the network stays, and is calibrated anew beside the tiny model of the same folder.
    """
    trained = needing(_small_train)
    check_corpus(corpus)
    root = models or packaged()
    lessons = kept and _lessons(kept, root, logs or [LOGS], epochs)
    card = _based(str(kept), lambda: trained(corpus, root / "small", to_kind, seed, say, lessons=lessons))
    _tell(root / "small", card, json=json)


def _base(base: str | None, name: str | None, licence: str, epochs: int | None) -> Any:
    from classifiers.train.large import Base

    return base and Base(base, name or base, licence, epochs)


def _based(base: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run what needs a base model, and say so if there is none such."""
    from classifiers.train.corpus import CorpusError

    try:
        return run()
    except CorpusError:
        raise
    except (OSError, ValueError) as error:
        told = str(error).strip().splitlines()[0]
        raise CommandError(
            f"{base}: {told}", "a folder with config.json and weights would be right", code="model"
        ) from None


def _lessons(kept: Path, root: Path, logs: list[Path], epochs: int | None) -> Any:
    from classifiers.train.small import Lessons

    return Lessons(kept, teacher(root), unlabelled(logs), epochs)


def _told(target: Path, card: dict[str, Any]) -> dict[str, Any]:
    scores = {k: v for k, v in card["scores_unseen_programs"].items() if isinstance(v, int | float)}
    return {"out": str(target), "floor": card["floor"], "scores": scores}


def _line(target: Path, card: dict[str, Any]) -> str:
    scores = _told(target, card)["scores"]
    return (
        f"{target}: {', '.join(f'{k} {v:,.3f}' if isinstance(v, float) else f'{k} {v:,}' for k, v in scores.items())}"
    )


def _tell(target: Path, card: dict[str, Any], *, json: bool) -> None:
    if json:
        emit_json(_told(target, card))
    else:
        out(_line(target, card))


def _tiny_train() -> Any:
    import onnx  # noqa: F401 - needed late, so that hours of training do not end in its absence

    from classifiers.train.tiny import train as trained

    return trained


def _large_train() -> Any:
    import onnx  # noqa: F401 - as above

    from classifiers.train.large import train as trained

    return trained


def _small_train() -> Any:
    import onnx  # noqa: F401 - as above

    from classifiers.train.small import train as trained

    return trained


def _encoder_export() -> Any:
    import onnx  # noqa: F401 - as above

    from classifiers.train.encoder import export

    return export
