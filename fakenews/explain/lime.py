"""LIME: a linear model of the log-odds of perturbed samples, with words removed, with a gradient as its prior."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.base import MaskedLogOdds, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.gradient import Differentiable, gradients_at
from fakenews.explain.surrogate import Prior, budget, has_converged, prior_of, rank_agreement, ridge_correction

SAMPLES = SampleRange("samples", default=300, minimum=20, maximum=20_000)
DEFAULT_WORDS = 8_000  # words read by default, all samples together, where there is a prior
GRADIENT_WORDS = 5_300  # words of the samples whose gradients are the prior
GRADIENTS_COST = 3  # samples that can be asked in the time of gradients at one
HALFWAY = 4  # one in so many words of such a sample, or in a few more, is half masked
FEWEST_GRADIENTS, MOST_GRADIENTS = 2 * HALFWAY, 32  # such samples
WORTH = 8  # such samples that integrated gradients, biased but without noise, are worth
ROUND = 16  # samples between two refinements, at first
KERNEL_WIDTH = 0.25  # of the cosine distance between the words kept and all words
_GOLDEN = (5**0.5 - 1) / 2


class LimeExplainer(WordExplainer):
    """Weights of a linear model fitted to the log-odds of perturbed samples, with words removed, nearest first.

    Ribeiro, Singh and Guestrin, "Why Should I Trust You?", KDD 2016 (arXiv:1602.04938): numbers of removed words,
    cosine kernel and its width are those of the authors' `lime`, but samples are drawn as often as the kernel weighs
    them, and in pairs that remove different words. We differ from its defaults in fitting log-odds instead of
    probabilities, in telling apart the places of a repeated word, and in fitting only what a prior leaves over:
    the exact weights of a linear classifier, or gradients at a few samples. `base_value` is the local intercept,
    `fidelity` the R² of the local model on its own samples: with fewer of them than words it flatters.
    """

    name: ClassVar[str] = "lime"
    samples: ClassVar[SampleRange | None] = SAMPLES

    def default_samples(self, text: str, classifier: TextClassifier) -> int:
        """Return the samples that read about `DEFAULT_WORDS` words; more where there is no prior."""
        return budget(text, classifier, SAMPLES, DEFAULT_WORDS)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        n_words = len(clean_text(text).words)
        rng = np.random.default_rng(seed)
        ahead = GRADIENTS_COST * n_gradients(text, classifier)

        def share(n_done: float) -> float:
            return min(1.0, n_done / (ahead + n_samples))

        prior, either = local_prior(text, classifier, rng, lambda done: progress(share(done * ahead)))

        def on_progress(done: float) -> None:
            progress(share(ahead + done * n_samples))

        masked = MaskedLogOdds(text, classifier, n_samples, on_progress, known)
        pairs = pairs_of_masks(n_words, rng)
        keep = np.ones((1, n_words), dtype=bool)
        values = masked(keep)
        may_stop, n_converged, last = n_samples <= self.default_samples(text, classifier), 0, False
        while not last:
            size = min(max(ROUND, len(keep) // 2), n_samples - len(keep))
            drawn = np.concatenate([next(pairs) for _ in range((size + 1) // 2)])[:size]
            keep, values = np.concatenate([keep, drawn]), np.append(values, masked(drawn))
            weights, intercept, fidelity = local_model(keep, values, prior.weights)
            rankings = []
            for h, half_prior in enumerate(either):
                on_progress(masked.n_evaluated / n_samples)  # of many samples a fit takes seconds
                half = [0, *range(1 + 2 * h, len(keep), 4), *range(2 + 2 * h, len(keep), 4)]
                rankings.append(local_model(keep[half], values[half], half_prior)[0])
            stability = rank_agreement(rankings[0], rankings[1])
            n_converged = n_converged + 1 if may_stop and has_converged(stability, len(keep)) else 0
            last = len(keep) >= n_samples or n_converged > 1
            yield WordWeights(
                weights,
                base_value=intercept,
                log_odds=float(values[0]),
                fidelity=fidelity,
                stability=stability,
                settings={"samples": len(keep), "evaluations": masked.n_evaluated, "guess": prior.rule},
                share=1.0 if last else share(ahead + len(keep)),
            )


def n_gradients(text: str, classifier: TextClassifier) -> int:
    """Return the samples whose gradients are computed, in two halves in which each word is halfway as often."""
    if not isinstance(classifier, Differentiable):
        return 0
    wanted = GRADIENT_WORDS // max(len(clean_text(text).words), 1)
    return min(max(wanted, FEWEST_GRADIENTS), MOST_GRADIENTS) // 2 * 2


def local_prior(
    text: str, classifier: TextClassifier, rng: np.random.Generator, progress: Progress
) -> tuple[Prior, NDArray[np.float64]]:
    """Return what each word does to perturbed samples of the text, from gradients where there are any.

    Beside the prior, of shape (2, n_words), those that either half of the gradients gives.

    What a word does to a sample is the integral of the gradient along its way from the mask to the word. The
    trapezoidal rule takes the gradients at its ends, where most samples have it, and the midpoint rule those
    halfway. One pass forward and back gives a gradient for every word; while the passes are few, the prior leans on
    integrated gradients.
    """
    prior = prior_of(text, classifier, progress)
    if not isinstance(classifier, Differentiable):
        return prior, np.stack([prior.weights] * 2)
    n_words, n_points = len(clean_text(text).words), n_gradients(text, classifier)
    done, total = 0, n_points * len(classifier.encode(text).weights)

    def on_progress(n_passes: int) -> None:
        nonlocal done
        done += n_passes
        progress(done / total)

    pairs = pairs_of_masks(n_words, rng)
    shares = np.concatenate([next(pairs) for _ in range(n_points // 2)]).astype(np.float64)
    # Each word is halfway in as many samples as any other, and in as many of either half.
    turns = rng.permuted(np.tile(np.arange(n_points // 2), (2 * n_words, 1)), axis=1)
    halfway = turns.reshape(n_words, 2, -1).transpose(2, 1, 0).reshape(n_points, n_words) < n_points // 2 // HALFWAY
    shares[halfway] = 0.5
    gradients = gradients_at(text, classifier, shares, on_progress)
    share = n_points / (n_points + WORTH)

    def weights(points: slice) -> NDArray[np.float64]:
        rules = [gradients[points].mean(axis=0, where=of_rule[points]) for of_rule in (halfway, ~halfway)]
        return np.asarray(share * np.mean(rules, axis=0) + (1.0 - share) * prior.weights)

    either = np.stack([weights(slice(half, None, 2)) for half in (0, 1)])
    return Prior(weights(slice(None)), f"{prior.rule}, gradients at {n_points} samples"), either


def pairs_of_masks(n_words: int, rng: np.random.Generator) -> Iterator[NDArray[np.bool_]]:
    """Yield pairs of masks without end, shape (2, n_words): as many words removed of each, not the same ones.

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
    keep: NDArray[np.bool_], values: NDArray[np.float64], prior: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, float]:
    """Fit a linear model of `values` (n,) in `keep` (n, n_words): weights (n_words,), intercept and R²."""
    mean, level = keep.mean(axis=0), float(values.mean())
    z = keep - mean
    left = values - level - z @ prior
    weights = prior + ridge_correction(z, left, np.ones(len(z)), prior)
    spread = float(((values - level) ** 2).sum())
    missed = float(((values - level - z @ weights) ** 2).sum())
    return weights, level - float(mean @ weights), 1.0 - missed / spread if spread > 0 else 1.0
