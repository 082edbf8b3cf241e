"""One question to an OpenAI-compatible server: http or https, one deadline, no redirects, the key never told."""

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPMessage, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError
from urllib.request import HTTPHandler, HTTPRedirectHandler, HTTPSHandler, OpenerDirector, Request, build_opener

MASKED = "********"
MOST_BYTES = 1 << 20
"""Of an answer; what is longer is no answer to a question of ours."""

_TOLD = 200  # characters of a server's own words that are told on
_BLOCK = 1 << 14


class ServerError(Exception):
    """The server gave no answer; the message says what it did, without the key.

    Attributes:
        status: of HTTP; 0: there was none. retry: asking again may help. wait_s: what the server asks for; 0: nothing.
    """

    def __init__(self, told: str, status: int = 0, *, retry: bool = False, wait_s: float = 0.0) -> None:
        super().__init__(told)
        self.status, self.retry, self.wait_s = status, retry, wait_s


class _Until(RawIOBase):
    """What a socket brings until a deadline: its own timeout bounds one wait, and a server that drips resets that."""

    def __init__(self, raw: RawIOBase, sock: socket.socket, until: float) -> None:
        self._raw, self._sock, self._until = raw, sock, until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """An answer whose status, headers and body share one deadline, the timeout of its socket from now on."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        until = time.monotonic() + (sock.gettimeout() or 0.0)
        self.fp = BufferedReader(_Until(self.fp.detach(), sock, until))


class _Connection(HTTPConnection):
    response_class = _Response


class _SafeConnection(HTTPSConnection):
    response_class = _Response


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(HTTPSHandler):
    def __init__(self, trusted: ssl.SSLContext) -> None:
        super().__init__(context=trusted)
        self._trusted = trusted

    def https_open(self, req: Request) -> HTTPResponse:
        return self.do_open(_SafeConnection, req, context=self._trusted)


class _Stay(HTTPRedirectHandler):
    """Follows nobody: a redirect would take the key, and log text, to another host."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


@dataclass(frozen=True)
class Server:
    """Where to ask.

    Attributes:
        url: as `http://localhost:8000/v1`; `/chat/completions` is added. key: "" for none.
        timeout_s: to connect, and again for a whole answer. ca_file: whom to trust; None: whom the system trusts.
    """

    url: str
    key: str = ""
    timeout_s: float = 30.0
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"Server({self.url!r}, key={MASKED if self.key else ''!r}, timeout_s={self.timeout_s!r})"

    def ask(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Post a chat request; give the JSON object that comes back.

        Raises:
            ServerError: anything else came back, or nothing in time.
        """
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        request = Request(f"{self.url.rstrip('/')}/chat/completions", json.dumps(payload).encode(), headers)
        try:
            with _opener(self.ca_file).open(request, timeout=self.timeout_s) as response:
                return self._object(_read(response))
        except HTTPError as error:
            raise self._refused(error) from None
        except (OSError, HTTPException, ValueError) as error:
            why = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise ServerError(self.masked(why), retry=True) from None

    def _object(self, data: bytes) -> dict[str, Any]:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            raise ServerError(f"no JSON came back: {self.masked(data[:_TOLD].decode('utf-8', 'replace'))!r}") from None
        if not isinstance(found, dict):
            raise ServerError("no JSON object came back")
        return found

    def _refused(self, error: HTTPError) -> ServerError:
        """Tell a status that is not 200; 429 and 5xx may be asked again."""
        try:
            told = self.masked(error.read(_BLOCK).decode("utf-8", "replace"))[:_TOLD]
        except (OSError, HTTPException):
            told = ""
        again = error.code in (408, 425, 429) or error.code >= 500
        wait = _wait_s(error.headers.get("Retry-After", "")) if again else 0.0
        return ServerError(f"status {error.code}: {' '.join(told.split())}", error.code, retry=again, wait_s=wait)

    def masked(self, text: str) -> str:
        """Give a text without the key."""
        return text.replace(self.key, MASKED) if self.key else text


@cache
def _opener(ca_file: Path | None) -> OpenerDirector:
    """Make it once: it reads the certificates of the system."""
    return build_opener(_Stay, _Http, _Https(ssl.create_default_context(cafile=ca_file)))


def _read(response: HTTPResponse) -> bytes:
    """Read a body to its end, but not without bound."""
    parts, size = [], 0
    while block := response.read1(_BLOCK):
        parts.append(block)
        size += len(block)
        if size > MOST_BYTES:
            raise ValueError(f"more than {MOST_BYTES} bytes came back")
    return b"".join(parts)


def _wait_s(told: str) -> float:
    """Read Retry-After: seconds, or a date; 0 if it says nothing that can be read."""
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0
