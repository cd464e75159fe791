"""Perturbed samples: each asked once, in bounded batches."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from fakenews.explain import base
from fakenews.explain.base import MaskedLogOdds
from fakenews.explain.lime import LimeExplainer
from fakenews.explain.shap import ShapExplainer

TEXT = "the mayor said lizard people on new road"
N_WORDS = 8


@pytest.fixture
def batches(tfidf, monkeypatch) -> list[int]:
    """Rows of every batch that reached the classifier."""
    rows: list[int] = []
    real = tfidf.masked_log_odds

    def counted(text, keep):
        rows.append(len(keep))
        return real(text, keep)

    monkeypatch.setattr(tfidf, "masked_log_odds", counted)
    return rows


def test_log_odds_are_the_classifiers_own_in_the_order_asked(tfidf):
    keep = np.random.default_rng(0).random((50, N_WORDS)) < 0.5
    got = MaskedLogOdds(TEXT, tfidf, 50, lambda share: None)(keep)
    np.testing.assert_allclose(got, tfidf.masked_log_odds(TEXT, keep), rtol=0, atol=1e-12)


def test_a_variant_is_asked_once(tfidf, batches):
    margins = MaskedLogOdds(TEXT, tfidf, 10, lambda share: None)
    keep = np.eye(N_WORDS, dtype=bool)
    first = margins(np.concatenate([keep, keep]))
    again = margins(keep[::-1])
    assert sum(batches) == margins.n_evaluated == N_WORDS
    assert first[:N_WORDS].tolist() == first[N_WORDS:].tolist() == again[::-1].tolist()


def test_batches_are_bounded_and_progress_is_heard_after_each(tfidf, batches):
    heard: list[float] = []
    keep = np.unpackbits(np.arange(100, dtype=np.uint8)[:, None], axis=1).astype(bool)
    MaskedLogOdds(TEXT, tfidf, 100, heard.append)(keep)
    assert batches == [32, 32, 32, 4]
    assert heard == [0.32, 0.64, 0.96, 1.0]


def test_long_texts_go_in_smaller_batches(tfidf, batches):
    n_words = base.BATCH_WORDS // 3
    keep = np.tri(6, n_words, k=0, dtype=bool)
    MaskedLogOdds("road " * n_words, tfidf, 6, lambda share: None)(keep)
    assert batches == [3, 3]


def test_slow_batches_are_halved(tfidf, batches, monkeypatch):
    monkeypatch.setattr(base, "BATCH_SECONDS", 0.0)
    keep = np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1).astype(bool)
    MaskedLogOdds(TEXT, tfidf, 64, lambda share: None)(keep)
    assert batches == [32, 16, 8, 4, 2, 1, 1]


def test_a_slow_machine_does_not_change_the_precision(tfidf, batches, monkeypatch):
    coarse: list[int] = []

    @contextmanager
    def fast_products():
        before = len(batches)
        yield
        coarse.extend(batches[before:])

    monkeypatch.setattr(base, "fast_products", fast_products)
    monkeypatch.setattr(base, "BATCH_SECONDS", 0.0)
    keep = np.unpackbits(np.arange(64, dtype=np.uint8)[:, None], axis=1).astype(bool)
    MaskedLogOdds(TEXT, tfidf, 64, lambda share: None)(keep)
    assert coarse == batches == [32, 16, 8, 4, 2, 1, 1]
    MaskedLogOdds(TEXT, tfidf, 4, lambda share: None)(keep[:4])
    assert len(coarse) == 7 < len(batches), "a few are answered in single precision"


@pytest.mark.parametrize(("explainer", "told"), [(LimeExplainer(), "samples"), (ShapExplainer(), "evaluations")])
def test_more_samples_than_a_text_of_its_length_allows_are_refused(tfidf, monkeypatch, explainer, told):
    monkeypatch.setattr(base, "MAX_PLACES", 40 * N_WORDS)
    assert explainer.explain(TEXT, tfidf, n_samples=40).attributions
    assert explainer.explain(TEXT, tfidf).attributions  # by default, however many that are
    wrong = f"Got n_samples=41: for a text as long as this .* at most 40 {told}, so ask for fewer or shorten the text"
    with pytest.raises(ValueError, match=wrong):
        explainer.explain(TEXT, tfidf, n_samples=41)
