"""LIME: a linear model of the margins of variants with words removed, from a gradient's first guess."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, read
from fakenews.explain.base import MaskedMargins, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.surrogate import budget, deviation, first_guess, is_settled, rank_agreement

SAMPLES = SampleRange("samples", default=300, minimum=20, maximum=20_000)
DEFAULT_WORDS = 16_000  # words read by default, all variants together, where there is a first guess
ROUND = 16  # variants between two refinements, at first
KERNEL_WIDTH = 0.25  # of the cosine distance between the words kept and all words
_GOLDEN = (5**0.5 - 1) / 2


class LimeExplainer(WordExplainer):
    """Weights of a linear model fitted to the margins of variants with words removed, those near the text first.

    Ribeiro, Singh and Guestrin, «Why Should I Trust You?», KDD 2016 (arXiv:1602.04938): numbers of removed words,
    cosine kernel and its width are those of the authors' `lime`, but variants are drawn as often as the kernel weighs
    them, and in pairs that remove different words. We differ from its defaults in fitting log-odds instead of
    probabilities, in telling apart the places of a repeated word, and in fitting only what a first guess leaves over:
    the exact weights of a linear classifier, or two steps of integrated gradients. `base_value` is the local
    intercept, `fidelity` the R² of the local model on its own variants: with fewer of them than words it flatters.
    """

    name: ClassVar[str] = "lime"
    samples: ClassVar[SampleRange | None] = SAMPLES

    def supports(self, classifier: object) -> bool:
        """Whether words can be removed for this classifier: true of all."""
        return isinstance(classifier, TextClassifier)

    def default_samples(self, text: str, classifier: TextClassifier) -> int:
        """So many that about `DEFAULT_WORDS` words are read; more where there is no guess to start from."""
        return budget(text, classifier, SAMPLES, DEFAULT_WORDS)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress
    ) -> Iterator[WordWeights]:
        n_words = len(read(text).words)
        guess = first_guess(text, classifier, progress)
        margins = MaskedMargins(text, classifier, n_samples, progress)
        pairs = pairs_of_variants(n_words, np.random.default_rng(seed))
        keep = np.ones((1, n_words), dtype=bool)
        values = margins(keep)
        may_stop, settled, last = n_samples <= self.default_samples(text, classifier), 0, False
        while not last:
            size = min(max(ROUND, len(keep) // 2), n_samples - len(keep))
            drawn = np.concatenate([next(pairs) for _ in range((size + 1) // 2)])[:size]
            keep, values = np.concatenate([keep, drawn]), np.append(values, margins(drawn))
            weights, intercept, fidelity = local_model(keep, values, guess.weights)
            halves = [[0, *range(1 + 2 * h, len(keep), 4), *range(2 + 2 * h, len(keep), 4)] for h in (0, 1)]
            one, other = (local_model(keep[h], values[h], guess.weights)[0] for h in halves)
            stability = rank_agreement(one, other)
            settled = settled + 1 if may_stop and is_settled(stability, len(keep)) else 0
            last = len(keep) >= n_samples or settled > 1
            yield WordWeights(
                weights,
                base_value=intercept,
                margin=float(values[0]),
                fidelity=fidelity,
                stability=stability,
                settings={"samples": len(keep), "evaluations": margins.n_evaluated, "guess": guess.rule},
                share=1.0 if last else len(keep) / n_samples,
            )


def pairs_of_variants(n_words: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Variants without end, two and two, shape (2, n_words): as many words removed of each, not the same ones.

    The number removed is drawn as often as the kernel weighs it, evenly over its distribution.
    """
    removed = np.arange(1, n_words + 1)
    distance = 1.0 - np.sqrt(1.0 - removed / n_words)  # cosine, between the words kept and all of them
    kernel = np.sqrt(np.exp(-((distance / KERNEL_WIDTH) ** 2)))
    upto = np.cumsum(kernel) / kernel.sum()
    u = float(rng.random())
    while True:
        u = (u + _GOLDEN) % 1.0
        size = int(removed[min(int(np.searchsorted(upto, u)), n_words - 1)])
        order = rng.permutation(n_words)
        keep = np.ones((2, n_words), dtype=bool)
        keep[0, order[:size]] = False
        keep[1, order[n_words - size :]] = False
        yield keep


def local_model(
    keep: NDArray[np.bool_], values: NDArray[np.float64], guess: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """Weights of shape (n_words,), intercept and R² of a linear model of `values` (n,) in `keep` (n, n_words)."""
    z = keep.astype(np.float64)
    mean, level = z.mean(axis=0), float(values.mean())
    left = values - level - (z - mean) @ guess
    weights = guess + deviation(z - mean, left, np.ones(len(z)), guess)
    spread = float(((values - level) ** 2).sum())
    missed = float(((values - level - (z - mean) @ weights) ** 2).sum())
    return weights, level - float(mean @ weights), 1.0 - missed / spread if spread > 0 else 1.0
