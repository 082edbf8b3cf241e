"""What training asks of the other rooms: the key of a line, and the kinds of archives that nobody labelled."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.registry import Kind

LOGS = Path("sample_data/logs")


def to_kind(program: str, message: str) -> "Kind":
    """Key a line of the corpus as production keys it."""
    from clustering.key import key_of

    return key_of(program, message).kind


def unlabelled(paths: Sequence[Path]) -> "list[Kind]":
    """Read the kinds of archives, as `scan` reads them; those without a constant word are left out.

    Each kind comes once, in the order of its key.
    """
    from clustering.key import has_word
    from connectors.archives import find
    from pipeline.cli.reading import alone, config_of
    from pipeline.cli.summary import Tally
    from pipeline.once import Once, Pass
    from schemas.registry import Kind

    once, tally = Once(alone(config_of(), lake=False, now=None)), Tally()
    for records in Pass(find([str(path) for path in paths]).archives, alike=True).batches():
        tally.add(once.label(records))
    return [Kind(key, one.app, one.template) for key, one in sorted(tally.kinds.items()) if has_word(one.template)]
