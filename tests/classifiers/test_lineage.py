from pathlib import Path

import pytest
from classifiers_kit import stand_in_key, write_corpus

from classifiers.train import lineage
from classifiers.train.corpus import CorpusError
from classifiers.train.dealt import Dealt, deal
from classifiers.train.lineage import Lineage

FACTS = {"kinds": 60, "corpus_sha256": "5a"}


@pytest.fixture
def dealt(tmp_path: Path) -> Dealt:
    return deal(write_corpus(tmp_path / "corpus"), stand_in_key)


def test_a_kept_network_tells_what_it_began_as_and_every_training_since(tmp_path: Path, dealt: Dealt) -> None:
    once = Lineage("mini", "Apache-2.0", {"leaf_macro_f1": 0.4}).after(dealt, 4, FACTS)
    lineage.keep(once, tmp_path)
    read = lineage.of(str(tmp_path))
    assert read == once
    twice = read.after(dealt, 2, FACTS)
    assert (twice.base, twice.licence, twice.bare) == ("mini", "Apache-2.0", {"leaf_macro_f1": 0.4})
    assert [training["epochs"] for training in twice.trainings] == [4, 2]
    assert twice.families == ("proga", "progb", "progc", "progd", "proge")


def test_another_base_has_no_lineage(tmp_path: Path) -> None:
    assert lineage.of(str(tmp_path)) is None
    assert lineage.of("sentence-transformers/all-MiniLM-L6-v2") is None


def test_a_network_that_met_what_a_corpus_holds_out_is_refused(tmp_path: Path, dealt: Dealt) -> None:
    before = Lineage("mini", "Apache-2.0", {}).after(dealt, 4, FACTS)
    before.check(dealt)
    splits = tmp_path / "corpus" / "splits.tsv"
    splits.write_text(splits.read_text("utf-8").replace("progb\ttrain", "progb\ttest"), "utf-8")
    with pytest.raises(CorpusError, match=r"1 of the families that this corpus holds out \(progb\)"):
        before.check(deal(tmp_path / "corpus", stand_in_key))
