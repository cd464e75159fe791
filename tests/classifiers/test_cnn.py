"""The convolution over word vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fakenews.classifiers.base import NotFittedError, clean_text
from fakenews.classifiers.cnn import CnnClassifier, Convolution
from tests.explain.toys import FAKE_WORD, REAL_WORD, planted_corpus

SMALL = {"width": 8, "min_count": 1, "vector_epochs": 2, "n_filters": 4, "n_hidden": 4, "batch_size": 8}


def test_padding_does_not_show():
    network = Convolution(width=5, n_filters=4, n_hidden=3, dropout=0.0).eval()
    vectors, mask = torch.randn(1, 9, 5), torch.ones(1, 9)
    padded = torch.cat([vectors, torch.full((1, 4, 5), 99.0)], dim=1)
    padded_mask = torch.cat([mask, torch.zeros(1, 4)], dim=1)
    with torch.no_grad():
        torch.testing.assert_close(network(padded, padded_mask), network(vectors, mask))


def test_order_counts():
    torch.manual_seed(0)  # few random units may all be silent, and answer alike to everything
    network = Convolution(width=5, n_filters=64, n_hidden=32, dropout=0.0).eval()
    vectors = torch.randn(1, 6, 5)
    with torch.no_grad():
        assert network(vectors, torch.ones(1, 6)) != network(vectors.flip(1), torch.ones(1, 6))


def test_a_long_text_is_read_to_its_end(classifiers):
    filling = "the city said people on new plan for the road " * 120  # more words than training sees
    fake, real = classifiers["cnn"].decision_function([filling + FAKE_WORD, filling + REAL_WORD])
    assert real < fake


def test_a_masked_word_is_an_unknown_one(classifiers):
    text = "The mayor said lizard will report."
    keep = np.ones((1, len(clean_text(text).words)), dtype=bool)
    keep[0, 1] = False
    expected = classifiers["cnn"].decision_function(["The qwertz said lizard will report."])
    np.testing.assert_allclose(classifiers["cnn"].masked_log_odds(text, keep), expected, atol=1e-5)


def test_training_stops_and_keeps_the_best_pass():
    texts, labels = planted_corpus(80)
    said: list[str] = []
    classifier = CnnClassifier(**SMALL, epochs=30, patience=2, learning_rate=1e-2)
    classifier.fit(texts[:60], labels[:60], (texts[60:], labels[60:]), said.append)
    scores = [row["eval_f1"] for row in classifier.history_]
    assert len(said) == len(scores) <= 30
    assert scores.index(max(scores)) == max(0, len(scores) - 3) or len(scores) == 30
    fake = classifier.decision_function(texts[60:]) > 0
    hits = (fake & (np.array(labels[60:]) == 0)).sum()
    f1 = 2 * hits / (fake.sum() + (np.array(labels[60:]) == 0).sum())
    assert f1 == pytest.approx(max(scores), abs=0.06)  # rounding to half precision may turn one of 20


def test_training_twice_gives_the_same_classifier():
    texts, labels = planted_corpus(60)
    before = torch.random.get_rng_state()
    first, again = (CnnClassifier(**SMALL, epochs=2).fit(texts, labels) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(texts), again.decision_function(texts))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_unfitted_it_says_so(tmp_path):
    for ask in (lambda c: c.predict_proba(["a"]), lambda c: c.encode("a"), lambda c: c.save(tmp_path / "new")):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(CnnClassifier())
    assert not (tmp_path / "new").exists()
