"""Numbers in print: decimals are fixed, and nothing is ever "100%"."""

from dataclasses import replace

import numpy as np
import pytest

from fakenews.metrics.evaluation import evaluate
from fakenews.reporting.digits import METRIC_NAMES, area_text, listed, metric_text, percent_text, share_text, size_text

BASE = evaluate([0, 1] * 500, [0.9, 0.1] * 500, n_resamples=0)


def _text(metric, value, low, high, n=1000):
    return str(metric_text(replace(BASE, n=n, **{metric: value}, intervals={metric: (low, high)}), metric))


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.97751, 0.9702, 0.9849, "97.8% (97.0–98.5)"),
        (0.62342, 0.5512, 0.7, "62.3% (55.1–70.0)"),
        (0.99999, 0.9991, 1.0, "> 99.9% (≥ 99.9)"),
        (1.0, 0.95, 1.0, "> 99.9% (≥ 95.0)"),
        (0.0001, 0.0, 0.05, "< 0.1% (0.0–5.0)"),
    ],
)
def test_accuracy_in_per_cent(value, low, high, expected):
    assert _text("accuracy", value, low, high) == expected


@pytest.mark.parametrize(
    ("metric", "value", "low", "high", "expected"),
    [
        ("roc_auc", 0.99812, 0.9971, 0.9989, "0.998 (0.997–0.999)"),
        ("roc_auc", 0.61, 0.5, 0.72, "0.610 (0.500–0.720)"),
        ("roc_auc", 1.0, 1.0, 1.0, "> 0.999"),
        ("macro_f1", 0.9781, 0.97, 0.985, "0.978 (0.970–0.985)"),
        ("ece", 0.0183, 0.012, 0.027, "0.018 (0.012–0.027)"),
        ("ece", 0.0001, 0.0, 0.002, "< 0.001 (0.000–0.002)"),
        ("log_loss", 1.0, 0.9, 1.1, "1.000 (0.900–1.100)"),
    ],
)
def test_other_metrics_as_they_are(metric, value, low, high, expected):
    assert _text(metric, value, low, high) == expected


def test_decimals_are_fixed_whatever_the_number_of_articles_and_without_an_interval():
    assert str(metric_text(replace(BASE, n=8, accuracy=0.82238), "accuracy")) == "82.2%"
    assert str(metric_text(replace(BASE, n=60_000, roc_auc=0.91234), "roc_auc")) == "0.912"


def test_a_metric_that_does_not_exist_is_a_dash():
    assert str(metric_text(replace(BASE, roc_auc=None), "roc_auc")) == "–"


@pytest.mark.parametrize("n", [1, 2, 8, 80, 5000])
@pytest.mark.parametrize("right", [True, False])
def test_every_metric_prints_and_none_is_perfect(n, right):
    y = np.arange(n) % 2
    e = evaluate(y, np.where((y == 0) == right, 1.0, 0.0), n_resamples=50)
    for metric in METRIC_NAMES:
        text = str(metric_text(e, metric))
        assert "100" not in text
        assert text
    assert str(metric_text(e, "accuracy")).startswith("> 99" if right else "< ")


@pytest.mark.parametrize(("share", "expected"), [(0.974, "97%"), (0.999, "> 99%"), (1.0, "> 99%"), (0.0, "< 1%")])
def test_whole_per_cent(share, expected):
    assert percent_text(share) == expected


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (739, 753, "98.1%"),
        (14, 753, "1.9%"),
        (6, 8, "75.0%"),
        (49_999, 50_000, "> 99.9%"),
        (1, 50_000, "< 0.1%"),
        (753, 753, "all"),
        (0, 753, "none"),
        (0, 0, "–"),
    ],
)
def test_shares(part, whole, expected):
    assert share_text(part, whole) == expected


def test_an_area_has_the_digits_of_the_roc_auc():
    assert (area_text(0.98765), area_text(0.9999)) == ("0.988", "> 0.999")


def test_of_one_class_there_is_no_macro_f1():
    real_alone = evaluate([1] * 4, [0.1, 0.2, 0.3, 0.9], n_resamples=50)
    assert str(metric_text(real_alone, "macro_f1")) == "–"
    assert metric_text(real_alone, "accuracy").value == "75.0%"


def test_a_size_is_never_nothing():
    assert (size_text(28.71), size_text(0.05), size_text(0.0013)) == ("28.7 MB", "0.1 MB", "less than 0.1 MB")


def test_a_list_is_read_aloud():
    assert [listed(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
