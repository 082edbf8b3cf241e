"""What explain tells of the cascade is what learning does, tier by tier; cards and evidence are of the models asked."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from classifiers.card import MODELS
from clustering.key import key_of
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn_run import models_of
from pipeline.settings_models import RemoteSettings
from pipeline.settings_precision import PrecisionSettings
from pipeline.why_stages import asked, card_line
from schemas.registry import Kind

KINDS = [
    key_of(app, message).kind
    for app, message in (
        ("collectd", "rrdtool plugin: rrd_update_r (/var/lib/collectd/rrd/web04/load.rrd) failed: illegal attempt"),
        ("sshd", "Failed password for invalid user u1 from 203.0.113.9 port 40000 ssh2"),
        ("zapd", "quota of tenant zelda exceeded on shard"),
        ("qwxz", "plomp"),
    )
]


def unsure(job: Job) -> Kind:
    """Find a kind that the first stage leaves to others."""
    return next(kind for kind in KINDS if asked(kind, job).weighed_by == "large")


@pytest.mark.parametrize("tier", ["coarse", "standard", "strict"])
@pytest.mark.parametrize("missing", ["uncertified", "escalate", "abstain"])
def test_explain_asks_as_learning_does(tier: str, missing: str, tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    job = Job(lake=lake.root, precision=PrecisionSettings(tier=tier, missing=missing))  # type: ignore[arg-type]
    for kind in KINDS:
        models = models_of(lake, job)
        [verdict] = models.ask([kind], {})
        told = asked(kind, job)
        assert replace(told.verdict, settled=True) == verdict
        assert {said.stage for said in told.stages if said.reached} == set(models.calls)
        assert [said.stage for said in told.stages if said.answers] in ([], [verdict.stage])
        assert told.abstains == (missing == "abstain")


def test_a_thrifty_tier_asks_nobody_dearer(tmp_path: Path) -> None:
    job = Job(lake=None, precision=PrecisionSettings(tier="coarse"))
    thrifty = [told for told in (asked(kind, job) for kind in KINDS) if not told.stages[0].answers]
    assert thrifty
    for told in thrifty:
        assert told.stages[0].passes is not None
        assert [said.reached for said in told.stages] == [True, *(False for _ in told.stages[1:])]


def test_evidence_is_that_of_the_stage_that_decides() -> None:
    job = Job(lake=None)
    told = asked(unsure(job), job)
    assert told.verdict.stage in ("large", "none")
    assert told.weighed_by == "large"
    assert told.evidence
    assert asked(KINDS[1], job).weighed_by == "tiny"


def test_a_server_is_told_of_and_not_asked() -> None:
    job = Job(lake=None, remote=RemoteSettings(url="http://127.0.0.1:9/v1", model="m"))
    told = asked(unsure(Job(lake=None)), job)
    assert "remote" in told.left_out
    assert told.to_server == (not any(said.answers for said in told.stages))
    assert not asked(KINDS[1], job).to_server


def test_the_card_is_that_of_the_model_asked(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(MODELS / "tiny", mine)
    card = json.loads((mine / "card.json").read_bytes())
    (mine / "card.json").write_text(json.dumps(card | {"what": "MY OWN MODEL"}))
    tiny, *_, large = asked(KINDS[1], Job(lake=None, model=mine)).stages
    assert tiny.card.startswith("MY OWN MODEL; trained on")
    assert large.card.startswith("linear head")
    assert (
        card_line("large", Job(lake=None, large="me/model")) == "the Hugging Face model me/model, without a card here"
    )
