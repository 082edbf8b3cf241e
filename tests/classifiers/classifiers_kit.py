"""A stand-in for the key function, and a small corpus, for tests that train."""

from pathlib import Path

from schemas.registry import Kind

KINDS = {
    "auth.login_failure": ["authentication failed for user {}", "invalid password for user {}", "login denied for {}"],
    "storage.capacity": ["disk {} is full", "no space left on volume {}", "filesystem {} usage above threshold"],
    "service.lifecycle": ["service {} started", "daemon {} stopped", "worker {} shutting down"],
    "web.server_error": ["upstream {} returned 5xx", "bad gateway from {}", "backend fetch failed {}"],
}


def stand_in_key(app: str, message: str) -> Kind:
    """Mask blank-separated words that hold a digit; the text is its own key."""
    text = " ".join("<*>" if any(c.isdigit() for c in word) else word for word in message.split(" "))
    return Kind(f"{app}|{text}", app, text)


def write_corpus(folder: Path, programs: int = 8) -> Path:
    """Write a corpus in which every program says every leaf a little differently; the last three are held out."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"prog{chr(97 + p)}\t{leaf}\twritten\t{said.format(f'name{p}')} {'qrstuvwxyz'[p]}word"
        for p in range(programs)
        for leaf, ways in KINDS.items()
        for said in ways
    ]
    (folder / "toy.tsv").write_text("program\tleaf\thow\ttext\n" + "\n".join(rows) + "\n", "utf-8")
    splits = ["train"] * (programs - 3) + ["tune", "cert", "test"]
    lines = [f"prog{chr(97 + p)}\t{split}\n" for p, split in enumerate(splits)]
    (folder / "splits.tsv").write_text("program\tsplit\n" + "".join(lines), "utf-8")
    return folder
