"""Gradient-boosted trees as plain arrays: what scikit-learn grew, stored and asked without it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.compat import boosted_trees

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier


@dataclass(frozen=True, slots=True)
class Trees:
    """All nodes of all trees, one after another; a leaf is its own child."""

    roots: NDArray[np.int32]  # shape (n_trees,): first node of each tree
    # feature, left, right: shape (n_nodes,): at a node, the left child is taken where the feature is at most the
    # threshold
    feature: NDArray[np.int32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    # threshold, value: shape (n_nodes,): the value of a leaf is added to the score; that of any other node is 0
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    depth: int  # most steps from a root to a leaf
    baseline: float  # score before the first tree

    @classmethod
    def of(cls, grown: HistGradientBoostingClassifier) -> Trees:
        """Return the nodes of a fitted two-class model without categories; missing values are not expected."""
        nodes, baseline = boosted_trees(grown)
        sizes = np.array([len(part) for part in nodes])
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        offset = np.repeat(roots, sizes)
        joined = np.concatenate(nodes)
        leaf = joined["is_leaf"].astype(bool)
        own = np.arange(len(joined))
        return cls(
            roots=roots.astype(np.int32),
            feature=np.where(leaf, 0, joined["feature_idx"]).astype(np.int32),
            left=np.where(leaf, own, joined["left"] + offset).astype(np.int32),
            right=np.where(leaf, own, joined["right"] + offset).astype(np.int32),
            threshold=np.where(leaf, 0.0, joined["num_threshold"]),
            value=np.where(leaf, joined["value"], 0.0),
            depth=int(joined["depth"].max()),
            baseline=baseline,
        )

    @classmethod
    def from_tensors(cls, tensors: dict[str, NDArray[np.generic]]) -> Trees:
        """Invert `tensors`."""
        stored = {f.name: tensors[f.name] for f in fields(cls)}
        return cls(**{**stored, "depth": stored["depth"].item(), "baseline": stored["baseline"].item()})

    def tensors(self) -> dict[str, NDArray[np.generic]]:
        """Return arrays for a safetensors file."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**arrays, "depth": np.array([self.depth], np.int32), "baseline": np.array([self.baseline], np.float64)}

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the baseline and leaves summed, shape (n,), for features of shape (n, n_features)."""
        rows = np.arange(len(features))[:, None]
        at = np.broadcast_to(self.roots, (len(features), len(self.roots)))  # [n, n_trees]
        for _ in range(self.depth):
            goes_left = features[rows, self.feature[at]] <= self.threshold[at]
            at = np.where(goes_left, self.left[at], self.right[at])
        return np.asarray(self.baseline + self.value[at].sum(axis=1), dtype=np.float64)
