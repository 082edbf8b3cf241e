"""The dial: another tier decides the same kinds anew, at another cost; what was said before stays in the history."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from connectors.lake import Lake
from connectors.lake.certificates import Certificates
from pipeline.certify_draw import draw
from pipeline.certify_life import standings, withdraw
from pipeline.learn import Learner
from pipeline.learn_models import Models
from pipeline.policy import Dial, policy_of
from pipeline.settings_precision import PrecisionSettings
from schemas.policy import F64, TIERS
from schemas.registry import Kind, Verdict
from tests.pipeline.precision_kit import lake_of

N = 30
SURE = (0.6, 0.8, 0.95)
NEEDS = {"coarse": 0.5, "standard": 0.7, "fine": 0.9}
NOW = datetime.now(UTC)


class Says:
    """A stage that says one label of everything, as sure as the kind's key tells, and counts what it is asked."""

    def __init__(self, name: str, label: str, sure: tuple[float, ...]) -> None:
        self.name, self._label, self._sure, self.asked = name, label, sure, 0
        self.model, self.labels = f"{name}:1", (label,)

    def scores(self, kinds: Sequence[Kind]) -> F64:
        return np.ones((len(kinds), 1))

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        self.asked += len(kinds)
        sure = [self._sure[int(kind.key, 16) % len(self._sure)] for kind in kinds]
        return [Verdict(self._label, s, self.name, self.model) for s in sure]


def _certified(folder: Path) -> Lake:
    """Make a lake where all tiers are certified, the stricter ones with higher thresholds."""
    lake = lake_of(folder / "lake", N, apps=("sshd",))
    name = draw(lake, 3, seed=1)
    for tier, need in NEEDS.items():
        one = TIERS[tier]
        row = {
            "cert_id": tier,
            "event": "issued",
            "at": NOW,
            "promise": "novel",
            "tier": tier,
            "domain": "",
            "p": one.p,
        }
        row |= {
            "depth": one.depth,
            "n": 100,
            "errors": 0,
            "lower": one.p,
            "thresholds": [("tiny", need)],
            "cert_set": name,
        }
        Certificates(lake.root).note([row | {"valid_until": NOW + timedelta(days=9), "reference": "people"}])
    return lake


def _learn(lake: Lake, tier: str) -> tuple[int, bool]:
    """Learn at a setting of the dial; give what the last stage was asked, and whether all was decided anew."""
    settings = replace(PrecisionSettings(), tier=tier, missing="escalate")
    last = Says("large", "app.info", (0.99,))
    stages = [Says("tiny", "auth.session", SURE), last]
    models = Models(stages, 0.3, policy=lambda tuned: policy_of(lake, settings, {}, tuned), sure=1.01)
    dial = Dial(lake, settings, dict)
    learner = Learner(lake, lambda: None, lambda: models, dial=dial)
    turned = learner.once().turned
    assert not learner.once().turned, "once is enough"
    return last.asked, turned


def test_each_turn_decides_all_kinds_anew_at_a_cost_that_rises_with_what_is_promised(tmp_path: Path) -> None:
    lake = _certified(tmp_path)
    asked, certs = [], []
    for tier in NEEDS:
        told, turned = _learn(lake, tier)
        assert turned
        asked.append(told)
        certs.append({row["cert_id"] for row in lake.kinds().to_pylist()})
    assert asked == [0, N // 3, 2 * N // 3]
    assert certs == [{"coarse"}, {"standard", None}, {"fine", None}]


def test_the_history_of_labels_outlives_every_turn(tmp_path: Path) -> None:
    lake = _certified(tmp_path)
    for tier in NEEDS:
        _learn(lake, tier)
    said = [row for row in lake.history().to_pylist() if row["key"] == f"{1:016x}" and row["_rank"]]
    assert [row["cert_id"] for row in said][-1] == "coarse", "newest first"
    assert len(said) == len(NEEDS)


def test_a_withdrawn_certificate_lets_kinds_escalate(tmp_path: Path) -> None:
    lake = _certified(tmp_path)
    _learn(lake, "coarse")
    withdraw(lake, next(one for one in standings(lake) if one.tier == "coarse"), "alarm")
    asked, turned = _learn(lake, "coarse")
    assert (asked, turned) == (N, True)
    assert {row["cert_id"] for row in lake.kinds().to_pylist()} == {None}
