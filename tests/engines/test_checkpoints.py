"""What only Flink knows of Beam's options reaches Flink."""

from pathlib import Path

import pytest

from tests.engines.broker import Broker
from tests.engines.flink import FlinkJobServer
from tests.engines.scene import Scene, until

pytestmark = pytest.mark.engines


def test_a_stream_on_flink_makes_the_checkpoints_that_were_asked_for(
    broker: Broker, tmp_path: Path, topic: str
) -> None:
    flink = FlinkJobServer(tmp_path / "flink", conf={"state.checkpoints.dir": f"file://{tmp_path / 'checkpoints'}"})
    scene = Scene(broker, tmp_path, topic)
    broker.create_topic(topic)
    job = scene.job("job", runner=flink.options(checkpoint_ms=10_000))
    flink.start()
    job.start()
    try:
        scene.send(100)
        scene.flowing(within_s=300)
        until(lambda: any((tmp_path / "checkpoints").glob("*/chk-*/_metadata")), "a checkpoint", 120)
    finally:
        job.stop(within_s=30)
        flink.stop()
