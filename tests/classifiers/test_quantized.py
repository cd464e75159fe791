"""8-bit weights: close to what they were, stored as they are measured, and refused unless they are whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fakenews.classifiers import model_folder, store
from fakenews.classifiers.quantized import SCALE, dequantize, load_strictly, pack, quantize, round_to_int8, unpack
from fakenews.classifiers.transformer import INT8, TransformerClassifier
from tests.explain.toys import planted_corpus, small_bert, small_mpnet

MATRIX = "encoder.layer.1.output.dense.weight"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    small_mpnet().save(tmp_path / "mpnet")
    return tmp_path / "mpnet"


def test_small_matrices_by_hand():
    integers, scale = quantize(torch.tensor([[127.0, -63.5, 1.2], [0.0, 0.0, 0.0]]))
    assert integers.tolist() == [[127, -64, 1], [0, 0, 0]] and integers.dtype == torch.int8
    assert scale.shape == (2, 1) and scale.dtype == torch.float16
    assert dequantize(integers, scale)[0].tolist() == [127.0, -64.0, 1.0]


@pytest.mark.parametrize("width", [1, 12, 64, 100, 192])
def test_no_weight_moves_by_more_than_half_a_step_and_a_second_time_by_nothing(width):
    torch.manual_seed(0)
    matrix = torch.randn(50, width) * torch.logspace(-6, 3, 50)[:, None]
    integers, scale = quantize(matrix)
    rounded = dequantize(integers, scale)
    steps = scale.float().repeat_interleave(width // scale.shape[1], dim=1)
    assert ((rounded - matrix).abs() <= 0.57 * steps).all()  # the scale itself is rounded too
    assert torch.equal(dequantize(*quantize(rounded)), rounded)


def test_rounding_in_place_is_what_is_stored():
    model = small_bert().model
    round_to_int8(model)
    state = model.state_dict()
    for name, tensor in unpack(pack(state)).items():
        assert torch.equal(tensor, state[name]), name


def test_matrices_are_stored_in_one_byte_a_weight(saved):
    packed = load_file(saved / "model.safetensors")
    assert packed[MATRIX].dtype == torch.int8 and packed[MATRIX + SCALE].dtype == torch.float16
    assert packed["encoder.layer.1.output.dense.bias"].dtype == torch.float16
    assert "encoder.layer.1.output.dense.bias" + SCALE not in packed
    assert not [name for name in packed if "pooler" in name]


def test_what_was_saved_again_is_the_same_file(saved, tmp_path):
    TransformerClassifier.load(saved).save(tmp_path / "again")
    for name in ("model.safetensors", "probe.safetensors"):
        assert (saved / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert store.find(str(tmp_path / "again"), tmp_path).revision == store.find(str(saved), tmp_path).revision


def test_a_model_with_a_head_is_stored_in_8_bits_too(tmp_path):
    half, texts = small_bert(), planted_corpus(20)[0]
    before = half.decision_function(texts)
    small = TransformerClassifier("toy-bert", half.model, half.tokenizer, 64, overlap=8, weights=INT8)
    small.save(tmp_path / "small")
    np.testing.assert_allclose(small.decision_function(texts), before, atol=0.1)
    loaded = TransformerClassifier.load(tmp_path / "small")
    assert (loaded.has_head, loaded.weights) == (True, INT8)
    np.testing.assert_array_equal(loaded.decision_function(texts), small.decision_function(texts))


def test_a_model_that_is_stored_in_half_precision_says_so_again(tmp_path):
    small_bert().save(tmp_path / "half")
    assert TransformerClassifier.load(tmp_path / "half").weights == "float16"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda packed: packed.pop(MATRIX), "lacks its integers or its scale"),
        (lambda packed: packed.pop(MATRIX + SCALE), "lacks its integers or its scale"),
        (lambda packed: packed.update({MATRIX + SCALE: torch.ones(3, 1)}), "differ in shape"),
        (lambda packed: packed.pop("embeddings.LayerNorm.bias"), "missing embeddings.LayerNorm.bias"),
        (lambda packed: packed.update(other=torch.ones(2)), "unexpected other"),
        (lambda packed: packed.update({"embeddings.LayerNorm.bias": torch.ones(3)}), "mismatched .*LayerNorm.bias"),
    ],
)
def test_weights_that_are_not_whole_are_refused(saved, tmp_path, change, message):
    packed = load_file(saved / "model.safetensors")
    change(packed)
    broken = shutil.copytree(saved, tmp_path / "broken")
    save_file(packed, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=message):
        TransformerClassifier.load(broken)


def test_pinned_weights_that_were_changed_are_refused(saved):
    model_folder.pin(saved)
    found = store.find("mpnet", saved.parent)
    assert store.load(found).name == "mpnet"
    assert found.size_mb < 0.1
    weights = saved / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(model_folder.WrongFile, match=r"mpnet/model\.safetensors is not the file"):
        store.load(found)


def test_unknown_weights_are_refused():
    toy = small_bert()
    with pytest.raises(ValueError, match="Unknown weights 'int4'. Known: float16, int8"):
        TransformerClassifier("toy", toy.model, toy.tokenizer, weights="int4")


def test_half_precision_is_given_where_it_is_asked_for(saved):
    assert load_strictly(saved, with_head=False, dtype=torch.float16).dtype == torch.float16
