"""Private attributes of other packages that nothing public replaces: a function each, with a test each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier


def boosted_trees(grown: HistGradientBoostingClassifier) -> tuple[list[NDArray[np.void]], float]:
    """Return the nodes of every tree of a fitted two-class model, and the score before the first tree.

    scikit-learn stores a fitted model as a pickle only, and skops refuses the type of its trees.
    """
    return [trees[0].nodes for trees in grown._predictors], float(grown._baseline_prediction.item())
