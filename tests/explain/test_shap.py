"""Owen values: exact where they can be, converging elsewhere, started from a prior, always adding up."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from fakenews.classifiers.base import clean_text
from fakenews.explain.shap import ShapExplainer, owen_values

LONG = "The mayor said people on the new road. The treasury will report, a lizard said! " * 12
GROUPS = np.array([0, 0, 0, 1, 1, 2, 2, 2])


def cubic_game(seed=0):
    """Eight features that interact in pairs and threes."""
    rng = np.random.default_rng(seed)
    one, two, three = rng.normal(size=8), rng.normal(size=(8, 8)), rng.normal(size=(8, 8, 8)) / 2

    def value(masks):
        z = masks.astype(float)
        return z @ one + np.einsum("bi,ij,bj->b", z, two, z) + np.einsum("bi,ij,bj,ijk,bk->b", z, two, z, three, z)

    return value


def shapley(value, n):
    """By definition, over all coalitions."""
    found = np.zeros(n)
    for i in range(n):
        others = [j for j in range(n) if j != i]
        for size in range(n):
            for chosen in combinations(others, size):
                mask = np.isin(np.arange(n), chosen)[None, :]
                gain = value(mask | (np.arange(n) == i))[0] - value(mask)[0]
                found[i] += factorial(size) * factorial(n - 1 - size) / factorial(n) * gain
    return found


def owen(value, groups):
    """By definition: Shapley values inside a group, averaged over coalitions of the other groups."""
    n_groups, found = groups.max() + 1, np.zeros(len(groups))
    for k in range(n_groups):
        part, others = np.flatnonzero(groups == k), [j for j in range(n_groups) if j != k]
        for size in range(n_groups):
            for chosen in combinations(others, size):
                beside = np.isin(groups, chosen)

                def inside(masks, part=part, beside=beside):
                    whole = np.repeat(beside[None, :], len(masks), axis=0)
                    whole[:, part] = masks
                    return value(whole)

                weight = factorial(size) * factorial(n_groups - 1 - size) / factorial(n_groups)
                found[part] += weight * shapley(inside, len(part))
    return found


def last(*args):
    *_, estimate = owen_values(*args)
    return estimate


def test_inside_one_group_they_are_shapley_values_exactly():
    value = cubic_game()
    found = last(value, np.zeros(8), np.zeros(8, dtype=np.int64), 300, 0)
    np.testing.assert_allclose(found.weights, shapley(value, 8), atol=1e-9)


def test_with_more_samples_they_approach_owen_values():
    value, truth = cubic_game(), owen(cubic_game(), GROUPS)
    few, many = (np.abs(last(value, np.zeros(8), GROUPS, n, 0).weights - truth).max() for n in (60, 20_000))
    assert many < 0.1 < 0.5 < few


def test_sums_of_groups_are_exact_once_all_their_coalitions_are_asked():
    value, truth = cubic_game(), owen(cubic_game(), GROUPS)
    found = last(value, np.zeros(8), GROUPS, 20, 0)
    np.testing.assert_allclose(np.bincount(GROUPS, found.weights), np.bincount(GROUPS, truth), atol=1e-9)


@pytest.mark.parametrize("n_samples", [20, 21, 60, 300])
def test_every_estimate_adds_up_and_no_budget_is_exceeded(n_samples):
    asked = []
    value = cubic_game()

    def counted(masks):
        asked.append(len(masks))
        return value(masks)

    estimates = list(owen_values(counted, np.ones(8), GROUPS, n_samples, 3))
    assert sum(asked) <= n_samples
    for e in estimates:
        assert e.weights.sum() == pytest.approx(e.full_value - e.base_value)
    shares = [e.share for e in estimates]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0 > shares[0]


def test_a_right_guess_is_kept_and_a_wrong_one_is_overruled():
    truth = np.linspace(-2.0, 2.0, 40)
    groups = np.arange(40) // 5

    def value(masks):
        return masks @ truth

    right = last(value, truth, groups, 20, 0).weights
    np.testing.assert_allclose(right, truth, atol=1e-9)
    misled = last(value, -truth, groups, 600, 0).weights
    assert np.corrcoef(misled, truth)[0, 1] > 0.95


def test_the_seed_decides_the_coalitions_and_nothing_else_does():
    value = cubic_game()

    def run(seed):
        asked = []
        last(lambda masks: asked.append(masks.copy()) or value(masks), np.zeros(8), GROUPS, 60, seed)
        return np.concatenate(asked)

    first = run(5)
    np.random.random()
    assert (run(5) == first).all()
    assert not (run(6) == first).all()


def test_a_small_budget_is_kept_and_still_adds_up(bert):
    for budget in (20, 21, 60):
        found = ShapExplainer().explain(LONG, bert, n_samples=budget)
        assert found.settings["evaluations"] <= budget
        assert abs(found.residual) < 1e-6


def test_the_base_is_the_log_odds_with_every_word_removed(tfidf):
    nothing = np.zeros((1, len(clean_text(LONG).words)), dtype=bool)
    assert ShapExplainer().explain(LONG, tfidf, n_samples=20).base_value == tfidf.masked_log_odds(LONG, nothing)[0]


def test_one_word_takes_all_the_credit(bert):
    found = ShapExplainer().explain("lizard!", bert)
    assert [a.weight for a in found.attributions] == [found.log_odds - found.base_value]
    assert found.settings["evaluations"] == 2


def test_the_first_view_is_there_before_any_coalition(bert):
    first = next(iter(ShapExplainer().refine(LONG, bert, n_samples=60)))
    assert first.explanation.settings["evaluations"] == 2
    assert first.share < 0.1
    top = max(first.explanation.attributions, key=lambda a: a.weight)
    assert LONG[top.start : top.end] == "lizard"
