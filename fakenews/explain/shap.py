"""SHAP: Owen values, sentences first, then the words of the sentences that matter, with a gradient as its prior."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier
from fakenews.explain.base import MaskedLogOdds, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.surrogate import budget, has_converged, prior_of, rank_agreement, ridge_correction, sentence_index

SAMPLES = SampleRange("evaluations", default=300, minimum=16, maximum=20_000)
DEFAULT_WORDS = 6_000  # words read by default, all samples together, where there is a prior
ROUND = 8  # samples between two refinements, at first
MOST_ENUMERATED = 14  # groups of which all coalitions may be asked for


class ShapExplainer(WordExplainer):
    """Owen values of the words, with the sentences as groups: Shapley values between sentences, then inside each.

    Lundberg and Lee, NeurIPS 2017 (arXiv:1705.07874), in the least-squares form; Owen, "Values of games with a priori
    unions", 1977. Coalitions come in pairs of complements, their sizes alike often (Musco and Witter, "Provably
    accurate Shapley value estimation via leverage score sampling", ICLR 2025, arXiv:2410.01917), all of them where
    the samples suffice. We differ in fitting only what a prior leaves over, the prior being the exact weights
    of a linear classifier or two steps of integrated gradients, and in the penalty on that rest. Words inside
    sentences are sampled after the sentences, most often where the weights are largest. Weights and `base_value`
    (every word removed) sum to the log-odds.
    """

    name: ClassVar[str] = "shap"
    samples: ClassVar[SampleRange | None] = SAMPLES

    def default_samples(self, text: str, classifier: TextClassifier) -> int:
        """Return the samples that read about `DEFAULT_WORDS` words; more where there is no prior."""
        return budget(text, classifier, SAMPLES, DEFAULT_WORDS)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        prior = prior_of(text, classifier, progress)
        masked = MaskedLogOdds(text, classifier, n_samples, progress, known)
        may_stop = n_samples <= self.default_samples(text, classifier)
        for estimate in owen_values(masked, prior.weights, sentence_index(text), n_samples, seed, may_stop):
            yield WordWeights(
                estimate.weights,
                base_value=estimate.base_value,
                log_odds=estimate.full_value,
                stability=estimate.stability,
                settings={"evaluations": masked.n_evaluated, "max_evaluations": n_samples, "guess": prior.rule},
                share=estimate.share,
            )


@dataclass(frozen=True, slots=True)
class OwenEstimate:
    """Owen values as far as they are known."""

    weights: NDArray[np.float64]  # shape (n_features,): they sum to `full_value` minus `base_value`
    # base_value, full_value: of no feature and of all
    base_value: float
    full_value: float
    stability: float | None  # rank agreement between two halves of the samples; None while there are too few
    share: float  # of the samples that are drawn; 1 with the last estimate


def owen_values(
    value: Callable[[NDArray[np.bool_]], NDArray[np.float64]],
    prior: NDArray[np.float64],
    groups: NDArray[np.int64],
    n_samples: int,
    seed: int,
    may_stop: bool = True,
) -> Iterator[OwenEstimate]:
    """Yield Owen values of a set function, better and better.

    Parameters
    ----------
    value : callable
        Values of shape (n,) for masks of shape (n, n_features).
    prior : ndarray of shape (n_features,)
        Where the fit starts.
    groups : ndarray of shape (n_features,)
        Group of each feature, from 0 without gaps; with one alone they are Shapley values.
    n_samples : int
        Masks that may be asked for.
    seed : int
        Of the coalitions.
    may_stop : bool
        Whether to end before `n_samples` when the ranking has converged.
    """
    game = _Game(value, prior, groups, np.random.default_rng(seed))
    n_converged = 0
    if prior.any():
        yield OwenEstimate(game.estimate()[0], game.base_value, game.full_value, None, 2 / n_samples)
    for share in game.rounds(n_samples - 2):
        weights, stability = game.estimate()
        n_converged = n_converged + 1 if may_stop and has_converged(stability, game.n_drawn) else 0
        done = share >= 1.0 or n_converged > 1
        yield OwenEstimate(weights, game.base_value, game.full_value, stability, 1.0 if done else share)
        if done:
            return


class _Game:
    """Samples of a set function, and what follows from them."""

    def __init__(
        self,
        value: Callable[[NDArray[np.bool_]], NDArray[np.float64]],
        prior: NDArray[np.float64],
        groups: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> None:
        self._value, self._rng = value, rng
        n = len(prior)
        # Inside one group all is between features.
        self._groups = groups if groups.max() > 0 else np.arange(n, dtype=np.int64)
        self._n_groups = int(self._groups.max()) + 1
        self.base_value, self.full_value = value(np.array([[False] * n, [True] * n])).tolist()
        self._prior = _shifted(prior, self.full_value - self.base_value)
        # A coalition, its value less its complement's, and the variance of that: of groups, and inside one group.
        self._between: list[tuple[NDArray[np.bool_], float, float]] = []
        self._inside: list[tuple[int, NDArray[np.bool_], float, float]] = []
        self._complete = False

    @property
    def n_drawn(self) -> int:
        """Values asked for, beside those of none and all."""
        return 2 * (len(self._between) + len(self._inside))

    def rounds(self, n_left: int) -> Iterator[float]:
        """Draw, a round at a time, and yield the share drawn; at least once."""
        n_groups, members = self._n_groups, [np.flatnonzero(self._groups == k) for k in range(self._n_groups)]
        divisible = [k for k in range(n_groups) if len(members[k]) > 1]
        every = 2**n_groups - 2 if n_groups <= MOST_ENUMERATED else n_left + 1
        if self._complete or n_groups == 1:
            yield 1.0
            return
        self._complete = every <= (n_left // 2 if divisible else n_left)
        n_between = every if self._complete else (max(2 * n_groups, n_left // 2) if divisible else n_left)
        n_between = min(n_between, n_left) // 2 * 2
        n_inside = (n_left - n_between) // 2 * 2 if divisible else 0
        pairs = self._all_pairs() if self._complete else self._random_pairs()
        total = max(1, n_between + n_inside)
        while self.n_drawn < n_between:
            size = min(_round(self.n_drawn), n_between - self.n_drawn)
            coalitions = [next(pairs) for _ in range(size // 2)]
            self._ask_between(np.array([z for z, _ in coalitions]), [v for _, v in coalitions])
            yield self.n_drawn / total
        while self.n_drawn < total:
            self._ask_inside(min(_round(self.n_drawn), total - self.n_drawn) // 2, members, divisible)
            yield self.n_drawn / total
        if self.n_drawn == 0:
            yield 1.0

    def _all_pairs(self) -> Iterator[tuple[NDArray[np.bool_], float]]:
        """Pair each coalition of groups with its complement, and return its variance in the least-squares form."""
        n = self._n_groups
        for size in range(1, n):
            for chosen in combinations(range(n), size):
                if 0 in chosen:  # of two complements the one with the first group
                    yield np.isin(np.arange(n), chosen), float(comb(n, size) * size * (n - size))

    def _random_pairs(self) -> Iterator[tuple[NDArray[np.bool_], float]]:
        n = self._n_groups
        while True:
            size = int(self._rng.integers(1, n))
            yield np.isin(np.arange(n), self._rng.permutation(n)[:size]), float(size * (n - size))

    def _ask_between(self, coalitions: NDArray[np.bool_], variances: list[float]) -> None:
        both = np.stack([coalitions, ~coalitions], axis=1).reshape(-1, self._n_groups)
        values = self._value(both[:, self._groups]).reshape(-1, 2)
        self._between += zip(coalitions, (values[:, 0] - values[:, 1]).tolist(), variances, strict=True)

    def _ask_inside(self, n_pairs: int, members: list[NDArray[np.int64]], divisible: list[int]) -> None:
        """Sample halves of groups beside random coalitions of the others, more often where weights are large."""
        weights, _ = self.estimate(halves=False)
        pull = np.array([np.abs(weights[members[k]]).sum() for k in divisible]) + 1e-9
        masks, halves_drawn = [], []
        for k in self._rng.choice(divisible, size=n_pairs, p=pull / pull.sum()).tolist():
            others = self._rng.permutation(np.delete(np.arange(self._n_groups), k))
            beside = np.isin(self._groups, others[: int(self._rng.integers(0, self._n_groups))])
            n = len(members[k])
            size = int(self._rng.integers(1, n))
            half = np.isin(np.arange(n), self._rng.permutation(n)[:size])
            for chosen in (half, ~half):
                mask = beside.copy()
                mask[members[k]] = chosen
                masks.append(mask)
            halves_drawn.append((k, half, float(size * (n - size))))
        values = self._value(np.array(masks)).reshape(-1, 2)
        for (k, half, variance), (one, other) in zip(halves_drawn, values.tolist(), strict=True):
            self._inside.append((k, half, one - other, variance))

    def estimate(self, halves: bool = True) -> tuple[NDArray[np.float64], float | None]:
        """Return weights from all samples, and the rank agreement of those from either half of the pairs."""
        weights = self._fit(slice(None), self._complete)
        n_pairs = len(self._between) + len(self._inside)
        if not halves or n_pairs < 4:
            return weights, None
        return weights, rank_agreement(self._fit(slice(0, None, 2), False), self._fit(slice(1, None, 2), False))

    def _totals(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(self._groups, weights, self._n_groups).astype(np.float64)

    def _fit(self, pairs: slice, exact: bool) -> NDArray[np.float64]:
        totals = self._totals(self._prior)
        if between := self._between[pairs]:
            x = np.array([row[0] for row in between]) * 2.0 - 1.0
            left = np.array([row[1] for row in between]) - x @ totals
            variances = np.array([row[2] for row in between])
            totals = totals + ridge_correction(_centered(x), left, variances, totals - totals.mean(), exact)
        weights = self._prior.copy()
        for k in range(self._n_groups):
            part = self._groups == k
            weights[part] = _shifted(weights[part], totals[k])
        inside = self._inside[pairs]
        if inside:  # all groups in one fit, so that they share one penalty
            x = np.zeros((len(inside), len(weights)))
            for row, (k, half, _, _) in zip(x, inside, strict=True):
                row[self._groups == k] = half * 2.0 - 1.0 - (half * 2.0 - 1.0).mean()
            plain = weights - (self._totals(weights) / np.bincount(self._groups))[self._groups]
            left = np.array([row[2] for row in inside])
            left -= [float((half * 2.0 - 1.0) @ weights[self._groups == k]) for k, half, _, _ in inside]
            weights += ridge_correction(x, left, np.array([row[3] for row in inside]), plain)
        return weights


def _round(n_drawn: int) -> int:
    """Return how many samples to draw next: more, the more there are."""
    return max(ROUND, n_drawn // 2 // 2 * 2)


def _centered(design: NDArray[np.float64]) -> NDArray[np.float64]:
    """Center rows for weights whose sum must not change."""
    return np.asarray(design - design.mean(axis=1, keepdims=True))


def _shifted(weights: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """Shift weights to sum to `total`: large ones take more."""
    size = np.abs(weights) + max(float(np.abs(weights).mean()), 1e-12)
    return np.asarray(weights + (total - weights.sum()) * size / size.sum())
