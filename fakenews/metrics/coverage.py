"""Coverage and risk: how much error is avoided by answering only where the classifier is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakenews.metrics.evaluation import check_arrays, predict_labels
from fakenews.schema import JsonValue

COVERAGES = (0.7, 0.8, 0.9, 1.0)
SCORE = "max(p, 1 - p)"


@dataclass(frozen=True, slots=True)
class CoverageRisk(JsonValue):
    """Selective classification of one set of articles, most confident first.

    El-Yaniv and Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010; the area is that
    of Geifman et al., ICLR 2019 (arXiv:1805.08206).
    """

    score: str  # what confidence is: the calibrated probability of the predicted class
    # Mean error over all coverages, in [0, 1]; lower is better. A score that knows nothing has the error at 1.0.
    area: float
    # Share of wrong answers among the most confident articles, by coverage: "0.7", "0.8", "0.9", "1.0"
    error: Mapping[str, float]


def coverage_risk(labels: ArrayLike, p_fake: ArrayLike) -> CoverageRisk:
    """Measure how error falls with coverage; `labels` and `p_fake` as in `metrics.evaluate`.

    Raise `ValueError` as `metrics.check_arrays` does.
    """
    risks = risk_curve(labels, p_fake)
    n = len(risks)
    error = {f"{c:.1f}": float(risks[max(1, round(c * n)) - 1]) for c in COVERAGES}
    return CoverageRisk(SCORE, float(risks.mean()), error)


def risk_curve(labels: ArrayLike, p_fake: ArrayLike) -> NDArray[np.float64]:
    """Share of wrong answers among the k + 1 most confident articles, shape (n,), k from 0.

    Articles of equal confidence come in no order: each counts with the mean error of them all, so that clipped
    probabilities, of which there are many, do not let the order of the rows decide.

    Raise `ValueError` as `metrics.check_arrays` does.
    """
    y, p = check_arrays(labels, p_fake)
    wrong = (predict_labels(p) != y).astype(np.float64)
    _, group = np.unique(-np.maximum(p, 1 - p), return_inverse=True)
    expected = np.bincount(group, weights=wrong) / np.bincount(group)
    ranked = expected[np.sort(group)]
    curve: NDArray[np.float64] = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return curve
