"""The decompressed bytes of an archive, in order, whatever its codec; positions count these bytes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from connectors.archives.archive import Archive
from connectors.archives.codecs import CHUNK, MAGIC_BYTES, Broken, Source, codec_of, decoder
from connectors.archives.limits import Limits


@dataclass(frozen=True)
class Finding:
    """Something a person should know about an archive, beside its lines.

    kind: truncated, corrupt, limit, trailing, bomb, replaced or unreadable.
    """

    name: str
    kind: str
    detail: str


class Content:
    """One pass over an archive. Read with `readinto`; 0 means the end, and then `findings` says how it came.

    Attributes:
        position: of the next byte.
        whole: False when the end is not the archive's own: cut short, corrupt, a bomb; or a plain file just written.
        bomb_at: from this position on the ratio limit was passed; a last chunk after it is still given.
    """

    def __init__(self, archive: Archive, limits: Limits, now: float | None = None) -> None:
        self.name = archive.name
        self.findings: list[Finding] = []
        self.position = 0
        self.bomb_at: int | None = None
        self._handle: BinaryIO = archive.open()
        self._held: memoryview = memoryview(b"")
        head = self._handle.read(MAGIC_BYTES)
        self._handle.seek(0)
        self.codec = codec_of(head)
        self._stored = 0
        settled = archive.path is None or archive.settled(time.time() if now is None else now, limits.settled_s)
        self._settled = settled
        self.whole = settled or self.codec != "plain"
        self._chunks = self._decode(limits) if self.codec != "plain" else iter(())

    def readinto(self, view: memoryview) -> int:
        """Fill a view with the next bytes; give how many, 0 at the end."""
        if not self._held:
            if self.codec == "plain":
                n = self._handle.readinto(view)  # type: ignore[attr-defined]
                self.position += n
                return int(n)
            self._held = memoryview(next(self._chunks, b""))
        n = min(len(view), len(self._held))
        view[:n] = self._held[:n]
        self._held = self._held[n:]
        self.position += n
        return n

    def unread(self, data: bytes) -> None:
        """Give back the bytes read last."""
        self._held = memoryview(data + bytes(self._held))
        self.position -= len(data)

    def skip(self, to: int) -> bool:
        """Go on to a later position; False if the end comes first."""
        if self.codec == "plain" and not self._held:
            size = self._handle.seek(0, 2)
            self.position = self._handle.seek(min(to, size))
            return size >= to
        scratch = memoryview(bytearray(CHUNK))
        while self.position < to and self.readinto(scratch[: to - self.position]):
            pass
        return self.position >= to

    def _decode(self, limits: Limits) -> Iterator[bytes]:
        """Decompress; note how the stream ends, and stop one chunk after the ratio was passed."""
        source = Source(self._handle)
        given = 0
        try:
            for chunk in decoder(self.codec)(source, limits):
                if not chunk:
                    continue
                given += len(chunk)
                if given >= limits.ratio_after and given > limits.ratio * source.used:
                    self._stop_bomb(given - len(chunk), given // max(1, source.used), limits)
                    yield chunk
                    return
                yield chunk
        except Broken as error:
            self.findings.append(Finding(self.name, error.kind, str(error)))
            self.whole = self.whole and (error.kind == "trailing" or self._settled)

    def _stop_bomb(self, at: int, ratio: int, limits: Limits) -> None:
        self.bomb_at = at
        self.whole = False
        detail = f"decompresses {ratio:,} to 1, at most {limits.ratio} to 1 is allowed; reading stopped at byte {at:,}"
        self.findings.append(Finding(self.name, "bomb", detail))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.close()
