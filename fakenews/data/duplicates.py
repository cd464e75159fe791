"""Exact and near duplicates: which articles are the same story in all but a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from fakenews.text import WORD, neutralise

SHINGLE_WORDS = 3
PERMUTATIONS = 128


def shingles(text: str) -> frozenset[str]:
    """Lower-cased runs of three words of the neutral text; shorter texts give themselves."""
    words = WORD.findall(neutralise(text).text.lower())
    if len(words) < SHINGLE_WORDS:
        return frozenset({" ".join(words)})
    return frozenset(" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1))


def near_duplicate_groups(
    texts: Sequence[str],
    threshold: float = 0.8,
    seed: int = 42,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.int64]:
    """Give every text the number of its group of near duplicates.

    MinHash finds candidates (Broder 1997, through datasketch); their exact Jaccard similarity decides.
    Groups are the connected components of «Jaccard ≥ threshold».

    Parameters
    ----------
    texts : sequence of str
        Bodies of articles; cleaned here, so typography does not hide a twin.
    threshold : float
        Jaccard similarity of the three-word shingles, in (0, 1].
    seed : int
        Seed of the hash permutations.
    progress : callable, optional
        Called with the fraction done, in [0, 1].

    Returns
    -------
    ndarray of shape (n_texts,), int64
        Group numbers from 0, in order of first appearance.
    """
    from datasketch import MinHash, MinHashLSH
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold}.")
    n = len(texts)
    index = MinHashLSH(threshold=max(0.05, threshold - 0.1), num_perm=PERMUTATIONS)
    sets = [shingles(text) for text in texts]
    pairs: list[tuple[int, int]] = []
    for i, one in enumerate(sets):
        sketch = MinHash(num_perm=PERMUTATIONS, seed=seed)
        sketch.update_batch([s.encode() for s in sorted(one)])
        for j in index.query(sketch):
            if len(one & sets[j]) >= threshold * len(one | sets[j]):
                pairs.append((i, j))
        index.insert(i, sketch)
        if progress and i % 200 == 0:
            progress(i / n)
    if not n:
        return np.zeros(0, dtype=np.int64)
    rows, columns = (np.array([p[k] for p in pairs], dtype=np.int64) for k in (0, 1))
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(n, n))
    _, component = connected_components(graph, directed=False)
    _, first, inverse = np.unique(component, return_index=True, return_inverse=True)
    if progress:
        progress(1.0)
    return np.argsort(np.argsort(first))[inverse].astype(np.int64)
