"""Exact weights."""

from __future__ import annotations

import pytest

from fakenews.explain.linear import LinearExplainer


def test_weights_are_the_classifiers_own_terms(tfidf):
    text = "The mayor said lizard, lizard and road"
    terms, intercept = tfidf.linear_terms(text)
    found = LinearExplainer().explain(text, tfidf)
    assert [a.weight for a in found.attributions] == terms.tolist()
    assert found.base_value == intercept


def test_no_number_of_samples_is_taken(tfidf):
    with pytest.raises(ValueError, match="linear is exact and takes none"):
        LinearExplainer().explain("the mayor", tfidf, n_samples=300)


def test_what_does_not_add_up_words_is_refused(bert):
    with pytest.raises(ValueError, match="linear cannot explain 'toy-bert'"):
        LinearExplainer().explain("the mayor", bert)
