"""The network that is trained: an encoder of the BERT kind, mean-pooled to length 1, and a linear head on that."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel

from classifiers.encoder import MOST_TOKENS
from classifiers.train.evaluate import LEAVES

_SHAPE, _WEIGHTS, _TOKENS = "shape.json", "network.safetensors", "tokenizer.json"

SCALE = 16.0
"""What a vector of length 1 is multiplied by before the head, so that a head of small weights can be sure."""


@dataclass
class Reader:
    """Texts to token ids: a base's own tokenizer, cut at MOST_TOKENS."""

    tokens: Any

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in self.tokens.encode_batch(list(texts))]


class Layer(nn.Module):
    """One layer of a BERT, its three projections in one matrix; weights as transformers loads them."""

    def __init__(self, old: Any, heads: int, dropout: float) -> None:
        super().__init__()
        parts = [old.attention.self.query, old.attention.self.key, old.attention.self.value]
        self.heads, width = heads, parts[0].weight.shape[0]
        self.qkv = nn.Linear(width, 3 * width)
        self.qkv.weight = nn.Parameter(torch.cat([p.weight.detach() for p in parts]))
        self.qkv.bias = nn.Parameter(torch.cat([p.bias.detach() for p in parts]))
        self.out, self.norm_out = old.attention.output.dense, old.attention.output.LayerNorm
        self.up, self.down, self.norm_down = old.intermediate.dense, old.output.dense, old.output.LayerNorm
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Take (kinds, tokens, width); `mask` (kinds, 1, 1, tokens) is added to the attention's logits."""
        q, k, v = (self._split(part) for part in self.qkv(x).chunk(3, dim=-1))
        logits = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5)
        near = self.drop(torch.softmax(logits if mask is None else logits + mask, dim=-1))
        mixed = (near @ v).transpose(1, 2).flatten(2)
        x = self.norm_out(x + self.drop(self.out(mixed)))
        return self.norm_down(x + self.drop(self.down(nn.functional.gelu(self.up(x)))))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Network(nn.Module):
    """Token ids to a vector of length 1 and to logits over the leaves."""

    def __init__(self, body: Any, layers: Sequence[int] | None = None, dropout: float = 0.1) -> None:
        super().__init__()
        old = body.embeddings
        self.words = nn.Embedding.from_pretrained(old.word_embeddings.weight.detach().clone(), freeze=True)
        places = old.position_embeddings.weight[:MOST_TOKENS] + old.token_type_embeddings.weight[0]
        self.places = nn.Parameter(places.detach().clone())
        self.norm, self.drop = old.LayerNorm, nn.Dropout(dropout)
        chosen = range(len(body.encoder.layer)) if layers is None else layers
        heads = body.config.num_attention_heads
        self.layers = nn.ModuleList([Layer(body.encoder.layer[i], heads, dropout) for i in chosen])
        self.head = nn.Linear(self.words.embedding_dim, len(LEAVES))
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.words.embedding_dim)

    def lower(self, ids: Tensor, mask: Tensor | None, count: int) -> Tensor:
        """Go through the embeddings and the first `count` layers."""
        x = self.drop(self.norm(self.words(ids) + self.places[: ids.shape[-1]]))
        for layer in self.layers[:count]:
            x = layer(x, _added(mask))
        return x

    def upper(self, x: Tensor, mask: Tensor | None, count: int) -> tuple[Tensor, Tensor]:
        """Go through the layers after `count`; give vectors (kinds, width) and logits (kinds, leaves)."""
        for layer in self.layers[count:]:
            x = layer(x, _added(mask))
        if mask is None:
            mean = x.mean(1)
        else:
            weight = mask.unsqueeze(-1).to(x.dtype)
            mean = (x * weight).sum(1) / weight.sum(1).clamp_min(1.0)
        vector = nn.functional.normalize(mean, dim=1)
        return vector, self.head(vector * SCALE)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return self.upper(self.lower(ids, mask, 0), mask, 0)

    def thinned(self, layers: Sequence[int], pieces: Sequence[int]) -> "Network":
        """Copy it with some of its layers and of its word pieces: where a smaller network starts from."""
        out = copy.deepcopy(self)
        out.layers = nn.ModuleList([out.layers[i] for i in layers])
        out.words = nn.Embedding.from_pretrained(self.words.weight[torch.tensor(pieces)].clone(), freeze=True)
        return out


def load(name: str) -> tuple[Network, Reader]:
    """Load a network to train: a local folder, a name on the hub, or a folder that `save` wrote.

    Raises:
        OSError, ValueError: there is none of that name, or it is of another kind.
    """
    kept = Path(name) / _SHAPE
    if kept.is_file():
        return _kept(Path(name), json.loads(kept.read_text("utf-8")))
    body = AutoModel.from_pretrained(name).eval()
    if not hasattr(body, "embeddings") or not hasattr(getattr(body, "encoder", None), "layer"):
        raise ValueError(f"{name}: a {type(body).__name__}; an encoder of the BERT kind would be right")
    return Network(body), reader(AutoTokenizer.from_pretrained(name).backend_tokenizer)


def save(network: Network, read: Reader, folder: Path) -> None:
    """Keep a network in float, its tokenizer, and what it takes to build it again."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = {
        "vocab_size": network.words.num_embeddings,
        "hidden_size": network.width,
        "num_hidden_layers": len(network.layers),
        "num_attention_heads": network.layers[0].heads,
        "intermediate_size": network.layers[0].up.out_features,
    }
    save_file({k: v.contiguous() for k, v in network.state_dict().items()}, str(folder / _WEIGHTS))
    read.tokens.save(str(folder / _TOKENS))
    (folder / _SHAPE).write_text(json.dumps(shape), "utf-8")


def _kept(folder: Path, shape: dict[str, int]) -> tuple[Network, Reader]:
    network = Network(BertModel(BertConfig(**shape)))
    network.load_state_dict(load_file(str(folder / _WEIGHTS)))
    return network.eval(), reader(Tokenizer.from_file(str(folder / _TOKENS)))


def reader(tokens: Any) -> Reader:
    """Set a tokenizer to what serving does: cut, and pad nothing."""
    tokens.enable_truncation(MOST_TOKENS)
    tokens.no_padding()
    return Reader(tokens)


def _added(mask: Tensor | None) -> Tensor | None:
    """Turn (kinds, tokens) of 0 and 1 into what attention adds: nothing, or so much that a place counts nothing."""
    return None if mask is None else (1.0 - mask.to(torch.float32))[:, None, None, :] * -1e4
