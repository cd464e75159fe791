"""The fit that LIME and SHAP share."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.explain.surrogate import prior_of, rank_agreement, ridge_correction, sentence_index


def problem(n_samples, n_weights, noise, seed=0):
    rng = np.random.default_rng(seed)
    design, truth = rng.choice([-1.0, 1.0], size=(n_samples, n_weights)), rng.normal(size=n_weights)
    return design, design @ truth + noise * rng.normal(size=n_samples), truth


def test_without_noise_the_weights_are_found():
    design, left, truth = problem(200, 20, 0.0)
    np.testing.assert_allclose(ridge_correction(design, left, np.ones(200), np.zeros(20)), truth, atol=1e-3)


def test_noise_alone_moves_a_guess_hardly():
    design, _, truth = problem(60, 40, 0.0)
    noise = np.random.default_rng(1).normal(size=60)
    assert np.abs(ridge_correction(design, noise, np.ones(60), truth)).mean() < 0.1


def test_a_guess_wrong_in_its_scale_alone_needs_few_samples():
    design, left, truth = problem(12, 100, 0.05)
    found = 0.2 * truth + ridge_correction(design, left - design @ (0.2 * truth), np.ones(12), 0.2 * truth)
    assert np.corrcoef(found, truth)[0, 1] > 0.95
    assert found @ truth / (truth @ truth) == pytest.approx(1.0, abs=0.15)


def test_samples_of_large_variance_count_less():
    design, left, truth = problem(80, 10, 0.0)
    variance = np.where(np.arange(80) < 40, 1.0, 1e4)
    left[40:] += 5.0 * np.random.default_rng(2).normal(size=40)
    np.testing.assert_allclose(ridge_correction(design, left, variance, np.zeros(10)), truth, atol=0.15)


def test_exact_samples_leave_no_penalty():
    design = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    found = ridge_correction(design, np.array([1.0, 2.0, 3.0]), np.ones(3), np.zeros(2), exact=True)
    np.testing.assert_allclose(found, [1.0, 2.0], atol=1e-12)


def test_rank_agreement_by_hand():
    assert rank_agreement(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])) == pytest.approx(1.0)
    assert rank_agreement(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])) == pytest.approx(-1.0)
    assert rank_agreement(np.zeros(3), np.zeros(3)) == 1.0
    assert rank_agreement(np.zeros(3), np.array([1.0, 2.0, 3.0])) == 0.0


def test_words_know_their_sentence():
    assert sentence_index("One two. Three! Four five").tolist() == [0, 0, 1, 2, 2]
    assert sentence_index("WASHINGTON (Reuters) - One two. Three").tolist() == [0, 0, 1]


def test_the_guess_is_the_best_that_a_classifier_offers(bert, tfidf):
    from tests.explain.toys import small_features

    text = "the mayor said lizard"
    rules = [prior_of(text, c, lambda share: None).rule for c in (tfidf, bert, small_features())]
    assert rules == ["coefficient x value", "integrated gradients, 2 steps", "none"]
