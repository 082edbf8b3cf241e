import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from classifiers_kit import stand_in_key, write_corpus

from classifiers.card import MODELS, ModelError
from classifiers.encoder import Encoder
from classifiers.large import Large
from classifiers.text import sentence
from classifiers.tiny import Tiny
from classifiers.train.large import train
from classifiers.train.tiny import train as train_tiny
from schemas.registry import Kind
from schemas.taxonomy import taxonomy


@pytest.fixture(scope="module")
def large() -> Large:
    return Large.load()


def test_the_packaged_head_labels_what_it_was_made_for(large: Large) -> None:
    kinds = [
        Kind("a", "sshd", "Failed password for invalid user <*> from <*> port <*> ssh2"),
        Kind("b", "kernel", "Out of memory: Killed process <*> (java)"),
        Kind("c", "postfix/smtpd", "NOQUEUE: reject: RCPT from <*>: relay access denied"),
    ]
    said = large.classify(kinds)
    assert [v and v.label for v in said] == ["auth.login_failure", "resource.memory", "mail.rejection"]
    assert all(v is not None and v.stage == "large" and 0 <= v.confidence <= 1 for v in said)


def test_an_answer_does_not_depend_on_what_else_is_asked(large: Large) -> None:
    kinds = [Kind(str(i), "app", text) for i, text in enumerate(["disk <*> full", "link down", "", "<*>", "日本語"])]
    assert large.classify(kinds) == [large.classify([kind])[0] for kind in kinds]
    assert large.classify([]) == []


def test_probabilities_sum_to_one(large: Large) -> None:
    assert np.allclose(large.scores([Kind("a", "x", "disk full"), Kind("b", "", "")]).sum(1), 1.0)


def test_the_head_reads_the_program_before_the_message() -> None:
    assert sentence(Kind("a", "postfix/smtpd", "lost connection after <*>")) == "postfix smtpd: lost connection after"


def test_the_card_says_how_it_scores_on_programs_it_never_met(large: Large) -> None:
    mine, tinys = large.card["scores_unseen_programs"], Tiny.load().card["scores_unseen_programs"]
    assert mine["leaf_macro_f1"] > tinys["leaf_macro_f1"] + 0.02
    assert mine["ece"] < 0.04
    assert tuple(large.card["labels"]) == tuple(taxonomy().leaves)


def test_rounding_to_int8_costs_less_than_half_a_point_of_macro_f1(large: Large) -> None:
    told = large.card["rounding"]
    assert told["leaf_macro_f1_float"] - told["leaf_macro_f1_int8"] <= 0.005


def test_a_head_trained_beside_another_encoder_is_refused(tmp_path: Path) -> None:
    shutil.copytree(MODELS / "large", tmp_path, dirs_exist_ok=True)
    card = json.loads((tmp_path / "card.json").read_text())
    card["beside"]["encoder"] = "0" * 64
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"trained beside encoder 00000000, not [0-9a-f]{8}; train it anew"):
        Large.load(tmp_path)


def test_a_loaded_stage_comes_back_from_a_pickle_by_its_folders(large: Large) -> None:
    assert len(pickle.dumps(large)) < 2_000


def test_a_new_tiny_model_beside_it_needs_a_calibration_and_no_torch(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    for name in ("encoder", "large"):
        shutil.copytree(MODELS / name, tmp_path / name)
    train_tiny(corpus, tmp_path / "tiny", stand_in_key)
    tiny, encoder = Tiny.load(tmp_path / "tiny"), Encoder.load(tmp_path / "encoder")
    with pytest.raises(ModelError, match="trained beside tiny"):
        Large.load(tmp_path / "large", encoder, tiny)
    card = train(corpus, tmp_path / "large", stand_in_key)
    assert Large.load(tmp_path / "large", encoder, tiny).card == json.loads(json.dumps(card))
    assert card["files"] == json.loads((MODELS / "large" / "card.json").read_text())["files"]
    assert card["scores_unseen_programs"]["kinds"] == 12
