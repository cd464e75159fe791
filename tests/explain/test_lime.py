"""LIME by position."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.classifiers.base import clean_text
from fakenews.explain import lime
from fakenews.explain.base import Cancelled
from fakenews.explain.gradient import integrated_gradients
from fakenews.explain.lime import (
    FEWEST_GRADIENTS,
    MOST_GRADIENTS,
    LimeExplainer,
    local_prior,
    n_gradients,
    pairs_of_masks,
)

TEXT = "The mayor said lizard on the road and the people said no"


def test_another_seed_draws_other_samples(bert):
    one, other = (LimeExplainer().explain(TEXT, bert, n_samples=50, seed=s) for s in (1, 2))
    assert one.attributions != other.attributions


def test_numpys_global_generator_is_left_alone(tfidf):
    before = np.random.get_state(legacy=False)["state"]
    LimeExplainer().explain(TEXT, tfidf, n_samples=20)
    after = np.random.get_state(legacy=False)["state"]
    assert (after["key"].tolist(), after["pos"]) == (before["key"].tolist(), before["pos"])


def test_repeated_words_are_features_of_their_own(bert):
    found = LimeExplainer().explain("lizard lizard said the mayor lizard", bert)
    assert len({a.weight for a in found.attributions}) == 6


def test_more_samples_than_the_default_are_drawn_though_halves_agree(tfidf, monkeypatch):
    truth = np.linspace(-2, 2, 12)
    monkeypatch.setattr(tfidf, "masked_log_odds", lambda text, keep: keep @ truth)
    monkeypatch.setattr(tfidf, "linear_terms", lambda text: (truth, 0.0))
    default = LimeExplainer().default_samples(TEXT, tfidf)
    fewer, more = (LimeExplainer().explain(TEXT, tfidf, n_samples=n) for n in (default, default + 100))
    assert fewer.stability == more.stability == 1.0  # with such a prior
    assert fewer.settings["samples"] < default
    assert more.settings["samples"] == default + 100


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0])
def test_with_samples_enough_it_finds_the_weights_of_a_linear_model_from_any_prior(tfidf, monkeypatch, prior):
    truth = np.linspace(-2, 2, 12)
    monkeypatch.setattr(tfidf, "masked_log_odds", lambda text, keep: keep @ truth + 0.5)
    monkeypatch.setattr(tfidf, "linear_terms", lambda text: (prior * truth[::-1] ** 2, 0.0))
    found = LimeExplainer().explain(TEXT, tfidf, n_samples=2000)
    np.testing.assert_allclose([a.weight for a in found.attributions], truth, atol=0.05)
    assert found.fidelity > 0.999
    assert found.base_value == pytest.approx(0.5, abs=0.05)
    assert found.log_odds == pytest.approx(0.5 + truth.sum())


def test_variants_come_in_pairs_that_remove_as_many_words_but_not_the_same():
    pairs = pairs_of_masks(40, np.random.default_rng(0))
    drawn = np.array([next(pairs) for _ in range(400)])  # (pairs, 2, words)
    removed = (~drawn).sum(axis=2)
    assert (removed[:, 0] == removed[:, 1]).all()
    assert not (~drawn[:, 0] & ~drawn[:, 1])[removed[:, 0] <= 20].any()
    assert removed.min() == 1


def test_variants_are_drawn_as_often_as_the_kernel_weighs_them():
    """Against the library's own: its distribution of sizes, weighed by its kernel."""
    n = 50
    pairs = pairs_of_masks(n, np.random.default_rng(0))
    sizes = np.array([(~next(pairs)[0]).sum() for _ in range(5000)])
    removed = np.arange(1, n + 1)
    distance = 100 * (1 - np.sqrt((n - removed) / n))
    kernel = np.sqrt(np.exp(-(distance**2) / 25**2))
    assert sizes.mean() == pytest.approx((removed * kernel).sum() / kernel.sum(), rel=0.02)


def test_the_guess_is_what_words_do_to_variants_better_than_integrated_gradients(bert):
    n = len(clean_text(TEXT).words)
    pairs = pairs_of_masks(n, np.random.default_rng(7))
    samples = np.concatenate([next(pairs) for _ in range(100)])
    truth = np.zeros(n)
    for i in range(n):
        with_word, without = samples.copy(), samples.copy()
        with_word[:, i], without[:, i] = True, False
        truth[i] = (bert.masked_log_odds(TEXT, with_word) - bert.masked_log_odds(TEXT, without)).mean()
    prior, _ = local_prior(TEXT, bert, np.random.default_rng(0), lambda share: None)
    of_gradients = integrated_gradients(TEXT, bert, 2, lambda share: None).weights
    missed, missed_by_gradients = np.abs(prior.weights - truth).sum(), np.abs(of_gradients - truth).sum()
    assert missed < 0.7 * missed_by_gradients
    assert np.corrcoef(prior.weights, truth)[0, 1] > 0.95


def test_stability_asks_whether_either_half_of_the_gradients_says_the_same(bert):
    prior, either = local_prior(TEXT, bert, np.random.default_rng(0), lambda share: None)
    assert not np.allclose(either[0], either[1])
    np.testing.assert_allclose(either.mean(axis=0), prior.weights)


def test_long_texts_get_few_gradients_and_linear_classifiers_none(bert, tfidf):
    numbers = [n_gradients("word " * n, bert) for n in (10, 400, 5000)]
    assert numbers == [MOST_GRADIENTS, 12, FEWEST_GRADIENTS]
    assert n_gradients(TEXT, tfidf) == 0


def test_progress_and_shares_count_the_gradients(bert):
    heard: list[float] = []
    shares = [
        found.share for found in LimeExplainer().refine(8 * f"{TEXT}. ", bert, n_samples=60, progress=heard.append)
    ]
    assert heard == sorted(heard)
    assert sum(0 < share < 0.5 for share in heard) >= 2
    assert shares == sorted(shares)
    assert shares[0] > 0.5 and shares[-1] == 1.0


def test_it_can_be_cancelled_between_two_fits(tfidf, monkeypatch):
    fits, fit = [], lime.local_model

    def counted(keep, values, prior):
        fits.append(len(keep))
        return fit(keep, values, prior)

    def cancel(share):
        if fits:
            raise Cancelled

    monkeypatch.setattr(lime, "local_model", counted)
    with pytest.raises(Cancelled):
        LimeExplainer().explain(TEXT, tfidf, n_samples=50, progress=cancel)
    assert len(fits) == 1
