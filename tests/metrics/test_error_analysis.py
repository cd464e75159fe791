"""Misclassified and doubtful articles, by hand."""

import numpy as np
import pytest

from fakenews.metrics.error_analysis import (
    cell_mask,
    close_to_call,
    misclassified,
)

LABELS = np.array([0, 0, 1, 1, 0, 1])
P_FAKE = np.array([0.9, 0.3, 0.6, 0.1, 0.05, 0.95])


@pytest.mark.parametrize(("true", "predicted", "expected"), [(0, 0, [0]), (0, 1, [1, 4]), (1, 0, [2, 5]), (1, 1, [3])])
def test_cells(true, predicted, expected):
    assert np.flatnonzero(cell_mask(LABELS, P_FAKE, 0.5, true, predicted)).tolist() == expected


def test_cells_follow_the_threshold():
    assert np.flatnonzero(cell_mask(LABELS, P_FAKE, 0.7, 1, 0)).tolist() == [5]


def test_a_cell_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"got \(2, 0\)"):
        cell_mask(LABELS, P_FAKE, 0.5, 2, 0)


def test_misclassified_start_with_the_most_confident():
    # 4: real at 0.95; 5: fake at 0.95; 1: real at 0.7; 2: fake at 0.6
    assert misclassified(LABELS, P_FAKE).tolist() == [4, 5, 1, 2]
    assert misclassified([0, 1], [0.9, 0.1]).tolist() == []


def test_close_to_call_lies_about_the_threshold():
    assert close_to_call([0.39, 0.45, 0.5, 0.58, 0.7]).tolist() == [False, True, True, True, False]
    assert close_to_call([0.5, 0.85], threshold=0.9).tolist() == [False, True]
