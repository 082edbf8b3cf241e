"""What stands behind an error, from the outside in; engines wrap errors, and tie some of them into rings."""

from collections.abc import Iterator


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what it was raised from, each once: a chain that comes back on itself ends there."""
    met: set[int] = set()
    seen: BaseException | None = error
    while seen is not None and id(seen) not in met:
        met.add(id(seen))
        yield seen
        seen = seen.__cause__ or seen.__context__
