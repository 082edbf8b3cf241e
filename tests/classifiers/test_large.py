import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from classifiers_kit import KINDS, stand_in_key, write_corpus

from classifiers.card import MODELS, ModelError
from classifiers.encoder import Encoder
from classifiers.large import Large, large_text
from classifiers.tiny import Tiny
from classifiers.train.large import train
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
    assert large_text(Kind("a", "postfix/smtpd", "lost connection after <*>")) == "postfix smtpd: lost connection after"


def test_the_card_says_how_it_scores_on_programs_it_never_met(large: Large) -> None:
    mine, tinys = large.card["scores_unseen_programs"], Tiny.load().card["scores_unseen_programs"]
    assert mine["leaf_macro_f1"] > tinys["leaf_macro_f1"] + 0.02
    assert mine["ece"] < 0.03
    assert tuple(large.card["labels"]) == tuple(taxonomy().leaves)


def test_a_head_trained_beside_another_encoder_is_refused(tmp_path: Path) -> None:
    for path in (MODELS / "large").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    card = json.loads((tmp_path / "card.json").read_text())
    card["beside"]["encoder"] = "0" * 64
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"trained beside encoder 00000000, not [0-9a-f]{8}; train it anew"):
        Large.load(tmp_path)


def test_a_loaded_stage_comes_back_from_a_pickle_by_its_folders(large: Large) -> None:
    assert len(pickle.dumps(large)) < 2_000


def test_training_twice_gives_the_same_bytes_and_the_words_of_the_corpus(tmp_path: Path) -> None:
    beside = Encoder.load(), Tiny.load()
    corpus = write_corpus(tmp_path / "corpus")
    for name in ("one", "two"):
        train(corpus, tmp_path / name, stand_in_key, seed=3, beside=beside)
    for name in ("model.onnx", "card.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    kinds = [Kind("", "newcomer", ways[0].format("zeta")) for ways in KINDS.values()]
    assert [v and v.label for v in Large.load(tmp_path / "one", *beside).classify(kinds)] == list(KINDS)
