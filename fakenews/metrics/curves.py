"""Curves over thresholds and bins of probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakenews.metrics.evaluation import _bin_of, _need_both, check_arrays, wilson_interval
from fakenews.schema import FAKE


class RocPoints(NamedTuple):
    """Corners of a ROC curve, shapes (n_points,), from (0, 0) to (1, 1); the first threshold is infinite."""

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class PrPoints(NamedTuple):
    """Points of a precision-recall curve, shapes (n_points,), (n_points,) and (n_points - 1,), recall falling to 0."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationBins:
    """A reliability diagram in numbers; every array has shape (n_bins_used,), bins without articles are left out."""

    lower: NDArray[np.float64]  # lower, upper: edges: lower < probability of fake <= upper; the first bin holds 0 too
    upper: NDArray[np.float64]
    mean_predicted: NDArray[np.float64]  # mean probability of fake of the articles in the bin
    observed: NDArray[np.float64]  # share of them that are fake
    count: NDArray[np.int64]
    low: NDArray[np.float64]  # low, high: 95% Wilson interval of `observed`
    high: NDArray[np.float64]


def roc_points(labels: ArrayLike, p_fake: ArrayLike) -> RocPoints:
    """Return the ROC curve of `fake`: false and true positive rates at falling thresholds.

    Raise `ValueError` as `check_arrays` does; also where only one class occurs.
    """
    from sklearn.metrics import roc_curve

    y, p = check_arrays(labels, p_fake)
    _need_both(y, "A ROC curve")
    return RocPoints(*roc_curve(y == FAKE, p))


def pr_points(labels: ArrayLike, p_fake: ArrayLike) -> PrPoints:
    """Return the precision and recall of `fake` at rising thresholds.

    Raise `ValueError` as `check_arrays` does; also where only one class occurs.
    """
    from sklearn.metrics import precision_recall_curve

    y, p = check_arrays(labels, p_fake)
    _need_both(y, "A precision-recall curve")
    return PrPoints(*precision_recall_curve(y == FAKE, p, drop_intermediate=True))


def average_precision(labels: ArrayLike, p_fake: ArrayLike) -> float:
    """Average the precision of `fake` over its recall as scikit-learn does: a sum of steps, no interpolation.

    Raise `ValueError` as `check_arrays` does; also where only one class occurs.
    """
    from sklearn.metrics import average_precision_score

    y, p = check_arrays(labels, p_fake)
    _need_both(y, "Average precision")
    return float(average_precision_score(y == FAKE, p))


def calibration_bins(labels: ArrayLike, p_fake: ArrayLike, n_bins: int = 10) -> CalibrationBins:
    """Return the observed share of fake articles against the predicted probability of fake, in equal-width bins.

    Raise `ValueError` as `check_arrays` does; also where `n_bins` is below 1.
    """
    y, p = check_arrays(labels, p_fake)
    if n_bins < 1:
        raise ValueError(f"Expected at least one bin, got {n_bins}.")
    bins = _bin_of(p, n_bins)
    count = np.bincount(bins, minlength=n_bins)
    used = np.flatnonzero(count)
    count = count[used]
    fake = np.bincount(bins, weights=y == FAKE, minlength=n_bins)[used]
    low, high = np.array([wilson_interval(k, n) for k, n in zip(fake, count, strict=True)]).T
    return CalibrationBins(
        lower=used / n_bins,
        upper=(used + 1) / n_bins,
        mean_predicted=np.bincount(bins, weights=p, minlength=n_bins)[used] / count,
        observed=fake / count,
        count=count,
        low=low,
        high=high,
    )
