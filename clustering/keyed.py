"""The kinds of a batch as columns: of a flood of kinds that are met once, none costs more than its key."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.registry import Kind

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Keyed:
    """The distinct kinds of a batch, for each row the number of its own, and the words in its holes.

    Attributes:
        keys, texts: of each kind. apps, app_of: the masked programs, and for each kind the number of its own.
        codes, params: of each row.
    """

    keys: list[str]
    texts: pa.StringArray
    apps: list[str]
    app_of: Ints
    codes: Codes
    params: pa.StringArray

    def kind(self, i: int) -> Kind:
        """Give a kind by its number."""
        return Kind(self.keys[i], self.apps[self.app_of[i]], self.texts[i].as_py())

    @cached_property
    def kinds(self) -> list[Kind]:
        """Give all kinds."""
        told = zip(self.keys, self.app_of.tolist(), self.texts.to_pylist(), strict=True)
        return [Kind(key, self.apps[app], text) for key, app, text in told]


class Making:
    """Numbers kinds as they are met, and keeps each once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # by key, which names a kind: hashing all of it takes four times as long
        self._apps: dict[str, int] = {}
        self._app_of: list[Ints] = [np.zeros(0, np.int64)]
        self._texts: list[pa.StringArray] = [pa.array([], pa.string())]

    def put(self, kinds: Sequence[Kind]) -> Codes:
        """Take in kinds; gives the number of each."""
        apps = [kind.app for kind in kinds]
        return self._put([kind.key for kind in kinds], apps, pa.array([kind.template for kind in kinds], pa.string()))

    def add(self, apps: Sequence[str], app_of: Ints, texts: pa.StringArray, special: Mapping[int, Kind]) -> Codes:
        """Take in the kinds of programs and texts; gives the number of each.

        Args:
            apps: masked. app_of, texts: (n,) of each kind. special: those of which the text is another, by row.
        """
        own = pa.DictionaryArray.from_arrays(pa.array(app_of), pa.array(apps, pa.string())).cast(pa.string())
        keys = _keys(pc.binary_join_element_wise(own, texts, "\0"))
        for i, kind in special.items():
            keys[i] = kind.key
        if special:
            order = np.arange(len(keys))
            order[list(special)] = len(keys) + np.arange(len(special))
            others = pa.array([kind.template for kind in special.values()], pa.string())
            texts = pa.concat_arrays([texts, others]).take(pa.array(order))
        return self._put(keys, apps, texts, app_of)

    def keyed(self, codes: Codes, params: pa.StringArray) -> Keyed:
        """Give what was made, with the number of each row's kind."""
        texts, app_of = pa.concat_arrays(self._texts), np.concatenate(self._app_of)
        return Keyed(list(self._numbers), texts, list(self._apps), app_of, codes, params)

    def _put(
        self, keys: Sequence[str], apps: Sequence[str], texts: pa.StringArray, app_of: Ints | None = None
    ) -> Codes:
        """Number kinds; keep those that are new. Unless `app_of` tells whose is which, each has its own of `apps`."""
        before, numbers = len(self._numbers), self._numbers
        codes = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int32)
        own = np.array([self._apps.setdefault(app, len(self._apps)) for app in apps], np.int64)
        own = own if app_of is None else own[app_of]
        if len(numbers) - before < len(keys):
            found, first = np.unique(codes, return_index=True)
            first = first[found >= before]
            own, texts = own[first], texts.take(pa.array(first))
        self._app_of.append(own)
        self._texts.append(texts)
        return codes


def _keys(texts: pa.StringArray) -> list[str]:
    """Hash programs and texts as `kind_of` does."""
    made = hashlib.blake2b
    return [made(one, digest_size=8).hexdigest() for one in texts.cast(pa.binary()).to_pylist()]
