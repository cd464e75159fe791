"""Means of word vectors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fakenews.classifiers.base import NotFittedError, clean_text
from fakenews.classifiers.word2vec import Word2VecClassifier
from fakenews.config import REPOSITORY
from tests.explain.toys import planted_corpus


def test_the_log_odds_is_that_of_the_mean_vector(classifiers):
    classifier = classifiers["word2vec"]
    text = "The mayor said qwertz lizard lizard."
    words = ["the", "mayor", "said", "lizard", "lizard"]
    mean = classifier.vectors_.matrix()[classifier.vectors_.rows(words)].astype(float).mean(axis=0)
    expected = (mean - classifier.center_) @ classifier.coefficients_ + classifier.intercept_
    assert classifier.decision_function([text])[0] == pytest.approx(expected, abs=1e-9)


def test_masked_words_are_left_out(classifiers):
    text = "The mayor said lizard will report."
    keep = np.ones((2, len(clean_text(text).words)), dtype=bool)
    keep[0, [1, 4]] = False  # "mayor", "will"
    keep[1] = False
    margins = classifiers["word2vec"].masked_log_odds(text, keep)
    np.testing.assert_allclose(
        margins, classifiers["word2vec"].decision_function(["The said lizard report.", ""]), atol=1e-9
    )


def test_the_intercept_is_the_log_odds_of_the_average_text():
    texts, labels = planted_corpus(60)
    classifier = Word2VecClassifier(width=8, min_count=1).fit(texts, labels)
    assert classifier.intercept_ == pytest.approx(classifier.decision_function(texts).mean(), abs=1e-9)
    assert classifier.decision_function(["qwertz asdfgh"])[0] == classifier.intercept_


def test_a_word_without_a_vector_weighs_nothing(classifiers):
    weights, _ = classifiers["word2vec"].linear_terms("lizard qwertz road")
    assert weights[1] == 0
    assert weights[0] != 0


def test_training_twice_gives_the_same_classifier():
    texts, labels = planted_corpus(60)
    first, again = (Word2VecClassifier(width=8, min_count=1).fit(texts, labels) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(texts), again.decision_function(texts))


def test_unfitted_it_says_so(tmp_path):
    for ask in (lambda c: c.predict_proba(["a"]), lambda c: c.linear_terms("a"), lambda c: c.save(tmp_path / "new")):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(Word2VecClassifier())
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "unneeded"),
    [
        ("word2vec", {"gensim", "torch", "sklearn"}),
        ("cnn", {"gensim", "transformers"}),
        ("features", {"torch", "sklearn"}),
    ],
)
def test_answering_needs_no_training_library(name, unneeded):
    code = (
        f"import sys; from pathlib import Path; from fakenews.classifiers.registry import get;"
        f"get({name!r}).load(Path({str(REPOSITORY / 'models' / name)!r}), 'cpu').predict_proba(['The mayor said so.']);"
        f"print(*sorted(set(sys.modules) & {unneeded!r}))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
