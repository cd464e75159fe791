"""How far a text lies from the training data: planted vectors, stored centroids, and real classifiers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fakenews.classifiers import model_folder
from fakenews.classifiers.base import NotFittedError, OutOfDomainDetector
from fakenews.classifiers.ood import FILE, Centroids, fit_centroids
from fakenews.classifiers.transformer import TransformerClassifier
from tests.explain.toys import planted_corpus, small_bert, small_tfidf

RNG = np.random.default_rng(0)
# Two kinds of training article, and a third kind that is not there.
KINDS = np.eye(3, 8, dtype=np.float32)[[0, 1] * 100] + RNG.normal(0, 0.05, (200, 8)).astype(np.float32)
STRANGE = np.eye(3, 8, dtype=np.float32)[[2] * 10] + RNG.normal(0, 0.05, (10, 8)).astype(np.float32)


def test_what_was_seen_is_near_and_what_was_not_is_far():
    centroids = fit_centroids(KINDS, 2)
    assert centroids.directions.shape == (2, 8)
    assert centroids.distances(KINDS).max() < 0.2 < 0.5 < centroids.distances(STRANGE).min()


def test_more_centroids_than_articles_are_not_made():
    centroids = fit_centroids(np.repeat(KINDS[:3], 5, axis=0), 64)
    assert len(centroids.directions) == 3
    with pytest.raises(ValueError, match="at least one"):
        fit_centroids(KINDS[:0])


def test_centroids_survive_the_disk_and_hold_numbers_only(tmp_path):
    before = fit_centroids(KINDS, 4)
    before.save(tmp_path)
    after = Centroids.load(tmp_path)
    assert after is not None
    assert after.distances(STRANGE) == pytest.approx(before.distances(STRANGE), abs=1e-3)
    assert (tmp_path / FILE).stat().st_size < 1000
    assert Centroids.load(tmp_path / "elsewhere") is None


def test_the_same_seed_gives_the_same_centroids():
    one, two = (fit_centroids(KINDS, 8, seed=3) for _ in range(2))
    assert np.array_equal(one.directions, two.directions)


def test_tfidf_counts_words_it_does_not_know():
    classifier = small_tfidf()
    texts = ["The mayor said the city will report.", "Quantum mechanics, gently explained", ""]
    scores, distances = classifier.predict_with_ood_score(texts)
    assert scores.log_odds == pytest.approx(classifier.decision_function(texts))
    assert distances == pytest.approx([0, 1, 1])


def test_a_transformer_measures_in_the_same_pass_and_keeps_it_on_disk(tmp_path):
    classifier = small_bert()
    texts, _ = planted_corpus(40)
    long = " ".join(texts)  # more than one window
    with pytest.raises(NotFittedError, match="fakenews novelty --model toy-bert"):
        classifier.predict_with_ood_score(texts)
    classifier.fit_ood(texts)
    asked = [*texts[:5], long, "zzz xxx qqq jjj " * 3, ""]
    scores, distances = classifier.predict_with_ood_score(asked)
    assert scores.log_odds == pytest.approx(classifier.decision_function(asked), abs=1e-4)
    assert distances[6] > np.quantile(distances[:5], 1.0)  # letters it never met in this order
    one_by_one = [classifier.predict_with_ood_score([text])[1][0] for text in asked]
    assert distances == pytest.approx(one_by_one, abs=1e-4)
    scores, distances = classifier.predict_with_ood_score([])
    assert scores.log_odds.shape == scores.in_domain.shape == distances.shape == (0,)
    classifier.save(tmp_path)
    again = TransformerClassifier.load(tmp_path)
    assert again.predict_with_ood_score(asked)[1] == pytest.approx(
        classifier.predict_with_ood_score(asked)[1], abs=1e-3
    )
    assert isinstance(again, OutOfDomainDetector) and isinstance(small_tfidf(), OutOfDomainDetector)


@pytest.mark.parametrize("key", [None, "fakenews"])
def test_settings_change_and_nothing_else(tmp_path, key):
    own = {"name": "m", "seed": 7}
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 3, key: own} if key else own), encoding="utf-8")
    model_folder.change_settings(tmp_path, novelty={"threshold": 0.2})
    assert model_folder.settings(tmp_path) == {**own, "novelty": {"threshold": 0.2}}
    if key:
        assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["hidden_size"] == 3
