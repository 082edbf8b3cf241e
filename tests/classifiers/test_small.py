import json
import pickle
import shutil
import time
from pathlib import Path

import pytest
from test_tiny_packaged import KINDS, KNOWN

from classifiers.card import MODELS, ModelError, read_card
from classifiers.small import Small
from classifiers.tiny import Tiny
from schemas.registry import Kind
from schemas.taxonomy import domain_of, taxonomy


@pytest.fixture(scope="module")
def small() -> Small:
    return Small.load()


def test_domains_of_well_known_kinds_are_right_nine_times_in_ten(small: Small) -> None:
    labels = [v.label if v else "" for v in small.classify(KINDS)]
    right = [domain_of(label) == domain_of(leaf) for label, (_, leaf, _) in zip(labels, KNOWN, strict=True)]
    assert sum(right) >= 0.9 * len(KNOWN)


def test_an_answer_does_not_depend_on_what_else_is_asked(small: Small) -> None:
    kinds = [Kind(str(i), "app", text) for i, text in enumerate(["disk <*> full", "link down", "", "<*>", "日本語"])]
    assert small.classify(kinds) == [small.classify([kind])[0] for kind in kinds]
    assert small.classify([]) == []


def test_its_files_keep_to_ten_megabytes() -> None:
    folder = MODELS / "small"
    assert sum((folder / name).stat().st_size for name in read_card(folder)["files"]) <= 10_000_000


def test_five_hundred_kinds_take_about_a_cpu_second(small: Small) -> None:
    kinds = [Kind("", k.app, f"{k.template} {chr(97 + i)}") for i in range(8) for k in KINDS]
    small.scores(kinds[:20])
    start = time.process_time()
    small.scores(kinds)
    assert len(kinds) / (time.process_time() - start) > 250  # twice that on a quiet machine; see make bench-models


def test_the_card_says_what_it_was_made_of_and_how_it_scores(small: Small) -> None:
    assert (
        small.card["scores_unseen_programs"]["leaf_macro_f1"]
        > Tiny.load().card["scores_unseen_programs"]["leaf_macro_f1"]
    )
    told = small.card["rounding"]
    assert told["leaf_macro_f1_float"] - told["leaf_macro_f1_int8"] <= 0.005
    assert len(small.card["training"]["corpus_sha256"]) == 64
    assert small.labels == tuple(taxonomy().leaves)


def test_a_model_calibrated_beside_another_tiny_one_is_refused(tmp_path: Path) -> None:
    for name in ("small", "tiny"):
        shutil.copytree(MODELS / name, tmp_path / name)
    card = read_card(tmp_path / "small")
    card["beside"]["tiny"] = "0" * 64
    (tmp_path / "small" / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"trained beside tiny 00000000, not [0-9a-f]{8}; train it anew"):
        Small.load(tmp_path / "small")


def test_it_comes_back_from_a_pickle_by_its_folders(small: Small) -> None:
    assert len(pickle.dumps(small)) < 2_000
    kinds = KINDS[:3]
    assert pickle.loads(pickle.dumps(small)).classify(kinds) == small.classify(kinds)
