"""How far a text lies from what a classifier was trained on, in the classifier's own vectors.

A few dozen centroids stand for the training articles: they are small, hold no text, and the distance to the nearest
is one matrix product. The line above which a text counts as unlike the training data is a quantile of held-out
articles and travels in the model's settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.entries import Entries

FILE = "novelty.safetensors"
N_CENTROIDS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Centroids:
    """Centers of the training articles."""

    # shape (width,): of the training vectors; distances are taken from here, because hidden states share a large common
    # part
    mean: NDArray[np.float32]
    directions: NDArray[np.float32]  # shape (n_centroids, width): unit length

    def distances(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return 1 minus the cosine to the nearest centroid, shape (n,), in [0, 2], of vectors of shape (n, width)."""
        nearest = (unit(vectors - self.mean) @ self.directions.T).max(axis=1)
        return np.asarray(1.0 - nearest, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write `novelty.safetensors`, half precision."""
        from safetensors.numpy import save_file

        halves = {"mean": self.mean, "directions": self.directions}
        save_file({name: np.ascontiguousarray(a, dtype=np.float16) for name, a in halves.items()}, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Centroids | None:
        """Read what `save` wrote; None where there is nothing."""
        from safetensors.numpy import load_file

        if not (folder / FILE).is_file():
            return None
        stored = Entries({name: a.astype(np.float32) for name, a in load_file(folder / FILE).items()})
        return cls(stored["mean"], unit(stored["directions"]))


def fit_centroids(vectors: NDArray[np.float32], n_centroids: int = N_CENTROIDS, seed: int = 42) -> Centroids:
    """Fit centroids of training vectors of shape (n, width) by k-means on their directions.

    Raise `ValueError` if there are no vectors.
    """
    from sklearn.cluster import KMeans

    if not len(vectors):
        raise ValueError("Centroids need at least one training article.")
    # As they are stored, so that what was fitted is what goes on answering.
    mean = vectors.mean(axis=0).astype(np.float16).astype(np.float32)
    directions = unit(vectors - mean)
    n = min(n_centroids, len(np.unique(directions, axis=0)))
    centers = KMeans(n, n_init=1, random_state=seed).fit(directions).cluster_centers_
    return Centroids(mean, unit(unit(centers).astype(np.float16).astype(np.float32)))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide vectors of shape (…, width) by their length; those of no length stay as they are."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)
