"""Train a network on texts: AdamW, deeper layers faster, batches of texts of about one length."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from classifiers.train.network import Network, Reader

F32 = npt.NDArray[np.float32]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Sample:
    """One row: the texts that say it (one is drawn each epoch, by `odds`), what is wanted, how much it counts.

    `wanted` (leaves,) sums to 1: the label, smoothed, or what a teacher says.
    """

    texts: tuple[str, ...]
    odds: tuple[float, ...]
    wanted: F32
    weight: float


@dataclass(frozen=True)
class Settings:
    """How to train.

    rate: of the last layer; each layer below takes `decay` of the one above; head_rate: of the head.
    frozen: so many of the first layers stay as they are, and what they say is computed once.
    contrast: weight of the supervised contrastive term (Khosla & others 2020), at temperature .1.
    lost: share of tokens that a training text loses.
    """

    epochs: int
    rate: float = 2e-4
    head_rate: float = 1e-3
    decay: float = 0.9
    frozen: int = 0
    contrast: float = 0.0
    lost: float = 0.0
    batch: int = 32
    warm: float = 0.08
    threads: int = 2


def settle(seed: int) -> None:
    """Make what torch draws from here on the same each time: the head's first weights, what is dropped."""
    torch.manual_seed(seed)


def finetune(
    network: Network, read: Reader, samples: Sequence[Sample], how: Settings, seed: int, say: Say = lambda line: None
) -> None:
    """Train a network in place; the same input gives the same network on the same machine.

    Source: layer-wise decay of the rate as in Howard & Ruder 2018; no early stop: the rate falls to zero.
    """
    settle(seed)
    torch.set_num_threads(how.threads)
    rng = random.Random(seed)
    ids = [[np.array(i, np.int64) for i in read(sample.texts)] for sample in samples]
    ground = _Ground(network, ids, how.frozen)
    optimizer = torch.optim.AdamW(_groups(network, how))
    steps = how.epochs * len(_batches([1] * len(samples), how.batch, rng))
    warm = max(1, int(how.warm * steps))
    rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min((s + 1) / warm, max(0.01, 1 - s / steps)))
    for epoch in range(how.epochs):
        network.train()
        began, cpu, total = time.monotonic(), time.process_time(), 0.0
        drawn = [rng.choices(range(len(s.texts)), s.odds)[0] for s in samples]
        for rows in _batches([len(ids[i][drawn[i]]) for i in range(len(samples))], how.batch, rng):
            loss = _loss(network, ground.batch([(i, drawn[i]) for i in rows]), [samples[i] for i in rows], how)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            rates.step()
            total += float(loss.detach()) * len(rows)
        took = f"{time.monotonic() - began:.0f} s, {time.process_time() - cpu:.0f} CPU-s"
        say(f"epoch {epoch + 1} of {how.epochs}: loss {total / len(samples):.3f}; {took}")
    network.eval()


def spoken(network: Network, read: Reader, texts: Sequence[str], size: int = 64) -> tuple[F32, F32]:
    """Give the vectors (n, width) and log-probabilities (n, leaves) of texts, in float."""
    network.eval()
    ids = [np.array(i, np.int64) for i in read(texts)]
    vectors = np.zeros((len(texts), network.width), np.float32)
    said = np.zeros((len(texts), network.head.out_features), np.float32)
    order = np.argsort([len(i) for i in ids], kind="stable")
    with torch.no_grad():
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            vector, logits = network(*_padded([ids[i] for i in rows]))
            vectors[rows], said[rows] = vector.numpy(), torch.log_softmax(logits, 1).numpy()
    return vectors, said


