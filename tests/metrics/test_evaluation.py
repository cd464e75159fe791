"""Metrics: by hand on small arrays, and against scikit-learn and scipy on random ones."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from fakenews.metrics.curves import average_precision, calibration_bins, pr_points, roc_points
from fakenews.metrics.evaluation import (
    Evaluation,
    bootstrap_intervals,
    evaluate,
    expected_calibration_error,
    of_guessing,
    predict_labels,
    wilson_interval,
)

METRICS = ("accuracy", "macro_f1", "roc_auc", "ece", "brier", "log_loss")


def _drawn(n, seed=0, noise=2.0):
    """Labels and honest probabilities of fake, some of them equal."""
    rng = np.random.default_rng(seed)
    p = np.round(1 / (1 + np.exp(-rng.normal(0, noise, n))), 2)
    return np.where(rng.random(n) < p, 0, 1), p


def test_numbers_by_hand():
    e = evaluate([0, 0, 0, 1, 1], [0.9, 0.8, 0.4, 0.7, 0.1], n_resamples=0)
    assert (e.n, e.n_fake, e.n_real, e.threshold) == (5, 3, 2, 0.5)
    assert e.confusion_matrix == ((2, 1), (1, 1))
    assert e.accuracy == pytest.approx(3 / 5)
    assert (e.precision_fake, e.recall_fake, e.f1_fake) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (e.precision_real, e.recall_real, e.f1_real) == pytest.approx((1 / 2, 1 / 2, 1 / 2))
    assert e.macro_f1 == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert e.roc_auc == pytest.approx(5 / 6)  # of six pairs only (0.4, 0.7) is the wrong way round
    assert e.brier == pytest.approx((0.01 + 0.04 + 0.36 + 0.49 + 0.01) / 5)
    assert e.log_loss == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.3, 0.9]).mean())
    assert e.intervals == {}


def test_expected_calibration_error_by_hand():
    # Confidences 0.9 and 0.92 share the bin (13/15, 14/15]: mean 0.91, half of them right. 0.6 and 0.61 share
    # (9/15, 10/15] but for 0.6 itself, which closes the bin before: right, off by 0.4; 0.61 is wrong.
    labels, p = [0, 0, 1, 1], [0.9, 0.08, 0.4, 0.61]
    assert expected_calibration_error(labels, p) == pytest.approx((2 * abs(0.91 - 0.5) + 0.4 + 0.61) / 4)


def test_expected_calibration_error_uses_the_predicted_class():
    # Predicted real at 0.6 < 0.7: confidence 0.4 in what turns out right.
    assert expected_calibration_error([1], [0.6], threshold=0.7) == pytest.approx(0.6)
    assert expected_calibration_error([1], [0.6], threshold=0.5) == pytest.approx(0.6)
    assert expected_calibration_error([0], [0.6], threshold=0.5) == pytest.approx(0.4)


def test_threshold_belongs_to_fake():
    assert predict_labels([0.49, 0.5, 0.51]).tolist() == [1, 0, 0]
    assert evaluate([0, 1], [0.6, 0.2], threshold=0.7, n_resamples=0).confusion_matrix == ((0, 1), (0, 1))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_agrees_with_scikit_learn(threshold):
    y, p = _drawn(700)
    predicted = np.where(p >= threshold, 0, 1)
    e = evaluate(y, p, threshold=threshold, n_resamples=0)
    assert e.accuracy == pytest.approx(sk.accuracy_score(y, predicted))
    assert e.macro_f1 == pytest.approx(sk.f1_score(y, predicted, average="macro"))
    assert e.f1_fake == pytest.approx(sk.f1_score(y, predicted, pos_label=0))
    assert e.recall_real == pytest.approx(sk.recall_score(y, predicted))
    assert e.roc_auc == pytest.approx(sk.roc_auc_score(y == 0, p))
    assert e.brier == pytest.approx(sk.brier_score_loss(y == 0, p))
    assert e.log_loss == pytest.approx(sk.log_loss(y == 0, p))
    assert e.confusion_matrix == tuple(map(tuple, sk.confusion_matrix(y, predicted).tolist()))


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_alone(label):
    p = [0.9, 0.8, 0.2] if label == 0 else [0.1, 0.2, 0.8]
    e = evaluate([label] * 3, p)
    assert e.roc_auc is None
    assert "roc_auc" not in e.intervals
    assert e.macro_f1 == pytest.approx(0.8)  # precision 1, recall 2/3
    absent = (
        (e.recall_real, e.f1_real, e.precision_real) if label == 0 else (e.recall_fake, e.f1_fake, e.precision_fake)
    )
    assert absent == (None, None, None)
    assert e.intervals["accuracy"][0] < 2 / 3 < e.intervals["accuracy"][1]


def test_what_guessing_reaches_is_what_one_answer_to_all_reaches():
    labels = [0] * 30 + [1] * 70
    always_real = evaluate(labels, [0.3] * 100, n_resamples=0)
    for name in ("accuracy", "macro_f1", "roc_auc"):
        assert of_guessing(always_real, name) == pytest.approx(getattr(always_real, name)), name
    assert of_guessing(always_real, "ece") is None
    assert of_guessing(evaluate([1, 1], [0.3, 0.4], n_resamples=0), "accuracy") is None


def test_class_never_predicted_has_precision_zero():
    e = evaluate([0, 1], [0.9, 0.8], n_resamples=0)
    assert (e.precision_real, e.recall_real, e.f1_real) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("labels", "p_fake", "message"),
    [
        ([0, 1], [0.5], r"one probability per label, got shapes \(2,\) and \(1,\)"),
        ([[0, 1]], [[0.5, 0.5]], "one probability per label"),
        ([], [], "no articles"),
        ([0, 2], [0.5, 0.5], r"0 \(fake\) or 1 \(real\), got 2"),
        ([0, np.nan], [0.5, 0.5], r"0 \(fake\) or 1 \(real\), got nan"),
        ([0, 1], [0.5, 1.2], "between 0 and 1, got 1.2"),
        ([0, 1], [-0.1, 0.5], "between 0 and 1, got -0.1"),
        ([0, 1], [0.5, np.nan], "between 0 and 1, got nan"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(labels, p_fake, message):
    with pytest.raises(ValueError, match=message) as error:
        evaluate(labels, p_fake)
    assert str(error.value).endswith(".")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_threshold_outside_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        evaluate([0, 1], [0.9, 0.1], threshold=threshold)


def test_intervals_hold_every_metric_and_its_value():
    y, p = _drawn(400)
    e = evaluate(y, p)
    assert tuple(e.intervals) == METRICS
    for name, (low, high) in e.intervals.items():
        assert low < getattr(e, name) < high, name


def test_bootstrap_agrees_with_resampling_one_by_one():
    y, p = _drawn(60)
    order = np.lexsort((y, p))
    y, p = y[order], p[order]
    drawn = np.random.default_rng(7).integers(60, size=(50, 60))
    slow = [evaluate(y[rows], p[rows], n_resamples=0) for rows in drawn]
    fast = bootstrap_intervals(y, p, n_resamples=50, seed=7)
    for name in METRICS:
        low, high = np.percentile([getattr(e, name) for e in slow], (2.5, 97.5))
        assert fast[name][1] == pytest.approx(high), name
        assert name == "ece" or fast[name][0] == pytest.approx(low), name


def test_bootstrap_is_set_by_its_seed_and_blind_to_order():
    y, p = _drawn(300)
    shuffled = np.random.default_rng(1).permutation(300)
    same = bootstrap_intervals(y, p, seed=3)
    assert bootstrap_intervals(y, p, seed=3) == same
    assert bootstrap_intervals(y[shuffled], p[shuffled], seed=3) == same
    assert bootstrap_intervals(y, p, seed=4) != same


def test_bootstrap_in_chunks_is_the_same(monkeypatch):
    y, p = _drawn(100)
    whole = bootstrap_intervals(y, p, n_resamples=50)
    monkeypatch.setattr("fakenews.metrics.evaluation._CHUNK", 700)
    chunked = bootstrap_intervals(y, p, n_resamples=50)
    for name in METRICS:
        assert chunked[name] == pytest.approx(whole[name]), name


def test_intervals_cover_the_truth_about_nineteen_times_in_twenty():
    # Labels are drawn from the probabilities themselves: the accuracy to expect is the mean larger probability.
    grid = np.linspace(0.005, 0.995, 199)
    true_accuracy = np.maximum(grid, 1 - grid).mean()
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p = rng.choice(grid, 200)
        y = np.where(rng.random(200) < p, 0, 1)
        low, high = bootstrap_intervals(y, p, n_resamples=200, seed=seed)["accuracy"]
        covered += low <= true_accuracy <= high
    assert 178 <= covered <= 199


@pytest.mark.parametrize(("sharpness", "true_ece"), [(1.0, 0.0), (0.8, 0.0339)])
def test_an_interval_of_ece_holds_what_was_measured_and_covers_the_truth(sharpness, true_ece):
    # Labels are drawn from the probabilities, which are then right, or from milder ones; the second truth is the ECE of
    # two million articles.
    covered, n_runs = 0, 30
    for seed in range(n_runs):
        rng = np.random.default_rng(seed)
        log_odds = rng.normal(0, 2, 1400)
        y = np.where(rng.random(1400) < 1 / (1 + np.exp(-sharpness * log_odds)), 0, 1)
        e = evaluate(y, 1 / (1 + np.exp(-log_odds)), n_resamples=200, seed=seed)
        low, high = e.intervals["ece"]
        assert 0 <= low <= e.ece <= high
        covered += low <= true_ece <= high
    assert covered >= 0.9 * n_runs


@pytest.mark.parametrize(("p", "expected"), [([0.9, 0.2], (0.342, 1.0)), ([0.2, 0.9], (0.0, 0.658))])
def test_nothing_to_resample_gives_the_accuracy_a_wilson_interval(p, expected):
    assert bootstrap_intervals([0, 1], p)["accuracy"] == pytest.approx(expected, abs=1e-3)


def test_value_is_frozen_and_survives_json():
    e = evaluate(*_drawn(50), n_resamples=20)
    assert Evaluation.from_dict(json.loads(json.dumps(e.to_dict()))) == e
    assert e.to_dict()["confusion_matrix"] == [list(row) for row in e.confusion_matrix]
    assert e.to_dict()["intervals"]["accuracy"] == list(e.intervals["accuracy"])
    with pytest.raises(AttributeError):
        e.n = 3


def test_roc_points_are_of_fake():
    fpr, tpr, thresholds = roc_points([0, 1], [0.9, 0.2])
    assert fpr.tolist() == [0, 0, 1]
    assert tpr.tolist() == [0, 1, 1]
    assert thresholds.tolist() == [np.inf, 0.9, 0.2]
    y, p = _drawn(200)
    fpr, tpr, _ = roc_points(y, p)
    assert np.trapezoid(tpr, fpr) == pytest.approx(evaluate(y, p, n_resamples=0).roc_auc)


def test_pr_points_are_of_fake():
    precision, recall, thresholds = pr_points([0, 1, 0], [0.9, 0.5, 0.2])
    assert thresholds.tolist() == [0.2, 0.5, 0.9]
    assert precision.tolist() == pytest.approx([2 / 3, 1 / 2, 1, 1])
    assert recall.tolist() == pytest.approx([1, 1 / 2, 1 / 2, 0])


@pytest.mark.parametrize("points", [roc_points, pr_points])
def test_curves_need_both_classes(points):
    with pytest.raises(ValueError, match="got only real ones"):
        points([1, 1], [0.5, 0.6])


def test_calibration_bins_by_hand():
    bins = calibration_bins([0, 1, 0, 0], [0.0, 0.1, 0.2, 0.85])
    assert bins.lower.tolist() == pytest.approx([0, 0.1, 0.8])
    assert bins.upper.tolist() == pytest.approx([0.1, 0.2, 0.9])
    assert bins.count.tolist() == [2, 1, 1]
    assert bins.mean_predicted.tolist() == pytest.approx([0.05, 0.2, 0.85])
    assert bins.observed.tolist() == [0.5, 1, 1]
    assert (bins.low <= bins.observed).all()
    assert (bins.observed <= bins.high).all()
    assert bins.high.tolist()[1:] == [1, 1]


def test_calibration_bins_hold_every_article_once():
    y, p = _drawn(500)
    bins = calibration_bins(y, p, n_bins=7)
    assert bins.count.sum() == 500
    assert (bins.observed * bins.count).sum() == pytest.approx((y == 0).sum())
    assert (bins.mean_predicted * bins.count).sum() == pytest.approx(p.sum())
    with pytest.raises(ValueError, match="at least one bin"):
        calibration_bins(y, p, n_bins=0)


@pytest.mark.parametrize(
    ("k", "n", "expected"), [(0, 5, (0.0, 0.4345)), (3, 7, (0.1582, 0.7495)), (40, 40, (0.9124, 1.0))]
)
def test_wilson_interval_by_hand(k, n, expected):
    assert wilson_interval(k, n) == pytest.approx(expected, abs=1e-4)


def test_a_resample_without_a_class_has_no_area_and_one_article_only_a_share():
    low, high = bootstrap_intervals([0, 1, 1], [0.9, 0.2, 0.3])["roc_auc"]
    assert (low, high) == (1.0, 1.0)
    assert bootstrap_intervals([0], [0.9]) == {"accuracy": wilson_interval(1, 1)}


def test_average_precision_by_hand():
    assert average_precision([0, 1, 0], [0.9, 0.5, 0.2]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    with pytest.raises(ValueError, match="needs fake and real"):
        average_precision([1, 1], [0.2, 0.4])


def test_a_single_resample_is_no_interval():
    assert evaluate([0, 1, 1], [0.9, 0.2, 0.3], n_resamples=1).intervals == {}
