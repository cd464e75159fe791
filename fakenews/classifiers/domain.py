"""How in-domain a text is: like the first training corpus or not, by a linear head on a classifier's features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

C = 1.0  # inverse strength of the L2 penalty


@dataclass(frozen=True, slots=True, eq=False)
class DomainHead:
    """A logistic regression of "from the first training corpus" against "from one of the others"."""

    weights: NDArray[np.float32]  # shape (n_features,)
    bias: float

    def log_odds(self, features: Any) -> NDArray[np.float64]:
        """Return the log-odds of in-domain, shape (n,), of features of shape (n, n_features), sparse or dense."""
        return np.asarray(features @ self.weights.astype(np.float64) + self.bias, dtype=np.float64)

    def in_domain(self, features: Any) -> NDArray[np.float64]:
        """Return how in-domain texts are, shape (n,), in [0, 1]."""
        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)


def fit_domain_head(
    features: Any,
    in_domain: Sequence[bool] | NDArray[np.bool_],
    sample_weight: Sequence[float] | NDArray[np.float64] | None = None,
) -> DomainHead | None:
    """Fit a domain head; the first corpus and the others weigh alike, and dense features are standardized.

    Parameters
    ----------
    features : array or sparse matrix of shape (n, n_features)
    in_domain : sequence of bool
        Whether each text is from the first training corpus.
    sample_weight : sequence of float, optional
        How much each text counts within its side; all alike if left out.

    Returns
    -------
    DomainHead or None
        None where all texts are on one side.
    """
    from scipy.sparse import issparse
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    home = np.asarray(in_domain, dtype=bool)
    if home.all() or not home.any():
        return None
    weight = np.ones(len(home)) if sample_weight is None else np.array(sample_weight, dtype=np.float64)
    for side in (home, ~home):
        weight[side] *= len(home) / 2 / weight[side].sum()
    regression = LogisticRegression(C=C, max_iter=2000, tol=1e-3)
    if issparse(features):
        regression.fit(features, home, weight)
        weights, bias = regression.coef_[0], regression.intercept_[0]
    else:
        scaler = StandardScaler().fit(features, sample_weight=weight)
        norm = np.sqrt(features.shape[1])  # so that texts have about unit length, as those of TF-IDF
        regression.fit((scaler.transform(features) / norm).astype(np.float32), home, weight)
        weights = regression.coef_[0] / (scaler.scale_ * norm)
        bias = regression.intercept_[0] - weights @ scaler.mean_
    return DomainHead(weights.astype(np.float32), float(np.float32(bias)))
