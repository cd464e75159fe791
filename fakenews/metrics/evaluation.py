"""Labels and probabilities in, frozen values out: every number the dataset page, the cards and the README show.

Nothing here draws, reads a file or knows a model. The positive class of curves and rates is `fake`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakenews.schema import FAKE, LABELS, REAL, JsonValue

Interval = tuple[float, float]
Matrix = tuple[tuple[int, int], tuple[int, int]]

ECE_BINS = 15
_CHUNK = 4_000_000  # drawn rows held at once, 32 MB an array


@dataclass(frozen=True, slots=True)
class Evaluation(JsonValue):
    """What one classifier reached on one set of labeled articles."""

    n: int  # n, n_fake, n_real: articles in all and per true class
    n_fake: int
    n_real: int
    threshold: float  # an article is predicted fake where its probability of fake is at least this
    accuracy: float
    macro_f1: float  # mean F1 of the classes that occur among the labels; of one class alone, its F1
    roc_auc: float | None  # area under the ROC curve; None where only one class occurs
    ece: float  # expected calibration error, see `expected_calibration_error`
    # brier, log_loss: mean squared error and mean negative log-likelihood (nats) of the probability of fake
    brier: float
    log_loss: float
    # precision_fake, recall_fake, f1_fake, precision_real, recall_real, f1_real: per class; None for a class that does
    # not occur among the labels. Precision of a class that was never predicted is 0, as in scikit-learn.
    precision_fake: float | None
    recall_fake: float | None
    f1_fake: float | None
    precision_real: float | None
    recall_real: float | None
    f1_real: float | None
    confusion_matrix: Matrix  # rows true, columns predicted, both in the order `LABELS`
    intervals: Mapping[str, Interval]  # 95% bootstrap intervals, see `bootstrap_intervals`


def check_arrays(labels: ArrayLike, p_fake: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Check labels and probabilities of fake; return them as int64 and float64 of one shape (n,), n > 0.

    Raise `ValueError` if they are empty, differ in length, or hold anything but labels 0 (fake), 1 (real) and numbers
    in [0, 1].
    """
    y, p = np.asarray(labels), np.asarray(p_fake, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        raise ValueError(f"Expected one probability per label, got shapes {y.shape} and {p.shape}.")
    if not y.size:
        raise ValueError("Got no articles: at least one labeled article is needed.")
    strange = y[~np.isin(y, (FAKE, REAL))]
    if strange.size:
        raise ValueError(f"Labels must be 0 (fake) or 1 (real), got {strange[0]!s}.")
    outside = p[~((p >= 0) & (p <= 1))]
    if outside.size:
        raise ValueError(f"Probabilities of fake must lie between 0 and 1, got {outside[0]!s}.")
    return y.astype(np.int64), p


def predict_labels(p_fake: ArrayLike, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return labels, shape (n,): 0 (fake) where the probability of fake is at least `threshold`, else 1 (real).

    Raise `ValueError` if `threshold` is not between 0 and 1.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"The threshold must lie between 0 and 1, got {threshold}.")
    return np.where(np.asarray(p_fake, dtype=np.float64) >= threshold, FAKE, REAL)


def evaluate(
    labels: ArrayLike, p_fake: ArrayLike, *, threshold: float = 0.5, n_resamples: int = 1000, seed: int = 42
) -> Evaluation:
    """Measure probabilities against labels.

    Parameters
    ----------
    labels : array-like of shape (n,)
        0 (fake) or 1 (real). One class alone is allowed.
    p_fake : array-like of shape (n,)
        Probabilities of fake.
    threshold : float
        Predict fake from this probability on.
    n_resamples : int
        Bootstrap resamples; 1000 take about 0.1 s for 1,400 articles, fewer than 2 give no intervals.
    seed : int
        Of the resampling.

    Raises
    ------
    ValueError
        See `check_arrays` and `predict_labels`.
    """
    from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

    y, p = check_arrays(labels, p_fake)
    predicted = predict_labels(p, threshold)
    cells = confusion_matrix(y, predicted, labels=(FAKE, REAL))
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted, labels=(FAKE, REAL), zero_division=0.0
    )
    present = support > 0

    def of(values: NDArray[np.float64], label: int) -> float | None:
        return float(values[label]) if present[label] else None

    return Evaluation(
        n=int(y.size),
        n_fake=int(support[FAKE]),
        n_real=int(support[REAL]),
        threshold=float(threshold),
        accuracy=float(np.mean(y == predicted)),
        macro_f1=float(f1[present].mean()),
        roc_auc=float(roc_auc_score(y == FAKE, p)) if present.all() else None,
        ece=expected_calibration_error(y, p, threshold=threshold),
        brier=float(np.mean(_squared_errors(y, p))),
        log_loss=float(log_loss(y, np.stack([p, 1 - p], axis=1), labels=(FAKE, REAL))),
        precision_fake=of(precision, FAKE),
        recall_fake=of(recall, FAKE),
        f1_fake=of(f1, FAKE),
        precision_real=of(precision, REAL),
        recall_real=of(recall, REAL),
        f1_real=of(f1, REAL),
        confusion_matrix=((int(cells[0, 0]), int(cells[0, 1])), (int(cells[1, 0]), int(cells[1, 1]))),
        intervals=bootstrap_intervals(y, p, threshold=threshold, n_resamples=n_resamples, seed=seed),
    )


