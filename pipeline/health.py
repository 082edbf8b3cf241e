"""A small HTTP server beside a stream: /metrics for Prometheus, /healthz and /readyz for whoever keeps it running."""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from pipeline import metrics
from pipeline.stream_totals import Totals

PATIENCE_S = 30.0
"""Records may wait so long for a commit, and six flushes at least, before the stream is called unready."""

TIMEOUT_S = 10.0


class ListenError(Exception):
    """The address cannot be listened on."""


def unready(totals: Totals, now: float, flush_s: float) -> str:
    """Say why a stream is not ready: connected and committing; "" if it is."""
    with totals.lock:
        waiting = next(filter(None, totals.waiting.values()), "")
        age, lag = totals.commit_age(now), sum(totals.lag().values())
        if waiting:
            return f"waiting: {waiting}"
        if not totals.bounds:
            return "starting: no worker has heard of a broker yet"
        if age > max(PATIENCE_S, 6 * flush_s):
            return f"no commit for {age:.0f} s while {lag:,} records wait"
        return ""


class Health:
    """Serves while the block runs, in threads of its own.

    Args:
        address: host:port.
        processes: gives what each process is -> its id.
        now: the clock of the totals.

    Raises:
        ListenError: the port is taken, or the host is not ours.
    """

    def __init__(
        self,
        address: str,
        totals: Totals,
        *,
        flush_s: float,
        processes: Callable[[], Mapping[str, int]],
        now: Callable[[], float],
    ) -> None:
        host, _, port = address.rpartition(":")
        pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/metrics": lambda: (200, metrics.CONTENT_TYPE, metrics.exposition(totals, now(), processes())),
            "/healthz": lambda: (200, "text/plain", b"alive\n"),
            "/readyz": lambda: _ready(unready(totals, now(), flush_s)),
        }
        try:
            self._server = _Server((host.strip("[]"), int(port)), _handler(pages))
        except OSError as error:
            raise ListenError(f"{address}: cannot listen there: {error.strerror}; give another --listen") from error
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="health")

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _ready(reason: str) -> tuple[int, str, bytes]:
    return (503, "text/plain", f"{reason}\n".encode()) if reason else (200, "text/plain", b"ready\n")


def _handler(pages: Mapping[str, Callable[[], tuple[int, str, bytes]]]) -> type[BaseHTTPRequestHandler]:
    """Make the class that answers requests."""

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            known = f"there are {', '.join(pages)}\n".encode()
            status, kind, body = page() if page else (404, "text/plain", known)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet: a probe every second is no news."""

    return Handler
