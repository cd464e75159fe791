"""How texts are read together, and what happens where a device has too little memory."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fakenews.classifiers import transformer
from fakenews.classifiers.base import TextClassifier
from fakenews.classifiers.placement import cpu_copy
from fakenews.classifiers.probe import mean_states
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.classifiers.windows import PADDING, batches
from fakenews.explain.gradient import integrated_gradients
from fakenews.training import finetune
from tests.explain.toys import FAKE_WORD, REAL_WORD

TEXTS = [f"The mayor said {word} will report. " * n for n in (1, 2, 3, 5, 8, 13) for word in (FAKE_WORD, REAL_WORD)]
ALIKE = TEXTS[4:6] * 8  # all as long as each other


@given(
    st.lists(st.integers(2, 512), max_size=200), st.sampled_from([1, 2, 4, 16, 32]), st.sampled_from([None, 100, 2048])
)
def test_every_text_is_in_one_batch_with_little_padding(lengths: list[int], most: int, pieces: int | None) -> None:
    found = batches(lengths, most, pieces)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        assert 0 < len(batch) <= most
        sizes = [lengths[i] for i in batch]
        if pieces is not None and len(batch) > 1:
            assert len(batch) * max(sizes) <= pieces
        if len(batch) > max(1, most // 4):
            assert len(batch) * max(sizes) <= (1 + PADDING) * sum(sizes)
    for shorter, longer in pairwise(found):
        assert lengths[shorter[-1]] <= lengths[longer[0]]


def test_texts_of_one_length_fill_their_batches() -> None:
    assert [len(batch) for batch in batches([7] * 40, 16)] == [16, 16, 8]


@pytest.mark.parametrize("base", ["bert_base", "distilbert_base"])
def test_states_that_nobody_reads_are_left_out_and_the_answer_stays(base: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(base)
    stock, tokenizer = finetune.load_base(str(folder), 64, seed=1)
    classifier = TransformerClassifier("tinybert", copy.deepcopy(stock), tokenizer, 64, overlap=8)
    windows = classifier.encode(" ".join(TEXTS))
    ids, mask = windows.input_ids, windows.attention_mask
    with torch.no_grad():
        expected = stock.eval()(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        found = classifier.model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    torch.testing.assert_close(found.logits, expected.logits)
    for own, theirs in zip(found.hidden_states[:-1], expected.hidden_states[:-1], strict=True):
        torch.testing.assert_close(own, theirs)
    last = found.hidden_states[-1]
    assert last.shape[1] == (1 if base == "bert_base" else ids.shape[1])
    torch.testing.assert_close(last[:, 0], expected.hidden_states[-1][:, 0])
    means = mean_states(expected.hidden_states[:-1], mask)
    states = classifier.states([TEXTS[0], " ".join(TEXTS)])
    assert states.shape[1:] == means.shape[1:]
    whole = (means * windows.weights[:, None, None]).sum(0)
    np.testing.assert_allclose(states[1], whole.numpy(), atol=1e-5)


def test_each_window_counts_by_its_length(classifiers: dict[str, TextClassifier]) -> None:
    classifier = classifiers["tinybert"]
    assert isinstance(classifier, TransformerClassifier)
    text = f"{'The mayor said on road. ' * 11} {FAKE_WORD} {FAKE_WORD}"
    windows = classifier.encode(text)
    lengths = windows.attention_mask.sum(1).double() - 2  # without the special pieces
    assert len(lengths) == 2 and lengths[0] > 2 * lengths[1]
    torch.testing.assert_close(windows.weights.double(), lengths / lengths.sum())
    with torch.no_grad():
        margins = classifier.log_odds_from_embeddings(classifier.embed(windows.input_ids), windows.attention_mask)
    expected = float((margins.double() * lengths).sum() / lengths.sum())
    assert classifier.decision_function([text])[0] == pytest.approx(expected, abs=1e-4)
    assert expected != pytest.approx(float(margins.mean()), abs=0.1)


class Tight:
    """The forward pass of a model, on a device that holds `most` texts at a time and can be left for the CPU."""

    def __init__(self, model: Any, most: int) -> None:
        self.forward: Callable[..., Any] = model.forward
        self.most = most
        self.asked: list[tuple[str, int]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = kwargs["input_ids"] if "input_ids" in kwargs else kwargs["inputs_embeds"]
        self.asked.append((given.device.type, len(given)))
        if given.device.type != "cpu" or len(given) > self.most:
            raise torch.OutOfMemoryError("too much")
        return self.forward(*args, **kwargs)


@pytest.fixture
def tight(classifiers: dict[str, TextClassifier]) -> tuple[TransformerClassifier, Tight]:
    """Return a classifier of its own whose model runs out of memory beyond four texts."""
    classifier = copy.deepcopy(classifiers["tinybert"])
    assert isinstance(classifier, TransformerClassifier)
    forward = Tight(classifier.model, 4)
    classifier.model.forward = forward
    return classifier, forward


def test_out_of_memory_makes_batches_smaller(
    classifiers: dict[str, TextClassifier], tight: tuple[TransformerClassifier, Tight]
) -> None:
    classifier, forward = tight
    expected = classifiers["tinybert"].decision_function(ALIKE)
    np.testing.assert_allclose(classifier.decision_function(ALIKE), expected, atol=1e-5)
    sizes = [n for _, n in forward.asked]
    assert sizes[0] > 4 and all(n <= 4 for n in sizes[1:]), "within a call it is not tried again"
    forward.asked.clear()
    forward.most = 64
    classifier.decision_function(ALIKE)
    assert {n for _, n in forward.asked} == {sizes[0]}, "the next call is not made to pay for it"


def test_a_device_too_small_for_one_text_is_left_for_a_while(
    classifiers: dict[str, TextClassifier],
    tight: tuple[TransformerClassifier, Tight],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier, forward = tight
    classifier.device = torch.device("meta")  # any that is not the CPU
    model = classifier.model
    with caplog.at_level(logging.WARNING):
        found = classifier.decision_function(TEXTS)
    expected = classifiers["tinybert"].decision_function(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert "tinybert does not fit into the memory of meta: the CPU answers for 60 seconds." in caplog.text
    assert (classifier.device.type, classifier.model) == ("meta", model), "others may be inside it"
    asked = len(forward.asked)
    np.testing.assert_allclose(classifier.decision_function(TEXTS), expected, atol=1e-5)
    assert len(forward.asked) == asked, "it is not tried again at once"
    monkeypatch.setattr(transformer, "CPU_SECONDS", 0.0)
    classifier.leave_device()
    np.testing.assert_allclose(classifier.decision_function(TEXTS), expected, atol=1e-5)
    assert len(forward.asked) > asked, "but later"


def test_two_threads_may_leave_a_device_at_once(
    classifiers: dict[str, TextClassifier], tight: tuple[TransformerClassifier, Tight]
) -> None:
    classifier, _ = tight
    classifier.device = torch.device("meta")
    expected = classifiers["tinybert"].decision_function(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(classifier.decision_function, [TEXTS] * 8):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_copy_on_the_cpu_shares_no_memory_with_a_model_elsewhere_and_gives_the_same() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).eval().half()
    copied = cpu_copy(model)
    assert {p.dtype for p in copied.parameters()} == {torch.float32}
    assert all(p.is_leaf for p in copied.parameters())
    texts = torch.randn(2, 4).half()
    torch.testing.assert_close(copied(texts.float()), model.float()(texts.float()))


def test_a_cpu_too_small_says_so(tight: tuple[TransformerClassifier, Tight]) -> None:
    classifier, forward = tight
    forward.most = 0
    with pytest.raises(torch.OutOfMemoryError, match="tinybert does not fit into the memory of this machine"):
        classifier.decision_function(TEXTS)


def test_gradients_leave_a_device_too_small_for_them(
    classifiers: dict[str, TextClassifier], tight: tuple[TransformerClassifier, Tight], monkeypatch: pytest.MonkeyPatch
) -> None:
    classifier, _ = tight
    left = []
    monkeypatch.setattr(classifier, "leave_device", lambda: (left.append(True), setattr(tight[1], "most", 64)))
    tight[1].most = 0
    found = integrated_gradients(TEXTS[2], classifier, 8, lambda share: None, ends=False)
    original = classifiers["tinybert"]
    assert isinstance(original, TransformerClassifier)
    np.testing.assert_allclose(
        found.weights, integrated_gradients(TEXTS[2], original, 8, lambda share: None, ends=False).weights, atol=1e-5
    )
    assert left == [True]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["tinybert", "distilbert"])
def test_cpu_and_gpu_give_the_same_verdicts(classifiers: dict[str, TextClassifier], name: str) -> None:
    here = classifiers[name]
    assert isinstance(here, TransformerClassifier)
    there = copy.deepcopy(here)
    there.device = torch.device("cuda")
    torch.nn.Module.to(there.model, there.device)
    np.testing.assert_allclose(there.predict_proba(TEXTS), here.predict_proba(TEXTS), atol=1e-3)
