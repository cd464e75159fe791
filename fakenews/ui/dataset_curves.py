"""The panel of curves in the Dataset tab: one figure, the sentence that says what it shows, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from fakenews.metrics.curves import CalibrationBins, average_precision, calibration_bins, pr_points, roc_points
from fakenews.reporting import plots
from fakenews.reporting.digits import area_text, metric_text, share_text
from fakenews.schema import FAKE
from fakenews.ui import render
from fakenews.ui.measured import Looked
from fakenews.ui.templates import draw

CURVES = (("ROC", "roc"), ("Precision–recall", "pr"), ("Calibration", "calibration"))
ONE_CLASS = "There are articles of one class only, so there is no such curve: pick Calibration."
STEPS = tuple(step / 10 for step in range(1, 10))  # thresholds in the table


def panel(title: str, looked: Looked) -> tuple[Any, Markup]:
    """Return the picked figure of a model called `title`, with its sentence and its table drawn below."""
    kind, result, threshold = looked.view.curve, looked.result, looked.view.threshold
    if kind == "calibration":
        bins = calibration_bins(looked.labels, looked.p_fake)
        return plots.calibration_figure(title, bins), _below(plots.describe_calibration(bins), *_bins(bins))
    if result.roc_auc is None:
        return None, render.caption(ONE_CLASS)
    (found, _), (mistaken, _) = result.confusion_matrix
    recall, called = found / result.n_fake, found + mistaken
    if kind == "roc":
        roc = roc_points(looked.labels, looked.p_fake)
        curve = plots.Curve(title, roc.fpr, roc.tpr, metric_text(result, "roc_auc").value)
        mark = plots.OperatingPoint(mistaken / result.n_real, recall, threshold)
        return plots.roc_figure(curve, mark), _below(plots.describe_roc(curve), *_thresholds(looked))
    pr = pr_points(looked.labels, looked.p_fake)
    curve = plots.Curve(title, pr.recall, pr.precision, area_text(average_precision(looked.labels, looked.p_fake)))
    guessing = result.n_fake / result.n
    at = plots.OperatingPoint(recall, found / called, threshold) if called else None
    return plots.pr_figure(curve, guessing, at), _below(plots.describe_pr(curve, guessing), *_thresholds(looked))


def _below(sentence: str, headers: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Markup:
    return draw("parts", "numbers", sentence=sentence, headers=[(name, True) for name in headers], rows=rows)


def _bins(bins: CalibrationBins) -> tuple[list[str], Sequence[tuple[str, ...]]]:
    rows = zip(bins.lower, bins.upper, bins.mean_predicted, bins.observed, bins.low, bins.high, bins.count, strict=True)
    return ["Probability given", "Mean", "Share fake", "95% interval", "Articles"], [
        (f"{lower:.1f}–{upper:.1f}", f"{mean:.2f}", f"{observed:.2f}", f"{low:.2f}–{high:.2f}", f"{count:,}")
        for lower, upper, mean, observed, low, high, count in rows
    ]


def _thresholds(looked: Looked) -> tuple[list[str], list[tuple[str, ...]]]:
    is_fake = looked.labels == FAKE
    rows: list[tuple[str, ...]] = []
    for threshold in sorted({*STEPS, looked.view.threshold}):
        called = looked.p_fake >= threshold
        found, mistaken = int(np.sum(called & is_fake)), int(np.sum(called & ~is_fake))
        shares = (share_text(found, int(is_fake.sum())), share_text(mistaken, int(np.sum(~is_fake))))
        rows.append((f"{threshold:.2f}", *shares, share_text(found, found + mistaken)))
    return ["Threshold", "Fake articles found", "Real ones taken for fake", "Precision"], rows
