"""Integrated gradients: the instant preview, one pass forward and back per step instead of hundreds of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, clean_text
from fakenews.explain.base import MaskedLogOdds, Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.linear import LinearTerms, linear_weights

if TYPE_CHECKING:
    from torch import Tensor

    from fakenews.classifiers.windows import Windows

# A step costs two to three verdicts. One ranks words nearly as twenty do; whoever needs the sum exact takes more.
STEPS = SampleRange("steps", default=1, minimum=1, maximum=200)
_BATCH_PIECES = 512  # word pieces that pass forward and back at once; more leaves the cache of a small CPU


@runtime_checkable
class Differentiable(TextClassifier, Protocol):
    """What a classifier must offer for gradients to be taken."""

    @property
    def mask_token_id(self) -> int:
        """Word piece that stands for a removed one."""

    def encode(self, text: str) -> Windows:
        """Return the windows of a text."""

    def embed(self, input_ids: Tensor) -> Tensor:
        """Return the word embeddings [w, L, hidden] of word pieces [w, L]."""

    def log_odds_from_embeddings(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """Return the log-odds of fake [w] of windows; differentiable in the embeddings."""


class GradientExplainer(WordExplainer):
    """Gradient of the log-odds, averaged on the straight way from masked words to the words, times that way.

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017 (arXiv:1703.01365), by
    Gauss-Legendre quadrature. The reference has the mask token's embedding for every word piece of a word and of the
    marks that follow it; special tokens stay. Word pieces and windows are summed onto words. `base_value` is the
    reference's log-odds; `residual` is the quadrature's error and shrinks as `n_samples` (steps) grows. Nothing is
    random.

    Of a linear classifier, integrated gradients are coefficient times value for any number of steps, so these are
    given, exactly and at once; the settings say so.
    """

    name: ClassVar[str] = "gradient"
    samples: ClassVar[SampleRange | None] = STEPS
    explains: ClassVar[Any] = LinearTerms | Differentiable

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress, known: float | None
    ) -> Iterator[WordWeights]:
        if isinstance(classifier, Differentiable):
            yield integrated_gradients(text, classifier, n_samples, progress, log_odds=known)
        else:
            yield linear_weights(text, classifier, known)


def integrated_gradients(
    text: str,
    classifier: Differentiable,
    n_steps: int,
    progress: Progress,
    keep: NDArray[np.bool_] | None = None,
    ends: bool = True,
    log_odds: float | None = None,
) -> WordWeights:
    """Return integrated gradients of the log-odds on the words; see `GradientExplainer`.

    Words where `keep`, of shape (n_words,), is False are masked throughout and weigh nothing. Without `ends` the
    log-odds of reference and text are not asked for, and given as 0; known `log_odds` are not asked for either.
    """
    present = np.ones(len(clean_text(text).words), dtype=bool) if keep is None else keep
    nodes, shares = np.polynomial.legendre.leggauss(n_steps)
    n_windows = len(classifier.encode(text).weights)
    of_ends = done = 2 * n_windows * ends
    total = of_ends + n_windows * n_steps

    def on_passes(n_passes: int) -> None:
        nonlocal done
        done += n_passes
        progress(min(1.0, done / total))

    base_value, full_value = 0.0, 0.0
    if ends:
        masked = MaskedLogOdds(text, classifier, 2, lambda share: progress(share * of_ends / total), log_odds)
        base_value, full_value = masked(np.stack([np.zeros_like(present), present])).tolist()
    gradients = gradients_at(text, classifier, (nodes[:, None] + 1.0) / 2.0 * present, on_passes)
    return WordWeights(
        present * (shares / 2.0 @ gradients),
        base_value=base_value,
        log_odds=full_value,
        settings={"steps": n_steps, "windows": n_windows, "rule": "integrated gradients"},
    )


def gradients_at(
    text: str, classifier: Differentiable, shares: NDArray[np.float64], on_passes: Callable[[int], None]
) -> NDArray[np.float64]:
    """Return the gradients of a text's log-odds along the ways of its words, from the mask token to the word.

    A device without enough memory is left for the CPU.

    Parameters
    ----------
    shares : ndarray of shape (n_points, n_words)
        Of its way that each word has gone at each point: 0 where it is masked, 1 where it stands.
    on_passes : callable
        Called with the number of windows that were passed since it was called last.

    Returns
    -------
    ndarray of shape (n_points, n_words)
        In log-odds of fake for a whole way.
    """
    import torch

    windows = classifier.encode(text)
    gradients = np.zeros(shares.shape)
    for w, weight in enumerate(windows.weights.tolist()):
        try:
            gradients += weight * _gradients_of_window(windows, w, classifier, shares, on_passes)
            continue
        except torch.OutOfMemoryError:
            leave = getattr(classifier, "leave_device", None)
            if leave is None:
                raise
            leave()
        gradients += weight * _gradients_of_window(windows, w, classifier, shares, on_passes)
    return gradients


def _gradients_of_window(
    windows: Windows,
    w: int,
    classifier: Differentiable,
    shares: NDArray[np.float64],
    on_passes: Callable[[int], None],
) -> NDArray[np.float64]:
    """Return the gradients of the log-odds of one window, (n_points, n_words)."""
    import torch

    totals = np.zeros(shares.shape)
    gone = torch.from_numpy(np.column_stack([shares, np.ones(len(shares))]))  # the last stands for -1, which stays
    # A few points at a time: little memory on long texts, and progress and cancel are heard often.
    length = int(windows.attention_mask[w].sum())
    row = (slice(w, w + 1), slice(length))  # without padding
    input_ids, attention_mask = windows.input_ids[row], windows.attention_mask[row]
    word_index = windows.word_index[w, :length]
    of_word = word_index.numpy() >= 0
    ids = torch.cat([torch.where(word_index >= 0, classifier.mask_token_id, input_ids), input_ids])
    with torch.no_grad():
        masked, whole = classifier.embed(ids).split(1)  # in one call, so that both are on one device
        way = whole - masked
    at_once = max(1, _BATCH_PIECES // length)
    for start in range(0, len(shares), at_once):
        rows = slice(start, start + at_once)
        share = gone[rows][:, word_index, None].to(way)  # [points, length, 1]
        points = (masked + share * way).requires_grad_()
        log_odds = classifier.log_odds_from_embeddings(points, attention_mask.expand(len(points), -1))
        (gradients,) = torch.autograd.grad(log_odds.sum(), points)
        on_passes(len(points))
        per_piece = (gradients * way).double().sum(dim=-1).cpu().numpy()  # [points, length]
        for of_point, pieces in zip(totals[rows], per_piece, strict=True):
            np.add.at(of_point, word_index.numpy()[of_word], pieces[of_word])
    return totals
