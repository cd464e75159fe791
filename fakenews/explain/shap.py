"""SHAP by its own library: Owen values over a tree of neighbouring words, sentences kept together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, read
from fakenews.explain.base import MaskedMargins, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.text import sentence_spans

SAMPLES = SampleRange("evaluations", default=300, minimum=20, maximum=5000)
_BATCH = 32  # masks the library asks for at once
_TIE = 1e-6  # log-odds; decides only which of two equally promising groups is opened first


class ShapExplainer(WordExplainer):
    """Owen values: credit is shared between groups of words, then inside the groups that matter most.

    Lundberg and Lee, NeurIPS 2017 (arXiv:1705.07874), by `shap.explainers.Partition`. The tree is fixed: sentences
    are joined by halves, the words of a sentence by halves. Groups that `n_samples` did not suffice to open share
    their credit equally. Weights and `base_value` (every word removed) sum to the margin. The seed decides only
    which of two groups of the same size of effect is opened first.
    """

    name: ClassVar[str] = "shap"
    samples: ClassVar[SampleRange | None] = SAMPLES

    def supports(self, classifier: object) -> bool:
        """Whether words can be removed for this classifier: true of all."""
        return isinstance(classifier, TextClassifier)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress
    ) -> WordWeights:
        starts = [span.start for span in read(text).source_spans()]
        n_words = len(starts)
        tree = word_tree(n_words, np.searchsorted(starts, [s.start for s in sentence_spans(text)]).tolist())
        expected = min(n_samples, 2 + n_words * (n_words - 1))
        margins = MaskedMargins(text, classifier, expected, progress)
        base_value, margin = margins(np.array([[False] * n_words, [True] * n_words])).tolist()
        # One word is no tree, and needs none: all credit is its own.
        weights = owen_values(margins, tree, n_samples, seed) if n_words > 1 else np.array([margin - base_value])
        return WordWeights(
            weights,
            base_value=base_value,
            margin=margin,
            settings={"max_evaluations": n_samples, "evaluations": margins.n_evaluated},
        )


def word_tree(n_words: int, sentence_starts: Sequence[int]) -> NDArray[np.float64]:
    """Binary tree over neighbouring words in scipy's linkage format.

    Parameters
    ----------
    n_words : int
        Number of leaves.
    sentence_starts : sequence of int
        Indices of words before which a group may be cut; a group without one is halved.

    Returns
    -------
    ndarray of shape (n_words - 1, 4)
        Left child, right child, 1 and number of leaves; the root is last.
    """
    cuts = np.unique(np.asarray(sentence_starts, dtype=np.int64))
    rows: list[tuple[float, float, float, float]] = []

    def grow(first: int, last: int) -> int:
        if last - first == 1:
            return first
        middle = (first + last) // 2
        inside = cuts[(cuts > first) & (cuts < last)]
        cut = int(inside[np.abs(inside - middle).argmin()]) if inside.size else middle
        rows.append((grow(first, cut), grow(cut, last), 1.0, last - first))
        return n_words + len(rows) - 1

    if n_words > 1:
        grow(0, n_words)
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def owen_values(
    value: Callable[[NDArray[np.bool_]], NDArray[np.float64]], tree: NDArray[np.float64], n_samples: int, seed: int
) -> NDArray[np.float64]:
    """Owen values of a set function.

    Parameters
    ----------
    value : callable
        Values of shape (n,) for masks of shape (n, n_features).
    tree : ndarray of shape (n_features - 1, 4)
        Groups, as `word_tree` gives them; at least two features.
    n_samples : int
        Masks that may be asked for.
    seed : int
        Decides between groups of equal effect.

    Returns
    -------
    ndarray of shape (n_features,)
        They sum to the value of all features minus the value of none.
    """
    from shap.explainers import PartitionExplainer
    from shap.maskers import Masker

    n_features = len(tree) + 1
    rng = np.random.default_rng(seed)

    class MaskItself(Masker):  # type: ignore[misc]
        """The model is asked about masks; there is nothing else to mask."""

        shape = (1, n_features)
        clustering = tree
        immutable_outputs = True

        def __call__(self, mask: NDArray[np.bool_], row: NDArray[np.bool_]) -> NDArray[np.bool_]:
            return mask.reshape(1, -1)

    def outputs(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
        # The library opens the group whose outputs differ most, and decides ties by numpy's global generator.
        # Two further outputs, a hair above and below, leave no ties, so that the seed decides and threads do not.
        values = value(masks)
        hair = _TIE * rng.standard_normal(len(values))
        return np.stack([values, values + hair, values - hair], axis=1)

    explainer = PartitionExplainer(outputs, MaskItself())
    budget = n_samples // 2 * 2  # the library asks in pairs, and would exceed an odd number
    found = explainer(np.ones((1, n_features), dtype=bool), max_evals=budget, batch_size=_BATCH, silent=True)
    return np.asarray(found.values[0, :, 0], dtype=np.float64)
