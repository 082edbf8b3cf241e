import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from classifiers_kit import KINDS, stand_in_key, write_corpus

from classifiers.card import ModelError
from classifiers.models_list import packaged
from classifiers.neighbours import Neighbours
from classifiers.tiny import Tiny
from classifiers.train import corpus, phrases
from classifiers.train.tiny import listed, train
from schemas.registry import Kind
from schemas.taxonomy import taxonomy


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    train(write_corpus(folder.parent / "corpus"), folder, stand_in_key, seed=3)
    return folder


def test_training_twice_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    train(write_corpus(tmp_path / "corpus"), tmp_path / "again", stand_in_key, seed=3)
    for name in ("model.onnx", "card.json", "corpus.tsv.gz"):
        assert (tmp_path / "again" / name).read_bytes() == (model / name).read_bytes()


def test_the_labelled_kinds_beside_a_model_are_those_it_was_fitted_on(model: Path) -> None:
    programs = {row[1] for row in Neighbours.load(model).rows}
    assert programs == {"proga", "progb", "progc", "progd", "proge"}


def test_a_corpus_without_a_split_that_training_needs_is_refused(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    (folder / "splits.tsv").write_text("program\tsplit\n" + "".join(f"prog{c}\ttrain\n" for c in "abcdefgh"))
    with pytest.raises(corpus.CorpusError, match="no kinds of split tune, test"):
        train(folder, tmp_path / "model", stand_in_key)


def test_a_taught_model_follows_its_teacher_where_the_labels_say_nothing(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus")
    leaves = list(taxonomy().leaves)

    def teacher(kinds: Sequence[Kind]) -> np.ndarray:
        out = np.full((len(kinds), len(leaves)), 1e-3)
        for row, kind in zip(out, kinds, strict=True):
            row[leaves.index("mail.flow" if "pigeon" in kind.template else "app.info")] = 1.0
        return out / out.sum(1, keepdims=True)

    strange = [Kind(str(i), "loft", f"pigeon {w} arrived") for i, w in enumerate(["red", "blue", "grey", "white"] * 20)]
    train(folder, tmp_path / "taught", stand_in_key, teacher=teacher, unlabelled=strange)
    train(folder, tmp_path / "plain", stand_in_key)
    asked = [Kind("", "", "pigeon spotted arrived")]
    at = leaves.index("mail.flow")
    taught, plain = (Tiny.load(tmp_path / name).scores(asked)[0, at] for name in ("taught", "plain"))
    assert taught > 2 * plain


def test_a_trained_model_knows_the_words_of_its_corpus_in_a_program_it_never_met(model: Path) -> None:
    kinds = [Kind("", "newcomer", ways[0].format("zeta")) for ways in KINDS.values()]
    assert [v and v.label for v in Tiny.load(model).classify(kinds)] == list(KINDS)


def test_the_card_tells_what_the_model_was_made_of(model: Path) -> None:
    card = json.loads((model / "card.json").read_text())
    assert (card["training"]["kinds"], card["training"]["programs"]) == (60, 5)
    assert card["scores_unseen_programs"]["kinds"] == 12
    assert card["scores_unseen_programs"]["leaf_macro_f1"] > 0.9
    assert len(card["training"]["corpus_sha256"]) == 64
    assert card["labels"] == list(taxonomy().leaves)


def test_probabilities_sum_to_one(model: Path) -> None:
    scores = Tiny.load(model).scores([Kind("", "", "disk <*> is full"), Kind("", "", "")])
    assert np.allclose(scores.sum(1), 1.0, atol=1e-5)


def test_a_changed_model_file_is_refused_by_its_hash(model: Path, tmp_path: Path) -> None:
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes() + b"x" * (path.suffix == ".onnx"))
    with pytest.raises(ModelError, match=r"model\.onnx: sha256 [0-9a-f]{64} is not the [0-9a-f]{64} of its card"):
        Tiny.load(tmp_path)
    assert "sha256" in (packaged(tmp_path.parent)[0].fault or "")


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"card\.json: No such file"):
        Tiny.load(tmp_path)


def test_a_model_for_another_taxonomy_is_refused(model: Path, tmp_path: Path) -> None:
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes().replace(b'"mail.flow"', b'"mail.stream"'))
    with pytest.raises(ModelError, match=r"mail\.stream is no leaf"):
        Tiny.load(tmp_path)


def test_a_loaded_model_comes_back_from_a_pickle_by_its_folder(model: Path) -> None:
    assert len(pickle.dumps(Tiny.load(model))) < 1_000


