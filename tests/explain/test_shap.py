"""Owen values."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from fakenews.classifiers.base import read
from fakenews.explain.shap import ShapExplainer, owen_values, word_tree

LONG = "The mayor said people on the new road. The treasury will report, a lizard said! " * 12


def test_a_tree_halves_the_words():
    assert word_tree(4, []).tolist() == [[0, 1, 1, 2], [2, 3, 1, 2], [4, 5, 1, 4]]


def test_a_tree_is_cut_between_sentences_first():
    assert word_tree(5, [0, 4]).tolist()[-1] == [7, 4, 1, 5]
    assert word_tree(1, [0]).shape == (0, 4)


def test_values_of_two_features_by_hand():
    value = {(0, 0): 1.0, (1, 0): 3.0, (0, 1): 4.0, (1, 1): 10.0}
    got = owen_values(lambda masks: np.array([value[tuple(m)] for m in masks.astype(int)]), word_tree(2, []), 20, 0)
    assert got == pytest.approx([(2.0 + 6.0) / 2, (3.0 + 7.0) / 2])


def test_they_are_shapley_values_where_groups_do_not_interact():
    # Features 0, 1 and 2, 3 are the two halves; only inside a half is the whole more than its parts.
    def value(masks):
        m = masks.astype(float)
        return 2 * m[:, 0] - m[:, 1] + 3 * m[:, 0] * m[:, 1] + m[:, 2] * m[:, 3]

    def shapley(i):
        total, others = 0.0, [j for j in range(4) if j != i]
        for size in range(4):
            for chosen in combinations(others, size):
                mask = np.isin(np.arange(4), chosen)[None, :]
                gain = value(mask | (np.arange(4) == i))[0] - value(mask)[0]
                total += factorial(size) * factorial(3 - size) / factorial(4) * gain
        return total

    assert owen_values(value, word_tree(4, []), 100, 0) == pytest.approx([shapley(i) for i in range(4)])


def test_a_small_budget_is_kept_and_still_adds_up(bert):
    for budget in (20, 21, 60):
        found = ShapExplainer().explain(LONG, bert, n_samples=budget)
        assert found.settings["evaluations"] <= budget
        assert abs(found.residual) < 1e-6


def test_the_base_is_the_margin_with_every_word_removed(tfidf):
    nothing = np.zeros((1, len(read(LONG).words)), dtype=bool)
    assert ShapExplainer().explain(LONG, tfidf, n_samples=20).base_value == tfidf.masked_margin(LONG, nothing)[0]


def test_one_word_takes_all_the_credit(bert):
    found = ShapExplainer().explain("lizard!", bert)
    assert [a.weight for a in found.attributions] == [found.margin - found.base_value]
    assert found.settings["evaluations"] == 2


def test_the_seed_and_nothing_else_decides_ties():
    def value(masks):
        return masks.sum(axis=1).astype(float) + masks[:, :2].all(axis=1)  # all other words are alike

    def run(seed):
        asked = []
        owen_values(lambda masks: asked.append(masks.copy()) or value(masks), word_tree(64, []), 60, seed)
        return np.concatenate(asked)

    first = run(5)
    np.random.random()  # the library draws from the global generator, which now stands elsewhere
    assert (run(5) == first).all()
    assert not (run(6) == first).all()
