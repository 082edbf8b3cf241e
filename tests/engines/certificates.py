"""Certificates for the tests, made with openssl: an authority, and what it signs."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.engines.process import tool


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


class Authority:
    """A certificate authority in a folder; `ca_file` is what a client is to trust."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._own = self._request(name, ["-x509", "-days", "30", "-subj", f"/CN={name}"])

    @property
    def ca_file(self) -> Path:
        return self._own.cert

    def sign(self, name: str) -> Pair:
        """A certificate for a host or a client of this name, good for servers and clients."""
        issuer = ["-CA", str(self._own.cert), "-CAkey", str(self._own.key), "-days", "30", "-subj", f"/CN={name}"]
        return self._request(name, [*issuer, "-addext", f"subjectAltName=DNS:{name}"])

    def _request(self, name: str, options: list[str]) -> Pair:
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(pair.key), "-out", str(pair.cert)]
        done = subprocess.run([tool("openssl", "making certificates"), *new, *options], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"openssl could not make a certificate for {name}:\n{done.stderr[-1000:]}")
        return pair


def keystore(pair: Pair) -> Path:
    """Key and certificate in one PEM file, as Kafka wants them."""
    both = pair.cert.with_suffix(".both.pem")
    both.write_text(pair.key.read_text() + pair.cert.read_text())
    return both