def test_the_nearest_labelled_kinds_come_nearest_first(model: Path) -> None:
    found = Neighbours.load(model).nearest([Kind("", "", "disk <*> is full qword")], k=3)[0]
    assert found[0].template == "disk <*> is full qword"
    assert [n.cosine for n in found] == sorted((n.cosine for n in found), reverse=True)
    assert {n.label for n in found} == {"storage.capacity"}


def test_a_kind_that_shares_nothing_has_no_neighbours(model: Path) -> None:
    assert Neighbours.load(model).nearest([Kind("", "", "")]) == [[]]


def test_the_split_of_a_program_is_fixed_by_its_family_and_by_the_file(tmp_path: Path) -> None:
    folder = write_corpus(tmp_path)
    (folder / "splits.tsv").write_text("program\tsplit\nproga\ttest\n")
    corpus.write_splits(folder)
    assert corpus.read_splits(folder)["proga"] == "test"
    assert len(corpus.read_splits(folder)) == 8
    assert corpus.split_of("postfix/smtpd") == corpus.split_of("postfix/qmgr") == corpus.split_of("Postfix")
    assert corpus.splits_of(folder, ["proga", "ProgA/sub"]) == ["test", "test"]


def test_the_packaged_corpus_parts_no_family_and_deals_its_programs_over_four_splits() -> None:
    fixed = corpus.read_splits(Path(__file__).parents[2] / "sample_data/corpus")
    of_family = {corpus.family(p): s for p, s in fixed.items()}
    assert [p for p, s in fixed.items() if of_family[corpus.family(p)] != s] == []
    share = {split: sum(s == split for s in fixed.values()) / len(fixed) for split in corpus.SPLITS}
    assert 0.65 < share["train"] < 0.92  # what was written later was dealt to train
    assert all(0.02 < share[split] < 0.14 for split in ("tune", "cert", "test"))
    assert all(sum(s == split for s in fixed.values()) >= 500 for split in ("tune", "cert", "test"))


def test_every_fault_of_a_corpus_is_told_with_its_line(tmp_path: Path) -> None:
    rows = ["program\tleaf\thow\ttext", "a\tapp.inof\twritten\tx", "a\tapp.info\tx", "a\tapp.info\tfound\tx"]
    (tmp_path / "bad.tsv").write_text("\n".join(rows) + "\n")
    with pytest.raises(corpus.CorpusError) as caught:
        corpus.read(tmp_path, stand_in_key)
    told = str(caught.value).splitlines()
    assert ["bad.tsv:2" in told[0], "bad.tsv:3: 3 fields" in told[1], "bad.tsv:4: how = 'found'" in told[2]] == [
        True
    ] * 3
    assert "did you mean 'app.info'?" in told[0]


def test_a_kind_labelled_in_two_ways_is_kept_once_and_told(tmp_path: Path) -> None:
    rows = ["program\tleaf\thow\ttext"]
    rows += [f"a\t{leaf}\twritten\tdisk {i} full" for i, leaf in enumerate(["app.info", "storage.capacity"] * 2)]
    (tmp_path / "two.tsv").write_text("\n".join([*rows, "a\tstorage.capacity\twritten\tdisk 9 full"]) + "\n")
    kinds, conflicts = corpus.read(tmp_path, stand_in_key)
    assert [row.leaf for row in kinds] == ["storage.capacity"]
    assert conflicts[0].leaves == ("storage.capacity", "app.info")


def test_every_leaf_has_phrases_and_every_choice_of_a_pattern_is_said() -> None:
    found = phrases.patterns(0)
    assert {p.leaf for p in found} == set(taxonomy().leaves)
    said = " ; ".join(text for p in found for text in p.texts)
    assert not set(said) & set("{}|")
    assert "radius authentication" in said


def test_of_each_leaf_so_many_kinds_at_most_are_packaged_the_same_whatever_their_order() -> None:
    rows = [corpus.Labelled(f"p{i}", leaf, "written", Kind(f"{leaf}{i}", f"p{i}", f"{leaf} {i}"))
            for leaf, n in (("app.info", 9), ("app.error", 2)) for i in range(n)]  # fmt: skip
    chosen = listed(rows, 4)
    assert [row.leaf for row in chosen] == ["app.info"] * 4 + ["app.error"] * 2
    assert {row.kind for row in listed(rows[::-1], 4)} == {row.kind for row in chosen}
