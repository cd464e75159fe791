"""Checks of what a classifier is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Weights = Sequence[float] | NDArray[np.float64]  # how much each text counts


def check_texts(texts: Sequence[str]) -> list[str]:
    """Refuse what is not a sequence of strings, the bare string above all.

    Raise `TypeError` if `texts` is one string, or holds something else than strings.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(f"Expected a sequence of texts, got one {type(texts).__name__}: put it in a list.")
    texts = list(texts)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"Expected texts to be str, got {type(text).__name__} at position {i}.")
    return texts


def check_labels(texts: Sequence[str], labels: Sequence[int]) -> NDArray[np.int64]:
    """Return labels as an array of 0 (fake) and 1 (real), both present, one per text.

    Raise `ValueError` if the lengths differ, a label is neither 0 nor 1, or one class is missing.
    """
    y = np.asarray(labels, dtype=np.int64)
    if len(y) != len(texts):
        raise ValueError(f"Got {len(texts)} texts and {len(y)} labels: one label per text is needed.")
    if set(np.unique(y).tolist()) != {0, 1}:
        raise ValueError(f"Labels must be 0 (fake) and 1 (real), both present; got {np.unique(y).tolist()}.")
    return y


def check_weights(y: NDArray[np.int64], weights: Weights | None) -> NDArray[np.float64] | None:
    """Return weights as an array of positive numbers, one per label; None if there are none.

    Raise `ValueError` if their number differs from the labels', or one is not positive.
    """
    if weights is None:
        return None
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != y.shape or not (values > 0).all():
        raise ValueError(f"Expected {len(y)} positive weights, one per text, got shape {values.shape}.")
    return values
