"""Group messages by Drain3, with one generic configuration for all systems. Run by Drain3's own Python (`drain.setup`).

`drain_groups.py FILE`: FILE holds a JSON list of lists of messages; prints a JSON list of lists of cluster numbers.
"""

import json
import sys
from pathlib import Path

_BEFORE, _AFTER = r"((?<=[^A-Za-z0-9])|^)", r"((?=[^A-Za-z0-9])|$)"
MASKS = [
    (r"[a-z]+://\S+", "URL"),
    (r"[\w.+-]+@[\w-]+\.[\w.-]+", "MAIL"),
    (r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", "UUID"),
    (_BEFORE + r"([0-9a-fA-F]{2}:){3,}[0-9a-fA-F]{2}" + _AFTER, "MAC"),
    (_BEFORE + r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?" + _AFTER, "IP"),
    (_BEFORE + r"\d{4}-\d{2}-\d{2}" + _AFTER, "DATE"),
    (_BEFORE + r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?" + _AFTER, "TIME"),
    (_BEFORE + r"0x[0-9a-fA-F]+" + _AFTER, "HEX"),
    (_BEFORE + r"[0-9a-f]{12,}" + _AFTER, "HASH"),
    (r"(?<![\w.])(/[\w.+-]+){2,}/?", "PATH"),
    (_BEFORE + r"[-+]?\d+\.\d+" + _AFTER, "FLOAT"),
    (_BEFORE + r"[-+]?\d+" + _AFTER, "NUM"),
    (r"(?<=[A-Za-z_])\d+", "NUM"),
]
"""Masks in general use, in the manner of the examples of Drain3 and logparser."""


def groups(messages: list[str]) -> list[int]:
    """Feed messages to one miner (sim_th 0.4, depth 4, max_children 100: its defaults); the cluster each ended in."""
    from drain3 import TemplateMiner
    from drain3.masking import MaskingInstruction
    from drain3.template_miner_config import TemplateMinerConfig

    config = TemplateMinerConfig()
    config.masking_instructions = [MaskingInstruction(pattern, name) for pattern, name in MASKS]
    miner = TemplateMiner(config=config)
    return [miner.add_log_message(message)["cluster_id"] for message in messages]


if __name__ == "__main__":
    print(json.dumps([groups(messages) for messages in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))]))
