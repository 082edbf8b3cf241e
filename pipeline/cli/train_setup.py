"""What the `dioptre train` commands share: their options, what they need installed, and the large model as teacher."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.errors import CommandError

if TYPE_CHECKING:
    from classifiers.train.lessons import Teacher

CORPUS = Path("sample_data/corpus")
_NEEDED = {"sklearn": "scikit-learn", "onnx": "onnx", "scipy": "scipy", "threadpoolctl": "threadpoolctl"}
_NEEDED |= {name: name for name in ("torch", "transformers", "tokenizers", "safetensors")}

CorpusOption = Annotated[
    Path, typer.Option("--corpus", metavar="DIR", help="Labelled kinds, *.tsv. [sample_data/corpus]")
]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", metavar="DIR", help="Folder of the models, one folder each. [the package's own]"),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="The same seed gives the same model. [0]")]
LogsOption = Annotated[
    list[Path] | None,
    typer.Option("--logs", metavar="PATH", help="Archives whose kinds the teacher labels. [sample_data/logs]"),
]


def needing(load: Callable[[], Any]) -> Any:
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


def check_corpus(corpus: Path) -> None:
    """Refuse a corpus that is not there.

    Raises:
        CommandError: no such folder.
    """
    if not corpus.is_dir():
        raise CommandError(f"{corpus}: no such folder", "name a folder of *.tsv with --corpus", code="corpus")


def packaged() -> Path:
    """Give the folder of the models that ship."""
    from classifiers.card import MODELS

    return MODELS


def teacher(root: Path) -> "Teacher":
    """Give what the large stage of a folder of models says."""
    from classifiers.encoder import Encoder
    from classifiers.large import Large
    from classifiers.tiny import Tiny

    return Large.load(root / "large", Encoder.load(root / "encoder"), Tiny.load(root / "tiny")).scores
