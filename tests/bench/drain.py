"""Drain3 0.9.11 in an environment of its own: set it up, and time it mining the templates of a file of messages.

Imported by the bench for `setup`; run as a script by that environment's Python, so it imports nothing else.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

VERSION = "0.9.11"

MASKS: dict[str, list[tuple[str, str]]] = {
    "key": [(r"[^ 0-9]*+[0-9][^ ]*", "WORD")],
    "readme": [
        (r"((?<=[^A-Za-z0-9])|^)(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})((?=[^A-Za-z0-9])|$)", "IP"),
        (r"((?<=[^A-Za-z0-9])|^)([\-\+]?\d+)((?=[^A-Za-z0-9])|$)", "NUM"),
    ],
    "none": [],
}
"""`key`: the mask of our key, each word that holds a digit (in the fastest of the spellings tried); `readme`: the two
of Drain3's README; `none`: none."""


def setup(folder: Path) -> Path:
    """Make the environment in `folder`, unless it is there; gives its Python.

    Raises:
        subprocess.CalledProcessError: no network, most likely; pip has said why.
    """
    python = folder / "bin" / "python"
    if (folder / "ready").exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv")
    if uv:
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, folder], check=True)
        install = [uv, "pip", "install", "-q", "--python", str(python)]
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*install, f"drain3=={VERSION}"], check=True)
    (folder / "ready").touch()
    return python


def mine(messages: list[str], masks: str) -> dict[str, float]:
    """Feed messages to one miner of default settings; CPU-seconds of that alone, and how many clusters came of it."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS[masks]]
    miner = TemplateMiner(config=config)
    began = time.process_time()
    for message in messages:
        miner.add_log_message(message)
    return {"cpu_s": time.process_time() - began, "clusters": len(miner.drain.clusters)}


def masking(messages: list[str], masks: str) -> float:
    """CPU-seconds of the masks alone."""
    patterns = [(re.compile(pattern), f"<{name}>") for pattern, name in MASKS[masks]]
    began = time.process_time()
    for message in messages:
        for pattern, name in patterns:
            message = pattern.sub(name, message)
    return time.process_time() - began


def main() -> None:
    """`drain.py FILE MASKS`: prints one JSON object."""
    messages = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    said = mine(messages, sys.argv[2]) | {"lines": len(messages), "masking_s": masking(messages, sys.argv[2])}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
