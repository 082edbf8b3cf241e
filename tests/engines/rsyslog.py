"""A real rsyslog, run from the snippets in deploy/, with a socket, ports and a folder of its own."""

import socket
import subprocess
from pathlib import Path

from tests.engines.process import Service, free_port, tool

SNIPPETS = Path(__file__).parents[2] / "deploy" / "shippers" / "rsyslog"
_MAIN = """global(workDirectory="{work}" localHostname="here" processInternalMessages="on")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{socket}")
if $hostname == "here" and $programname startswith "rsyslogd" then {{
    action(type="omfile" file="{work}/own.log")
    stop
}}
"""


def lacking() -> str:
    """What to install for this to run; empty if nothing."""
    found = any(Path("/usr/lib").glob("**/rsyslog/omkafka.so"))
    return "" if found else "rsyslog's omkafka is not installed (apt-get install rsyslog rsyslog-kafka)"


class Rsyslog(Service):
    """One rsyslog that ships to `brokers`, with what a snippet says replaced where `replace` says so."""

    def __init__(self, folder: Path, snippet: str, replace: dict[str, str]) -> None:
        super().__init__("rsyslog", folder / "rsyslog.log")
        self.folder = folder
        self.socket = folder / "socket"
        self.port = free_port()
        (folder / "work").mkdir(parents=True)
        main = _MAIN.format(work=folder / "work", socket=self.socket)
        relay = edited("relay.conf", {'port="514"': f'port="{self.port}"'})
        self._conf = folder / "rsyslog.conf"
        self._conf.write_text(main + relay + edited(snippet, replace))

    def start(self) -> None:
        """Start it, also again after stop(); returns when its socket is there."""
        command = [tool("rsyslogd", "shipping"), "-n", "-f", self._conf, "-i", self.folder / "pid"]
        self.run(command)
        self.wait_until(self.socket.exists, within_s=20)

    def log_locally(self, priority: str, tag: str, message: str) -> None:
        """As a program of this host does: logger to the socket."""
        words = ["--socket-errors=on", "--id=4711", "-p", priority, "-t", tag, "--", message]
        subprocess.run([tool("logger", "sending lines"), "-u", str(self.socket), *words], check=True)

    def log_remotely(self, *options: str, message: str) -> None:
        """As another host does: logger over UDP or TCP."""
        where = ["-n", "127.0.0.1", "-P", str(self.port)]
        subprocess.run([tool("logger", "sending lines"), *where, *options, "--", message], check=True)

    def datagram(self, line: bytes) -> None:
        """A line as it is, over UDP."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(line, ("127.0.0.1", self.port))


def edited(snippet: str, replace: dict[str, str]) -> str:
    """A snippet with what the operator has to put in; ValueError if the snippet has no such words."""
    text = (SNIPPETS / snippet).read_text()
    for old, new in replace.items():
        if old not in text:
            raise ValueError(f"{snippet} does not hold {old}")
        text = text.replace(old, new)
    return text
