"""Exact and near duplicates: which articles are the same story in all but a few words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fakenews.text import TOKEN, clean

if TYPE_CHECKING:
    from datasketch import MinHash

SHINGLE_WORDS = 3
PERMUTATIONS = 128
NEAR = 0.8  # Jaccard similarity from which two texts are near duplicates


def shingles(text: str) -> frozenset[str]:
    """Return lower-case runs of three words of the neutral text; shorter texts are one shingle."""
    words = TOKEN.findall(clean(text).text.lower())
    if len(words) < SHINGLE_WORDS:
        return frozenset({" ".join(words)})
    return frozenset(" ".join(words[i : i + SHINGLE_WORDS]) for i in range(len(words) - SHINGLE_WORDS + 1))


def near_duplicate_groups(
    texts: Sequence[str],
    threshold: float = NEAR,
    seed: int = 42,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.int64]:
    """Give every text the number of its group of near duplicates.

    MinHash finds candidates (Broder 1997, through datasketch); their exact Jaccard similarity decides.
    Groups are the connected components of "Jaccard ≥ threshold".

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
    from datasketch import MinHashLSH
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not 0.0 < threshold <= 1.0:
        raise ValueError(f"threshold must lie in (0, 1], got {threshold}.")
    n = len(texts)
    index = MinHashLSH(threshold=max(0.05, threshold - 0.1), num_perm=PERMUTATIONS)
    sets = [shingles(text) for text in texts]
    pairs: list[tuple[int, int]] = []
    for i, one in enumerate(sets):
        sketch = _sketch(one, seed)
        for j in index.query(sketch):
            if _are_near(one, sets[j], threshold):
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


def near_copies(
    texts: Sequence[str], reference: Sequence[str], threshold: float = NEAR, seed: int = 42
) -> NDArray[np.bool_]:
    """Return which of `texts` are near duplicates of a text of `reference`.

    Sketches are kept, 1 KB each beside the text: many calls on the same texts clean and hash each of them once.

    Returns
    -------
    ndarray of shape (n_texts,), bool
    """
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=max(0.05, threshold - 0.1), num_perm=PERMUTATIONS)
    for i, text in enumerate(reference):
        index.insert(i, _kept_sketch(text, seed))
    near = np.zeros(len(texts), dtype=bool)
    for i, text in enumerate(texts):
        candidates = index.query(_kept_sketch(text, seed))
        own = shingles(text) - {""} if candidates else frozenset()  # texts without a word are no copies of each other
        near[i] = bool(own) and any(_are_near(own, shingles(reference[j]), threshold) for j in candidates)
    return near


def _are_near(one: frozenset[str], other: frozenset[str], threshold: float) -> bool:
    return len(one & other) >= threshold * len(one | other)


def _sketch(shingled: frozenset[str], seed: int) -> MinHash:
    from datasketch import MinHash

    sketch = MinHash(num_perm=PERMUTATIONS, seed=seed)
    sketch.update_batch([s.encode() for s in sorted(shingled)])
    return sketch


@lru_cache(maxsize=32_768)
def _kept_sketch(text: str, seed: int) -> MinHash:
    return _sketch(shingles(text), seed)
