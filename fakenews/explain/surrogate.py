"""What LIME and SHAP share: a linear model of a classifier near one text, started from a prior.

Both methods ask what removing words does, and fit weights to the answers. A text has hundreds of words and an answer
costs a whole pass, so the fit does not start from zero: it starts from the gradient, and only what the gradient got
wrong is fitted to samples. How far to trust it is decided by the samples too, each left out in turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.base import Progress, SampleRange
from fakenews.explain.gradient import Differentiable, integrated_gradients
from fakenews.explain.linear import LinearTerms
from fakenews.text import sentence_spans

PRIOR_STEPS = 2  # of integrated gradients; four rank words hardly better
TOP_WORDS = 20
CONVERGED = 0.995  # rank agreement from which further rounds are not worth their time, if twice in a row
FEWEST_CONVERGED = 64  # samples before that can be said
SMALLEST_GAIN = 0.1  # of the squared error of samples left out, for which a prior is left,
SMALLEST_STRENGTH, PLENTY = 0.3, 4  # and of the penalty, unless there are so many samples for each weight
_STRENGTHS = np.logspace(-6, 4, 31)  # of the penalty, over the mean weight of a direction in the samples


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights to start from, and where they came from; zeros where a classifier gives nothing to start from."""

    weights: NDArray[np.float64]
    rule: str


def prior_of(text: str, classifier: TextClassifier, progress: Progress) -> Prior:
    """Return exact weights of linear classifiers, integrated gradients in few steps of others, else zeros."""
    if isinstance(classifier, LinearTerms):
        return Prior(classifier.linear_terms(text)[0], "coefficient x value")
    if isinstance(classifier, Differentiable):
        gradients = integrated_gradients(text, classifier, PRIOR_STEPS, lambda _: progress(0.0), ends=False)
        return Prior(gradients.weights, f"integrated gradients, {PRIOR_STEPS} steps")
    return Prior(np.zeros(len(clean_text(text).words)), "none")


def budget(text: str, classifier: TextClassifier, samples: SampleRange, n_words_read: int) -> int:
    """Return the default samples: about `n_words_read` words in all, or the full default without a prior."""
    if not isinstance(classifier, LinearTerms | Differentiable):
        return samples.default
    return min(max(n_words_read // max(len(clean_text(text).words), 1), samples.minimum), samples.default)


def has_converged(stability: float | None, n_drawn: int) -> bool:
    """Return whether the ranking of the strongest words no longer depends on which samples were drawn.

    It may still depend on the prior, which only more samples correct: whoever asks for more than the default gets all.
    """
    return stability is not None and stability >= CONVERGED and n_drawn >= FEWEST_CONVERGED


def sentence_index(text: str) -> NDArray[np.int64]:
    """Return the sentence of every word of `clean_text(text).words`, shape (n_words,), from 0 without gaps."""
    starts = [span.start for span in clean_text(text).source_spans]
    first = [span.start for span in sentence_spans(text)]
    indices = np.searchsorted(first, starts, side="right")
    return np.asarray(np.unique(indices, return_inverse=True)[1], dtype=np.int64)


def ridge_correction(
    design: NDArray[np.float64],
    residual: NDArray[np.float64],
    variance: NDArray[np.float64],
    prior: NDArray[np.float64],
    exact: bool = False,
) -> NDArray[np.float64]:
    """Fit what has to be added to a prior: ridge regression of `residual` on `design`.

    The strength of the penalty is the one that predicts each sample best from all others; where none does better than
    the prior alone, the prior stays as it is.

    Parameters
    ----------
    design : ndarray of shape (n_samples, n_weights)
    residual : ndarray of shape (n_samples,)
        What the prior leaves unexplained.
    variance : ndarray of shape (n_samples,)
        Of the noise of each sample, up to a common factor.
    prior : ndarray of shape (n_weights,)
        A change of all weights in its proportions counts as one change, not as many.
    exact : bool
        Whether the samples are all there are: least squares, without a penalty.

    Returns
    -------
    ndarray of shape (n_weights,)
    """
    n_weights = design.shape[1]
    if not len(residual) or not n_weights:
        return np.zeros(n_weights)
    whiten = 1.0 / np.sqrt(variance)
    length = float(np.linalg.norm(prior))
    common = prior * (np.sqrt(n_weights) / length if length > 0 and not exact else 0.0)
    x, y = np.column_stack([design, design @ common]), residual * whiten
    x *= whiten[:, None]
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    known = s > 1e-9 * max(s.max(initial=0.0), 1e-300)
    u, s, vt = u[:, known], s[known], vt[known]
    along = u.T @ y
    if exact:
        return np.asarray((vt.T @ (along / s))[:-1])
    plenty = len(y) >= PLENTY * n_weights
    least, chosen = (1.0 if plenty else 1.0 - SMALLEST_GAIN) * float(y @ y), np.inf
    strengths = _STRENGTHS if plenty else _STRENGTHS[_STRENGTHS >= SMALLEST_STRENGTH]
    for strength in strengths * float((s**2).mean()) if len(s) else ():
        shrunk = s**2 / (s**2 + strength)
        apart = (y - u @ (shrunk * along)) / np.maximum(1.0 - (u**2) @ shrunk, 1e-9)  # each sample left out in turn
        missed = float(apart @ apart)
        if missed < least:
            least, chosen = missed, strength
    if np.isinf(chosen):
        return np.zeros(n_weights)
    correction = vt.T @ (s * along / (s**2 + chosen))
    return np.asarray(correction[:-1] + correction[-1] * common)


def rank_agreement(first: NDArray[np.float64], second: NDArray[np.float64], n_top: int = TOP_WORDS) -> float:
    """Return Spearman's rank correlation over the words strongest in either of two sets of weights, in [-1, 1].

    Parameters
    ----------
    first, second : ndarray of shape (n_words,)
    n_top : int
        Strongest words taken of each.
    """
    from scipy.stats import spearmanr

    top = np.union1d(np.argsort(-np.abs(first))[:n_top], np.argsort(-np.abs(second))[:n_top])
    a, b = first[top], second[top]
    if len(top) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 1.0 if np.allclose(a, b) else 0.0
    return float(spearmanr(a, b).statistic)