def of_guessing(evaluation: Evaluation, metric: str) -> float | None:
    """Return the same figure of always answering with the larger class; None where that says nothing.

    Of an area under the ROC curve it is that of any guess; a calibration error says nothing of it, nor does one class.
    """
    share = max(evaluation.n_fake, evaluation.n_real) / evaluation.n
    if share == 1.0:
        return None
    return {"accuracy": share, "macro_f1": share / (1 + share), "roc_auc": 0.5}.get(metric)


def expected_calibration_error(
    labels: ArrayLike, p_fake: ArrayLike, *, threshold: float = 0.5, n_bins: int = ECE_BINS
) -> float:
    """Return the mean gap of confidence and accuracy over equal-width bins of confidence, weighted by articles.

    Confidence is the probability of the predicted class. Guo et al., "On Calibration of Modern Neural Networks",
    ICML 2017 (arXiv:1706.04599), equation 3, with their 15 bins, closed on the right.
    """
    y, p = check_arrays(labels, p_fake)
    return float(np.abs(_calibration_gaps(y, p, threshold, n_bins).sum(axis=0)).sum() / y.size)


def bootstrap_intervals(
    labels: ArrayLike, p_fake: ArrayLike, *, threshold: float = 0.5, n_resamples: int = 1000, seed: int = 42
) -> dict[str, Interval]:
    """Return 95% bootstrap intervals of accuracy, macro-F1, ROC AUC, ECE, Brier score and log-loss.

    Percentiles: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. A resample is a vector of
    counts, so that every metric is a matrix product and the AUC a weighted rank sum (Mann-Whitney, ties count half).
    Where a resample misses a class, its macro-F1 is over the other one and its AUC is left out.

    Two differ: the ECE's, see `_interval_of_ece`; and where *all* articles are right (or wrong) no resample differs,
    and the accuracy's interval is Wilson's instead, as it is of a single article, which has no other. The intervals
    cover the choice of articles, not the choice of training run.

    Returns
    -------
    dict of str to (low, high)
        Independent of the order of the articles; without `roc_auc` where only one class occurs.
    """
    from scipy.stats import bootstrap

    y, p = check_arrays(labels, p_fake)
    if n_resamples < 2:
        return {}
    order = np.lexsort((y, p))  # by probability, as the rank sum needs it
    y, p = y[order], p[order]
    n, predicted = y.size, predict_labels(p, threshold)
    right = int(np.sum(y == predicted))
    if n == 1:
        return {"accuracy": wilson_interval(right, n)}
    cells = np.eye(4)[2 * y + predicted]  # (n, 4)
    likelihood = np.where(y == FAKE, p, 1 - p)
    losses = -np.log(np.clip(likelihood, np.finfo(np.float64).eps, None))
    gaps = _calibration_gaps(y, p, threshold, ECE_BINS)
    columns = np.column_stack([cells, _squared_errors(y, p), losses, gaps])  # (n, 6 + bins)
    ties = np.flatnonzero(np.diff(p, prepend=-1.0))  # first of each run of equal probabilities

    def metrics(drawn: NDArray[np.int64], axis: int) -> NDArray[np.float64]:  # (n_resamples, n) to (7, n_resamples)
        rows = len(drawn)
        drawn = drawn + n * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
        sums = counts @ columns  # (rows, 6 + bins)
        return np.stack(
            [
                (sums[:, 0] + sums[:, 3]) / n,
                _macro_f1(sums[:, :4]),
                _weighted_auc(counts * (y == FAKE), counts * (y == REAL), ties),
                np.abs(sums[:, 6:]).sum(axis=1) / n,
                sums[:, 4] / n,
                sums[:, 5] / n,
                np.abs(sums[:, 6:] - gaps.sum(axis=0)).sum(axis=1) / n,
            ]
        )

    drawn = bootstrap(
        (np.arange(n),), metrics, vectorized=True, n_resamples=n_resamples, batch=max(1, _CHUNK // n),
        method="percentile", rng=np.random.default_rng(seed),
    ).bootstrap_distribution  # fmt: skip
    intervals: dict[str, Interval] = {}
    for name, values in zip(("accuracy", "macro_f1", "roc_auc", "ece", "brier", "log_loss"), drawn[:-1], strict=True):
        values = values[values >= 0]
        if values.size:
            low, high = np.percentile(values, (2.5, 97.5))
            intervals[name] = (float(low), float(high))
    ece = float(np.abs(gaps.sum(axis=0)).sum() / n)
    intervals["ece"] = _interval_of_ece(ece, intervals["ece"][1], drawn[-1])
    if right in (0, n):
        intervals["accuracy"] = wilson_interval(right, n)
    return intervals


def wilson_interval(successes: int, total: int) -> Interval:
    """Return the 95% score interval of a share of `total` > 0: Wilson, JASA 22, 1927."""
    from scipy.stats import binomtest

    low, high = binomtest(int(successes), int(total)).proportion_ci(method="wilson")
    return float(low), float(high)


def _need_both(labels: NDArray[np.int64], what: str) -> None:
    if np.ptp(labels) == 0:
        raise ValueError(f"{what} needs fake and real articles, got only {LABELS[labels[0]]} ones.")


def _bin_of(values: NDArray[np.float64], n_bins: int) -> NDArray[np.int64]:
    return np.clip(np.ceil(values * n_bins).astype(np.int64) - 1, 0, n_bins - 1)


def _squared_errors(y: NDArray[np.int64], p: NDArray[np.float64]) -> NDArray[np.float64]:
    squared: NDArray[np.float64] = (p - (y == FAKE)) ** 2
    return squared


def _calibration_gaps(
    y: NDArray[np.int64], p: NDArray[np.float64], threshold: float, n_bins: int
) -> NDArray[np.float64]:
    """Return the confidence minus correctness of each article in the column of its bin, shape (n, n_bins)."""
    predicted = predict_labels(p, threshold)
    confidence = np.where(predicted == FAKE, p, 1 - p)
    gaps = np.zeros((y.size, n_bins))
    gaps[np.arange(y.size), _bin_of(confidence, n_bins)] = confidence - (y == predicted)
    return gaps


def _interval_of_ece(ece: float, high: float, strayed: NDArray[np.float64]) -> Interval:
    """Return the 95% interval of an ECE from its resamples.

    An ECE adds up the sizes of gaps, so noise raises it, in a resample once more, and percentiles lie above what was
    measured. The upper end is the percentile nevertheless, the lower one the basic bootstrap's (Davison and Hinkley,
    "Bootstrap Methods and their Application", 1997, section 5.2). It is 0 where chance alone makes gaps so large: a
    test of calibration (Vaicenavicius et al., AISTATS 2019, arXiv:1902.06977), with the gaps of the resamples around
    those measured for the gaps of a calibrated model.
    `high` is the 97.5% percentile of the resamples' ECE; `strayed`, of shape (n_resamples,), is how far the gaps of
    each lie from those measured, added up. In simulations the interval held the true value 92 to 98 times in a hundred.
    """
    by_chance = ece <= float(np.percentile(strayed, 97.5))
    return (0.0 if by_chance else max(0.0, 2 * ece - high), max(ece, high))


def _macro_f1(cells: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return macro-F1, shape (rows,), of confusion matrices flattened to shape (rows, 4)."""
    ff, fr, rf, rr = cells.T
    both = np.stack([2 * ff / np.maximum(2 * ff + fr + rf, 1), 2 * rr / np.maximum(2 * rr + fr + rf, 1)])
    present = np.stack([ff + fr > 0, rf + rr > 0])
    mean: NDArray[np.float64] = (both * present).sum(axis=0) / present.sum(axis=0)
    return mean


def _weighted_auc(fake: NDArray[np.float64], real: NDArray[np.float64], ties: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return ROC AUC, (rows,), of counts (rows, n) in order of rising probability; -1 where a class is absent.

    The share of (fake, real) pairs in which the fake article has the higher probability, ties counting half.
    """
    fake = np.add.reduceat(fake, ties, axis=1)
    real = np.add.reduceat(real, ties, axis=1)
    pairs = fake.sum(axis=1) * real.sum(axis=1)
    won = np.einsum("ij,ij->i", fake, np.cumsum(real, axis=1) - real / 2)
    areas: NDArray[np.float64] = np.divide(won, pairs, out=np.full(len(pairs), -1.0), where=pairs > 0)
    return areas
