"""Integrated gradients."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.classifiers.base import clean_text
from fakenews.explain.gradient import GradientExplainer
from fakenews.explain.linear import LinearExplainer

TEXT = "The mayor said lizard, people on the new road. The treasury will report."
LONG = "The mayor said lizard people on the new road, and zebra. " * 12


def test_the_base_is_the_log_odds_with_every_word_masked(bert):
    found = GradientExplainer().explain(TEXT, bert)
    nothing = np.zeros((1, len(clean_text(TEXT).words)), dtype=bool)
    assert found.base_value == pytest.approx(bert.masked_log_odds(TEXT, nothing)[0], abs=1e-4)


def test_more_steps_leave_a_smaller_residual(bert):
    coarse, fine = (GradientExplainer().explain(TEXT, bert, n_samples=n) for n in (2, 64))
    assert abs(fine.residual) < 1e-3 < abs(coarse.residual)


def test_windows_and_pieces_are_summed_onto_words(bert):
    assert len(bert.encode(LONG).weights) > 2
    found = GradientExplainer().explain(LONG, bert, n_samples=64)
    assert found.settings["windows"] == len(bert.encode(LONG).weights)
    assert found.log_odds == pytest.approx(bert.decision_function([LONG])[0], abs=1e-4)
    assert abs(found.residual) < 1e-3
    lizards = [a.weight for a in found.attributions if LONG[a.start : a.end] == "lizard"]
    assert len(lizards) == 12
    assert min(lizards) > 0


def test_few_steps_rank_the_words_as_many_do(bert):
    from scipy.stats import spearmanr

    few, many = (
        [a.weight for a in GradientExplainer().explain(TEXT, bert, n_samples=n).attributions] for n in (None, 100)
    )
    assert spearmanr(few, many).statistic > 0.9


def test_batches_of_steps_do_not_change_the_weights(bert, monkeypatch):
    together = GradientExplainer().explain(LONG, bert)
    monkeypatch.setattr("fakenews.explain.gradient._BATCH_PIECES", 1)
    one_by_one = GradientExplainer().explain(LONG, bert)
    np.testing.assert_allclose(
        [a.weight for a in one_by_one.attributions], [a.weight for a in together.attributions], atol=1e-4
    )


def test_no_gradient_is_left_on_the_classifier(bert):
    before = [p.grad for p in bert.model.parameters()]
    GradientExplainer().explain(TEXT, bert)
    assert all(p.grad is g for p, g in zip(bert.model.parameters(), before, strict=True))


def test_of_a_linear_classifier_they_are_its_exact_weights(tfidf):
    gradient, linear = GradientExplainer().explain(TEXT, tfidf), LinearExplainer().explain(TEXT, tfidf)
    assert gradient.attributions == linear.attributions
    assert gradient.settings["rule"] == "coefficient x value"
