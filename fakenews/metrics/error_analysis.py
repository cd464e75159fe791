"""Which articles to look at: the misclassified ones, the cells of the confusion matrix, and reasons to doubt.

A reason is one small function on arrays that needs no model and gives a mask, so that reasons combine with `&`, `|`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakenews.metrics.evaluation import check_arrays, predict_labels
from fakenews.schema import FAKE, REAL


def cell_mask(labels: ArrayLike, p_fake: ArrayLike, threshold: float, true: int, predicted: int) -> NDArray[np.bool_]:
    """Mask of shape (n,): the articles of one cell of the confusion matrix.

    Raise `ValueError` if there is no such cell, or as in `metrics.check_arrays`.

    Parameters
    ----------
    labels, p_fake : array-like of shape (n,)
    threshold : float
        Predict fake from this probability on.
    true, predicted : int
        Row and column of the cell, indices into `LABELS`.
    """
    if true not in (FAKE, REAL) or predicted not in (FAKE, REAL):
        raise ValueError(f"A cell is 0 (fake) or 1 (real) in each direction, got ({true}, {predicted}).")
    y, p = check_arrays(labels, p_fake)
    mask: NDArray[np.bool_] = (y == true) & (predict_labels(p, threshold) == predicted)
    return mask


def misclassified(labels: ArrayLike, p_fake: ArrayLike, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the positions of the errors, the most confident first, equal ones in their order; shape (n_errors,)."""
    y, p = check_arrays(labels, p_fake)
    predicted = predict_labels(p, threshold)
    wrong = np.flatnonzero(predicted != y)
    confidence = np.where(predicted == FAKE, p, 1 - p)[wrong]
    return wrong[np.argsort(-confidence, kind="stable")]


def close_to_call(p_fake: ArrayLike, *, threshold: float = 0.5, width: float = 0.1) -> NDArray[np.bool_]:
    """Mask of shape (n,): probabilities no further than `width` from the threshold."""
    return np.abs(np.asarray(p_fake, dtype=np.float64) - threshold) <= width