class _Ground:
    """What enters the layers that are trained: token ids, or the words of the frozen layers, computed once."""

    def __init__(self, network: Network, ids: Sequence[Sequence[npt.NDArray[np.int64]]], frozen: int) -> None:
        self.network, self.ids, self.frozen = network, ids, frozen
        self.held: list[list[Tensor]] = []
        if frozen:
            network.eval()
            for part in (network.norm, *network.layers[:frozen]):
                part.requires_grad_(False)
            network.places.requires_grad_(False)
            self.held = self._lower()

    def _lower(self, size: int = 64) -> list[list[Tensor]]:
        flat = [(i, j) for i, texts in enumerate(self.ids) for j in range(len(texts))]
        flat.sort(key=lambda at: len(self.ids[at[0]][at[1]]))
        held = [[torch.empty(0)] * len(texts) for texts in self.ids]
        with torch.no_grad():
            for start in range(0, len(flat), size):
                part = flat[start : start + size]
                ids, mask = _padded([self.ids[i][j] for i, j in part])
                for (i, j), x in zip(part, self.network.lower(ids, mask, self.frozen), strict=True):
                    held[i][j] = x[: len(self.ids[i][j])].half()
        return held

    def batch(self, rows: Sequence[tuple[int, int]]) -> tuple[Tensor, Tensor]:
        """Give (kinds, tokens, width), and the mask (kinds, tokens)."""
        ids, mask = _padded([self.ids[i][j] for i, j in rows])
        if not self.frozen:
            return self.network.lower(ids, mask, 0), mask
        x = torch.zeros(*ids.shape, self.network.width)
        for row, (i, j) in enumerate(rows):
            x[row, : len(self.held[i][j])] = self.held[i][j].float()
        return x, mask


def _loss(network: Network, entry: tuple[Tensor, Tensor], samples: Sequence[Sample], how: Settings) -> Tensor:
    x, mask = entry
    if how.lost:
        kept = torch.rand(mask.shape) >= how.lost
        kept[:, 0] = True
        mask = mask * kept
    vector, logits = network.upper(x, mask, how.frozen)
    wanted = torch.from_numpy(np.stack([s.wanted for s in samples]))
    weight = torch.tensor([s.weight for s in samples], dtype=torch.float32)
    loss = -((wanted * torch.log_softmax(logits, 1)).sum(1) * weight).mean()
    return loss + how.contrast * _contrast(vector, wanted.argmax(1)) if how.contrast else loss


def _contrast(vector: Tensor, leaf: Tensor, temperature: float = 0.1) -> Tensor:
    """Pull together vectors of one leaf, push apart the others; a leaf that is alone in its batch says nothing."""
    own = torch.eye(len(leaf), dtype=torch.bool)
    same = (leaf[:, None] == leaf[None]) & ~own
    said = torch.log_softmax((vector @ vector.T / temperature).masked_fill(own, -1e4), 1)
    count = same.sum(1)
    if not bool(count.any()):
        return vector.sum() * 0.0
    return -((said * same).sum(1)[count > 0] / count[count > 0]).mean()


def _groups(network: Network, how: Settings) -> list[dict[str, object]]:
    """Parameters by rate and decay of weights; norms and biases decay not."""
    rates = {id(p): how.rate * how.decay ** len(network.layers) for p in network.parameters()}
    for depth, layer in enumerate(reversed(network.layers)):
        rates |= {id(p): how.rate * how.decay**depth for p in layer.parameters()}
    rates |= {id(p): how.head_rate for p in network.head.parameters()}
    parameters = [p for p in network.parameters() if p.requires_grad]
    return [{"params": [p], "lr": rates[id(p)], "weight_decay": 0.01 if p.ndim > 1 else 0.0} for p in parameters]


def _batches(lengths: Sequence[int], size: int, rng: random.Random) -> list[list[int]]:
    """Deal rows into batches of about one length, in a random order."""
    rows = list(range(len(lengths)))
    rng.shuffle(rows)
    out: list[list[int]] = []
    for start in range(0, len(rows), size * 16):
        part = sorted(rows[start : start + size * 16], key=lambda i: lengths[i])
        out += [part[i : i + size] for i in range(0, len(part), size)]
    rng.shuffle(out)
    return out


def _padded(ids: Sequence[npt.NDArray[np.int64]]) -> tuple[Tensor, Tensor]:
    longest = max(len(i) for i in ids)
    out, mask = np.zeros((len(ids), longest), np.int64), np.zeros((len(ids), longest), np.int64)
    for row, i in enumerate(ids):
        out[row, : len(i)], mask[row, : len(i)] = i, 1
    return torch.from_numpy(out), torch.from_numpy(mask)
