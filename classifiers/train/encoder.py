"""Make an encoder's folder: a sentence encoder of the MiniLM class, in ONNX, rounded to int8, a step a channel."""

from pathlib import Path
from typing import Any

from classifiers.encoder import MODEL_FILE, MOST_TOKENS, TOKENIZER_FILE, Encoder
from classifiers.train.export import write_card
from classifiers.train.finetune import spoken
from classifiers.train.network import Network, Reader, load
from classifiers.train.served import rounding, write_tokenizer, write_vectors

_PROBES = (
    "failed password for invalid user from port",
    "out of memory killed process",
    "connection refused while connecting to upstream",
)


def export(base: str, out_dir: Path, *, name: str, licence: str) -> dict[str, Any]:
    """Write `model.onnx`, `tokenizer.json` and `card.json` of a sentence encoder, as it comes, to a folder.

    Args:
        base: a local folder of a transformers model, or its name on the hub.
        name, licence: what the base is called where it comes from, and the terms it stands under; the card says both.

    Returns:
        The card.
    """
    network, read = load(base)
    return write_encoder(network, read, out_dir, {"base": name, "licence": licence})


def write_encoder(network: Network, read: Reader, out_dir: Path, more: dict[str, Any]) -> dict[str, Any]:
    """Write a network's folder as an encoder; `more` goes into its card.

    Returns:
        The card. `cosine_to_float`: how near the int8 vectors are to the float ones, on probes; below .98 is suspect.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    files = {
        MODEL_FILE: write_vectors(network, out_dir / MODEL_FILE),
        TOKENIZER_FILE: write_tokenizer(read.tokens, out_dir / TOKENIZER_FILE),
    }
    card = {
        "name": "encoder",
        "what": "words of a kind -> a vector of length 1; near means alike",
        "width": network.width,
        "most_tokens": MOST_TOKENS,
        **more,
        "files": files,
    }
    write_card(out_dir / "card.json", card)
    vectors = Encoder.load(out_dir).vectors(_PROBES)
    card["cosine_to_float"] = round(rounding(spoken(network, read, _PROBES)[0], vectors), 4)
    write_card(out_dir / "card.json", card)
    return card
