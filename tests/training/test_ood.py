"""Where the training data ends: the line is a quantile of held-out articles, and only long ones count."""

from __future__ import annotations

import numpy as np

from fakenews.text import count_words
from fakenews.training.ood import QUANTILE, fit_ood
from fakenews.verdict import MIN_WORDS
from tests.explain.toys import planted_corpus, small_bert, small_tfidf

TEXTS, _ = planted_corpus(400)
ARTICLES = [" ".join(TEXTS[i : i + 6]) for i in range(0, 400, 2)]  # of about 60 words


def test_the_line_is_the_quantile_of_long_held_out_articles():
    classifier = small_tfidf()
    strange = ["Whisk eggs"] * 50  # unknown, but too short to count
    assert fit_ood(classifier, ARTICLES[:100], [*ARTICLES[100:], *strange], "planted/validation")
    assert classifier.info_["novelty"] == {
        "threshold": 0.0,
        "quantile": QUANTILE,
        "fitted_on": "planted/validation",
        "n": sum(count_words(text) >= MIN_WORDS for text in ARTICLES[100:]),
    }
    assert 90 < classifier.info_["novelty"]["n"] < 150


def test_a_transformer_learns_centroids_and_flags_one_in_a_hundred():
    classifier = small_bert()
    assert fit_ood(classifier, ARTICLES[:100], ARTICLES[100:], "planted/validation")
    _, distances = classifier.predict_with_ood_score(ARTICLES[100:])
    flagged = distances > classifier.info_["novelty"]["threshold"]
    assert flagged.sum() in (1, 2)
    _, scribbled = classifier.predict_with_ood_score(["7 > 3 = 9 < 4 / 2 - 8 ( ) " * 20])
    assert scribbled[0] > np.quantile(distances, 0.9)


def test_without_long_articles_there_is_no_line():
    classifier = small_tfidf()
    assert not fit_ood(classifier, ARTICLES, TEXTS, "planted/validation")
    assert "novelty" not in classifier.info_
