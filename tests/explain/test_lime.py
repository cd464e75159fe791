"""LIME by position."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.explain.lime import LimeExplainer

TEXT = "The mayor said lizard on the road and the people said no"


def test_another_seed_draws_other_samples(tfidf):
    one, other = (LimeExplainer().explain(TEXT, tfidf, n_samples=50, seed=s) for s in (1, 2))
    assert one.attributions != other.attributions


def test_numpys_global_generator_is_left_alone(tfidf):
    before = np.random.get_state(legacy=False)["state"]
    LimeExplainer().explain(TEXT, tfidf, n_samples=20)
    after = np.random.get_state(legacy=False)["state"]
    assert (after["key"].tolist(), after["pos"]) == (before["key"].tolist(), before["pos"])


def test_repeated_words_are_features_of_their_own(bert):
    found = LimeExplainer().explain("lizard lizard said the mayor lizard", bert)
    assert len({a.weight for a in found.attributions}) == 6


def test_with_samples_enough_it_finds_the_weights_of_a_linear_model(tfidf, monkeypatch):
    truth = np.linspace(-2, 2, 12)
    monkeypatch.setattr(tfidf, "masked_margin", lambda text, keep: keep @ truth + 0.5)
    found = LimeExplainer().explain(TEXT, tfidf, n_samples=2000)
    np.testing.assert_allclose([a.weight for a in found.attributions], truth, atol=0.15)
    assert found.fidelity > 0.99
    assert found.margin == pytest.approx(0.5 + truth.sum())
    assert found.settings["samples"] == 2000
