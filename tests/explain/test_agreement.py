"""Explanations side by side."""

from __future__ import annotations

import pytest

from fakenews.explain.agreement import agreement, by_sentence
from fakenews.schema import Attribution, Explanation

TEXT = "One two. Three four"
SPANS = ((0, 3), (4, 7), (9, 14), (15, 19))


def explained(weights, target="fake", name="a", text=TEXT):
    words = tuple(Attribution(s, e, w) for (s, e), w in zip(SPANS, weights, strict=True))
    return Explanation(text, target, words, "log-odds", 0.0, 0.0, None, 0.0, name, "shap", 0, 0.0)


def test_ranks_are_compared_and_words_of_one_mind_are_shared():
    found = agreement([explained([1.0, -2.0, 3.0, 4.0]), explained([1.5, -2.5, 3.5, -4.0], name="b")])
    assert found.names == ("a, shap", "b, shap")
    ((first, second, rank),) = found.pairs
    assert (first, second) == (0, 1)
    assert rank == pytest.approx(-0.2)
    assert [TEXT[s.start : s.end] for s in found.shared] == ["One", "two", "Three"]


def test_the_target_does_not_matter():
    same = agreement([explained([1.0, -2.0, 3.0, 4.0]), explained([-1.0, 2.0, -3.0, -4.0], target="real")])
    assert same.pairs[0][2] == pytest.approx(1.0)
    assert len(same.shared) == 4


def test_only_explanations_of_one_text_are_compared():
    for wrong in ([], [explained([1.0] * 4)], [explained([1.0] * 4), explained([1.0] * 4, text="One two. Three five")]):
        with pytest.raises(ValueError, match="two or more explanations of one text"):
            agreement(wrong)


def test_sentences_sum_their_words():
    assert by_sentence(explained([1.0, -2.0, 3.0, 4.0])) == (Attribution(0, 8, -1.0), Attribution(9, 19, 7.0))
