"""Explanations summed by word."""

from __future__ import annotations

import pytest

from fakenews.explain.global_importance import WordTotal, across
from fakenews.schema import Attribution, Explanation


def explained(text, weights, target="fake"):
    words, place = [], 0
    for word, weight in zip(text.split(), weights, strict=True):
        start = text.index(word, place)
        place = start + len(word)
        words.append(Attribution(start, place, weight))
    return Explanation(text, target, tuple(words), "log-odds", 0.0, 0.0, None, 0.0, "a", "linear", 0, 0.0)


ARTICLES = [
    explained("Said the mayor said", [-1.0, 0.5, 0.25, -1.0]),
    explained("said no", [-2.0, 1.0]),
    explained("the said", [0.5, 1.0], target="real"),
]


def test_weights_are_summed_within_an_article_and_averaged_over_those_that_hold_the_word():
    found = across(ARTICLES, fewest=2)
    assert found == (
        WordTotal("said", pytest.approx((-2.0 - 2.0 - 1.0) / 3), 3, 4, 0.0),
        WordTotal("the", 0.0, 2, 2, 0.5),
    )


def test_rare_words_are_left_out_and_nothing_gives_nothing():
    assert [t.word for t in across(ARTICLES, fewest=1)] == ["said", "no", "mayor", "the"]
    assert across(ARTICLES) == across(ARTICLES, fewest=3)
    assert [t.word for t in across(ARTICLES)] == ["said"]
    assert across([]) == ()


def test_a_word_counts_as_one_whatever_its_case_quotes_and_clitic():
    forms = [
        explained(text, [1.0])
        for text in ("Trump", "Trump's", "trump", "TRUMP\u2019S", "U.S.", "couldn\u2019t", "couldn't")
    ]
    assert [(t.word, t.articles) for t in across(forms, fewest=1)] == [("trump", 4), ("couldn\u2019t", 2), ("u.s.", 1)]
