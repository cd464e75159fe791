"""The baseline's tokens: words and marks, and what a mark belongs to."""

from __future__ import annotations

import numpy as np
import pytest

from fakenews.classifiers.tfidf import TfidfClassifier

LOUD = [f"story {i} ends! Really!" for i in range(20)]
CALM = [f"story {i} ends. Really." for i in range(20)]


@pytest.fixture(scope="module")
def classifier() -> TfidfClassifier:
    return TfidfClassifier().fit(LOUD + CALM, [0] * 20 + [1] * 20)


def test_punctuation_is_a_feature(classifier):
    loud, calm = classifier.decision_function(["story ends!", "story ends."])
    assert loud > 0 > calm


def test_a_mark_goes_with_the_word_before_it(classifier):
    keep = np.array([[True, False]])
    assert classifier.masked_log_odds("story ends!", keep)[0] == pytest.approx(
        classifier.decision_function(["story"])[0]
    )


def test_the_part_of_a_mark_is_its_words(classifier):
    for text in ("story ends! Really!", "(story ends", "! story"):
        parts, intercept = classifier.linear_terms(text)
        assert len(parts) == sum(word.isalpha() for word in text.replace("!", "").replace("(", "").split())
        assert intercept + parts.sum() == pytest.approx(classifier.decision_function([text])[0])
    parts, _ = classifier.linear_terms("story ends!")
    assert parts[1] > parts[0]


@pytest.mark.parametrize("text", ["", "!", "... ?!"])
def test_marks_without_a_word_are_nothing(classifier, text):
    assert classifier.decision_function([text])[0] == classifier.decision_function([""])[0]


def test_weights_say_what_counts():
    texts, labels = ["up", "up", "down", "down"] * 3, [0, 1, 0, 1] * 3
    up, down = TfidfClassifier(min_df=1).fit(texts, labels, [9, 1, 1, 9] * 3).decision_function(["up", "down"])
    assert up > 0 > down


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.0], [1.0, -1.0]])
def test_weights_that_will_not_do_are_refused(weights):
    with pytest.raises(ValueError, match="Expected 2 positive weights"):
        TfidfClassifier(min_df=1).fit(["up", "down"], [0, 1], weights)
