"""The edge: tiny alone, without onnxruntime, within 120 MB."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from classifiers.card import MODELS, ModelError
from classifiers.edge import EdgeSession
from classifiers.plan import tiny_of
from classifiers.tiny import Tiny
from schemas.registry import Kind

TEXTS = ["Failed password for <*>", "", "disk full " * 300, "Ошибка диска", "x" * 65_536, "\udcff <*> link down"]
KINDS = [Kind(f"{i:016x}", app, text) for i, (text, app) in enumerate((t, a) for t in TEXTS for a in ("", "sshd"))]

WALK = """
import sys
from pipeline.cli import run
code = run(["label", sys.argv[1]])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
sys.stderr.write(f"{code} {int(status['VmHWM'].split()[0]) // 1024} {'onnxruntime' in sys.modules} {'apache_beam' in sys.modules}")
"""


def test_it_gives_what_onnxruntime_gives() -> None:
    edge, full = tiny_of(edge=True)[0], Tiny.load()
    assert np.abs(edge.scores(KINDS) - full.scores(KINDS)).max() < 1e-5
    assert [v and v.label for v in edge.classify(KINDS)] == [v and v.label for v in full.classify(KINDS)]


def test_another_graph_is_refused_and_not_guessed_at() -> None:
    with pytest.raises(ModelError, match="another graph"):
        EdgeSession(b"")
    with pytest.raises(ModelError, match="another graph"):
        EdgeSession((MODELS / "large" / "model.onnx").read_bytes())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_labelling_a_file_on_the_edge_takes_at_most_120_mb(tmp_path: Path) -> None:
    log = tmp_path / "small.log"
    line = "Nov  1 00:00:07 web0 sshd[1]: Failed password for invalid user u1 from 203.0.113.9 port 40000 ssh2\n"
    log.write_text(line * 200 + "Nov  1 00:00:08 web0 kernel: Out of memory: Killed process 811 (java)\n")
    env = {**os.environ, "DIOPTRE_LABEL_PROFILE": "edge"}
    ran = subprocess.run([sys.executable, "-c", WALK, str(log)], capture_output=True, text=True, env=env, cwd=tmp_path)
    code, mb, onnx, beam = ran.stderr.split()[-4:]
    assert (code, onnx, beam) == ("0", "False", "False")
    assert "auth.login_failure" in ran.stdout
    assert int(mb) <= 120
