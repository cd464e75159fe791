"""How in-domain a text is: learned on planted features, on one corpus not at all, and kept with the weights."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fakenews.classifiers.domain import DomainHead, fit_domain_head
from fakenews.classifiers.tfidf import TfidfClassifier
from fakenews.classifiers.transformer import TransformerClassifier
from tests.explain.toys import planted_corpus, small_mpnet, small_tfidf

TEXTS, LABELS = planted_corpus(80)
IS_HOME = [i % 4 < 2 for i in range(80)]
ASKED = [f"ours {text}" if home else text for text, home in zip(TEXTS, IS_HOME, strict=True)]


@pytest.mark.parametrize("form", [np.asarray, csr_matrix])
def test_a_planted_direction_is_found_in_sparse_and_dense_features(form):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(400, 5)).astype(np.float32)
    home = features[:, 2] > 0
    head = fit_domain_head(form(features), home)
    assert head is not None and head.weights.dtype == np.float32
    assert np.argmax(np.abs(head.weights)) == 2
    in_domain = head.in_domain(form(features))
    assert in_domain.shape == (400,) and ((in_domain > 0.5) == home).mean() > 0.95


def test_both_sides_weigh_alike():
    features = np.zeros((100, 1), dtype=np.float32)
    head = fit_domain_head(features, np.arange(100) < 10)
    assert head is not None and head.in_domain(features)[0] == pytest.approx(0.5, abs=1e-3)


def test_one_corpus_alone_gives_no_head():
    assert fit_domain_head(np.ones((3, 2)), [True] * 3) is None
    assert fit_domain_head(np.ones((3, 2)), [False] * 3) is None


def test_a_head_says_what_the_sigmoid_of_its_sum_is():
    head = DomainHead(np.array([1.0, -2.0], dtype=np.float32), 0.5)
    assert head.in_domain(np.array([[3.0, 1.0]])) == pytest.approx([1 / (1 + np.exp(-1.5))])


def test_tfidf_keeps_its_head_with_its_weights(tmp_path):
    classifier = small_tfidf()
    assert not classifier.predict_scores(ASKED).in_domain.any()
    classifier.save(tmp_path / "before")
    assert TfidfClassifier.load(tmp_path / "before").domain_ is None
    classifier = TfidfClassifier(min_df=1).fit(ASKED, LABELS).fit_domain(ASKED, IS_HOME)
    scores = classifier.predict_scores(ASKED)
    assert ((scores.in_domain > 0.5) == IS_HOME).all()
    classifier.save(tmp_path / "after")
    again = TfidfClassifier.load(tmp_path / "after").predict_scores(ASKED)
    np.testing.assert_array_equal(again.in_domain, scores.in_domain)
    np.testing.assert_array_equal(again.log_odds, scores.log_odds)


def test_an_encoder_measures_whole_texts_and_keeps_its_head_beside_the_probe(tmp_path):
    classifier = small_mpnet()
    classifier.save(tmp_path / "bare")
    probe, classifier.probe_ = classifier.probe_, None
    states = classifier.states(ASKED)
    flat = states.reshape(len(states), -1)
    classifier.domain_ = fit_domain_head(flat, IS_HOME)
    assert classifier.domain_ is not None
    with pytest.raises(ValueError, match="a domain head and no probe"):
        classifier.save(tmp_path / "refused")
    classifier.probe_ = probe
    texts = [*ASKED[:5], " ".join(ASKED), ""]  # the last but one fills several windows
    states = classifier.states(texts)
    scores = classifier.predict_scores(texts)
    expected = classifier.domain_.in_domain(states.reshape(len(states), -1))
    np.testing.assert_allclose(scores.in_domain, expected, atol=1e-4)
    np.testing.assert_allclose(scores.log_odds, classifier.decision_function(texts), atol=1e-4)
    classifier.fit_ood(ASKED)
    np.testing.assert_allclose(classifier.predict_with_ood_score(texts)[0], scores, atol=1e-4)
    classifier.save(tmp_path / "kept")
    again = TransformerClassifier.load(tmp_path / "kept").predict_scores(texts)
    np.testing.assert_allclose(again, scores, atol=1e-4)
    assert TransformerClassifier.load(tmp_path / "bare").domain_ is None
