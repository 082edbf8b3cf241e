"""A Hugging Face model in the place of large, by folder."""

import json
from pathlib import Path

import pytest

from classifiers import hf
from classifiers.card import ModelError
from classifiers.hf import served
from classifiers.plan import plan_of
from schemas.registry import Kind
from schemas.taxonomy import taxonomy

LABELS = ("auth.login_failure", "storage.capacity")
LOGIN, DISK = Kind("a" * 16, "sshd", "Failed password for <*>"), Kind("b" * 16, "kernel", "disk full on <*>")


def config(folder: Path, labels: tuple[str, ...] = LABELS) -> Path:
    folder.mkdir(exist_ok=True)
    tree = {"id2label": {str(i): label for i, label in enumerate(labels)}, "model_type": "bert"}
    (folder / "config.json").write_text(json.dumps(tree))
    return folder


def onnx_folder(folder: Path) -> Path:
    """A model that knows two words: `password` speaks for the first label, `disk` for the second."""
    onnx = pytest.importorskip("onnx")
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokens = Tokenizer(WordLevel({"[UNK]": 0, "password": 1, "disk": 2}, unk_token="[UNK]"))
    tokens.pre_tokenizer = Whitespace()
    tokens.save(str(config(folder) / "tokenizer.json"))
    table = numpy_helper.from_array(np.array([[0, 0], [9, 0], [0, 9]], np.float32), "table")
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        helper.make_node("ReduceMax", ["found"], ["logits"], axes=[1], keepdims=0),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "n"])
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])
    graph = helper.make_graph(nodes, "two", [ids], [out], [table])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "model.onnx"
    )
    return folder


def test_a_folder_with_onnx_and_tokenizer_is_served_without_torch(tmp_path: Path) -> None:
    stage = served(str(onnx_folder(tmp_path / "mine")))
    assert (stage.name, stage.labels, stage.model[:3]) == ("large", LABELS, "hf:")
    verdicts = stage.classify([LOGIN, DISK, Kind("c" * 16, "", "x" * 65_536), Kind("d" * 16, "\udcff", "\udcff")])
    assert [v and v.label for v in verdicts[:2]] == list(LABELS)
    assert all(v is not None and v.model == stage.model for v in verdicts)
    assert stage.scores([LOGIN]).sum() == pytest.approx(1.0)


def test_it_takes_the_place_of_large_in_the_plan(tmp_path: Path) -> None:
    plan = plan_of(large=str(onnx_folder(tmp_path / "mine")))
    assert (plan.stages[-1].name, plan.stages[-1].model[:3]) == ("large", "hf:")


def test_a_model_whose_files_change_is_not_served_under_its_old_name(tmp_path: Path) -> None:
    folder = onnx_folder(tmp_path / "mine")
    stage = served(str(folder))
    (folder / "model.onnx").write_bytes(b"other")
    with pytest.raises(ModelError, match="changed"):
        stage.classify([LOGIN])


@pytest.mark.parametrize(
    "name", ["model.onnx_data", "model.onnx.data", "spiece.model", "onnx/weights.bin", "merges.txt"]
)
def test_every_file_that_may_decide_is_in_the_name_of_the_model(tmp_path: Path, name: str) -> None:
    file = config(tmp_path / "mine") / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"weights A")
    before = served(str(tmp_path / "mine")).model
    (tmp_path / "mine" / "README.md").write_text("what it is for")
    assert served(str(tmp_path / "mine")).model == before
    file.write_bytes(b"weights B")
    assert served(str(tmp_path / "mine")).model != before


def test_a_file_that_changes_while_the_model_is_loaded_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, load = onnx_folder(tmp_path / "mine"), hf._by_onnx

    def changed(folder: Path, file: Path) -> object:
        (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text() + "\n")
        return load(folder, file)

    monkeypatch.setattr(hf, "_by_onnx", changed)
    with pytest.raises(ModelError, match="changed"):
        served(str(folder)).classify([LOGIN])


@pytest.mark.parametrize(
    "tree",
    [
        [], 7, {"id2label": ["app.info", "app.error"]}, {"id2label": {"a": "app.info", "b": "app.error"}},
        {"id2label": {"0": "app.info", "2": "app.error"}}, {"id2label": {"1": "app.info", "2": "app.error"}},
    ],
)  # fmt: skip
def test_a_config_that_is_none_says_what_would_be_right(tmp_path: Path, tree: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps(tree))
    with pytest.raises(ModelError, match="would be right"):
        served(str(tmp_path))


def test_labels_that_are_no_leaves_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'auth.login_failed' is not a leaf.*did you mean 'auth.login_failure'"):
        served(str(config(tmp_path / "a", ("auth.login_failed", "storage.capacity"))))
    with pytest.raises(ModelError, match="no labels"):
        served(str(config(tmp_path / "b", ())))
    (tmp_path / "c").mkdir()
    with pytest.raises(ModelError, match="save_pretrained"):
        served(str(tmp_path / "c"))


def test_a_model_of_transformers_is_served(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: `pip install 'dioptre[hf]'` brings it")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed: the extra `hf` brings it")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "failed", "password", "disk", "full", "sshd", "kernel"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokens = transformers.BertTokenizerFast(str(tmp_path / "vocab.txt"))
    shape = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        id2label=dict(enumerate(taxonomy().leaves)), label2id={leaf: i for i, leaf in enumerate(taxonomy().leaves)},
    )  # fmt: skip
    transformers.BertForSequenceClassification(shape).save_pretrained(tmp_path / "mine")
    tokens.save_pretrained(tmp_path / "mine")
    stage = served(str(tmp_path / "mine"))
    assert stage.labels == tuple(taxonomy().leaves)
    assert stage.classify([LOGIN, DISK]) == [stage.classify([LOGIN])[0], stage.classify([DISK])[0]]
