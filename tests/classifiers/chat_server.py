"""A real server on a port of this machine that speaks as OpenAI-compatible ones do, as well or as badly as told."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[dict[str, Any]], Reply]


def says(content: object, *, tokens: tuple[int, int] = (700, 20)) -> Reply:
    """What a server sends whose model wrote this."""
    text = content if isinstance(content, str) else json.dumps(content)
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
    body = {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": usage}
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def fails(status: int, body: str = "", **headers: str) -> Reply:
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body.encode()


def asked_template(request: dict[str, Any]) -> str:
    """The template of the last question."""
    return str(json.loads(re.findall(r"^\{.*\}$", request["messages"][-1]["content"], re.M)[-1])["template"])


@dataclass
class Chat:
    """What was asked, and who answers now."""

    url: str
    answer: Behaviour
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def chat(answer: Behaviour, drip_s: float = 0.0, head_s: float = 0.0) -> Iterator[Chat]:
    """Serve; `drip_s`, `head_s`: seconds between the bytes of an answer's body, of its headers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.requests.append({"path": self.path, **request})
            state.headers.append(dict(self.headers))
            status, headers, body = state.answer(request)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            try:
                self._send(b"".join(self._headers_buffer) + b"\r\n", head_s)
                self._send(body, drip_s)
            except OSError:
                return

        def _send(self, data: bytes, pause_s: float) -> None:
            size = 1 if pause_s else len(data) or 1
            for at in range(0, len(data), size):
                self.wfile.write(data[at : at + size])
                time.sleep(pause_s)

        def log_message(self, *args: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            return

    server = Server(("127.0.0.1", 0), Handler)
    state = Chat(f"http://127.0.0.1:{server.server_address[1]}/v1", answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
