"""Coverage and risk by hand, and that neither the order of rows nor ties decide anything."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fakenews.metrics.coverage import CoverageRisk, coverage_risk, risk_curve

# Most confident first: right, right, wrong (says fake, is real), right, wrong.
LABELS = [0, 1, 1, 0, 0]
P_FAKE = [0.95, 0.1, 0.8, 0.7, 0.4]


def test_the_curve_by_hand():
    assert risk_curve(LABELS, P_FAKE) == pytest.approx([0, 0, 1 / 3, 1 / 4, 2 / 5])


def test_area_and_errors_by_hand():
    found = coverage_risk(LABELS, P_FAKE)
    assert found.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert found.error == pytest.approx({"0.7": 1 / 4, "0.8": 1 / 4, "0.9": 1 / 4, "1.0": 2 / 5})
    assert found.score == "max(p, 1 - p)"
    assert CoverageRisk.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_ties_count_with_their_mean_whatever_the_order():
    labels, p_fake = np.array([0, 0, 1, 1]), np.array([0.9, 0.1, 0.1, 0.1])  # one wrong, all equally sure
    curves = [risk_curve(labels[order], p_fake[order]) for order in ([0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 0, 1])]
    assert np.allclose(curves, 0.25)


def test_full_coverage_is_the_error_of_answering_always():
    rng = np.random.default_rng(0)
    labels, p_fake = rng.integers(2, size=500), rng.random(500)
    assert coverage_risk(labels, p_fake).error["1.0"] == pytest.approx(np.mean((p_fake >= 0.5) == labels))


def test_a_score_that_knows_helps_and_one_that_knows_nothing_does_not():
    rng = np.random.default_rng(1)
    labels, knows = rng.integers(2, size=4000), rng.random(4000)
    right = rng.random(4000) < 0.5 + knows / 2
    side = np.where(right, labels, 1 - labels)  # the class answered
    sure = np.where(side == 0, 0.5 + knows / 2, 0.5 - knows / 2)
    blind = np.where(side == 0, 0.9, 0.1) + rng.uniform(-0.05, 0.05, 4000)
    assert coverage_risk(labels, sure).error["0.7"] < 0.75 * coverage_risk(labels, sure).error["1.0"]
    assert coverage_risk(labels, blind).area == pytest.approx(coverage_risk(labels, blind).error["1.0"], abs=0.02)


def test_one_article_is_enough():
    assert coverage_risk([1], [0.9]).error == {"0.7": 1.0, "0.8": 1.0, "0.9": 1.0, "1.0": 1.0}
