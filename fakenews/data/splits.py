"""Splits that near duplicates never straddle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
_FOLDS, _TEST_FOLDS, _VALIDATION_FOLDS = 20, 3, 3  # 70 / 15 / 15


def grouped_split(labels: Sequence[int], groups: NDArray[np.int64], seed: int = 42) -> NDArray[np.str_]:
    """Return the stratified 70/15/15 split that keeps every group of near duplicates in one part.

    Raise `ValueError` if there are fewer than 20 groups to share out.

    For labels (0 fake, 1 real) and the `groups` of `duplicates.near_duplicate_groups`, both of shape (n,): "train",
    "validation" or "test" of each.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    y = np.asarray(labels)
    n_groups = len(np.unique(groups))
    if n_groups < _FOLDS:
        raise ValueError(f"A 70/15/15 split needs at least {_FOLDS} different articles, got {n_groups}.")
    split = np.full(len(y), "train", dtype="<U10")
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(np.zeros(len(y)), y, groups)
    for number, (_, held_out) in enumerate(folds):
        if number < _TEST_FOLDS:
            split[held_out] = "test"
        elif number < _TEST_FOLDS + _VALIDATION_FOLDS:
            split[held_out] = "validation"
    return split
