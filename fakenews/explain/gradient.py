"""Integrated gradients: the instant preview, one pass forward and back per step instead of hundreds of variants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fakenews.classifiers.base import TextClassifier, read
from fakenews.explain.base import Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.linear import LinearTerms, linear_weights

if TYPE_CHECKING:
    from torch import Tensor

    from fakenews.classifiers.windows import Windows

# A step costs two to three verdicts. One ranks words nearly as twenty do; whoever needs the sum exact takes more.
STEPS = SampleRange("steps", default=1, minimum=1, maximum=200)
_BATCH_PIECES = 512  # word pieces that pass forward and back at once; more leaves the cache of a small CPU


@runtime_checkable
class Differentiable(Protocol):
    """What a classifier must offer for gradients to be taken."""

    @property
    def mask_token_id(self) -> int:
        """Word piece that stands for a removed one."""

    def encode(self, text: str) -> Windows:
        """The windows of a text."""

    def embed(self, input_ids: Tensor) -> Tensor:
        """Word embeddings [w, L, hidden] of word pieces [w, L]."""

    def margin_from_embeddings(self, embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        """Log-odds of fake [w], differentiable in the embeddings."""


class GradientExplainer(WordExplainer):
    """Gradient of the margin, averaged on the straight way from masked words to the words, times that way.

    Sundararajan, Taly and Yan, «Axiomatic Attribution for Deep Networks», ICML 2017 (arXiv:1703.01365), by
    Gauss-Legendre quadrature. The reference has the mask token's embedding for every word piece of a word and of the
    marks that follow it; special tokens stay. Word pieces and windows are summed onto words. `base_value` is the
    reference's margin; `residual` is the quadrature's error and shrinks as `n_samples` (steps) grows. Nothing is
    random.

    Of a linear classifier, integrated gradients are coefficient times value for any number of steps, so these are
    given, exactly and at once; the settings say so.
    """

    name: ClassVar[str] = "gradient"
    samples: ClassVar[SampleRange | None] = STEPS

    def supports(self, classifier: object) -> bool:
        """Whether the classifier gives gradients, or is linear."""
        return isinstance(classifier, LinearTerms | Differentiable)

    def _weigh(
        self, text: str, classifier: TextClassifier, n_samples: int, seed: int, progress: Progress
    ) -> Iterator[WordWeights]:
        if isinstance(classifier, Differentiable):
            yield integrated_gradients(text, classifier, n_samples, progress)
        else:
            yield linear_weights(text, classifier)


def integrated_gradients(
    text: str,
    classifier: Differentiable,
    n_steps: int,
    progress: Progress,
    keep: NDArray[np.bool_] | None = None,
    ends: bool = True,
) -> WordWeights:
    """Integrated gradients of a text's margin on its words, on log-odds of fake; see `GradientExplainer`.

    A device without enough memory is left for the CPU.

    Words where `keep`, of shape (n_words,), is False are masked throughout and weigh nothing. Without `ends` the
    margins of reference and text are not asked for, and given as 0.
    """
    import torch

    try:
        return _integrated_gradients(text, classifier, n_steps, progress, keep, ends)
    except torch.OutOfMemoryError:
        leave = getattr(classifier, "leave_device", None)
        if leave is None:
            raise
        leave()
    return _integrated_gradients(text, classifier, n_steps, progress, keep, ends)


def _integrated_gradients(
    text: str,
    classifier: Differentiable,
    n_steps: int,
    progress: Progress,
    keep: NDArray[np.bool_] | None,
    ends: bool,
) -> WordWeights:
    import torch

    windows = classifier.encode(text)
    n_windows, _ = windows.input_ids.shape
    weights, base_value, margin = np.zeros(len(read(text).words)), 0.0, 0.0
    done, total = 0, n_windows * (n_steps + 2 * ends)

    def forward(embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        nonlocal done
        margins = classifier.margin_from_embeddings(embeddings, attention_mask.expand(len(embeddings), -1))
        done += len(embeddings)
        progress(min(1.0, done / total))
        return margins  # [steps]

    kept = torch.ones(len(weights) + 1, dtype=torch.bool)  # the last stands for -1, which is always kept
    if keep is not None:
        kept[:-1] = torch.from_numpy(keep)
    nodes, shares = np.polynomial.legendre.leggauss(n_steps)
    # Window by window, a few steps at a time: little memory on long texts, and progress and cancel are heard often.
    for w in range(n_windows):
        length = int(windows.attention_mask[w].sum())
        row = (slice(w, w + 1), slice(length))  # without padding
        input_ids, attention_mask = windows.input_ids[row], windows.attention_mask[row]
        word_index = windows.word_index[row]
        with torch.no_grad():
            masked = classifier.embed(torch.where(word_index >= 0, classifier.mask_token_id, input_ids))
            words = classifier.embed(torch.where(kept[word_index], input_ids, classifier.mask_token_id))
            if ends:
                first, last = forward(torch.cat([masked, words]), attention_mask).tolist()
                base_value += float(windows.weights[w]) * first
                margin += float(windows.weights[w]) * last
        way = words - masked
        slope = torch.zeros_like(way)
        at_once = max(1, _BATCH_PIECES // length)
        for start in range(0, n_steps, at_once):
            steps = slice(start, start + at_once)
            alphas = words.new_tensor((nodes[steps] + 1) / 2)[:, None, None]
            points = (masked + alphas * way).requires_grad_()  # [steps, length, width]
            (slopes,) = torch.autograd.grad(forward(points, attention_mask).sum(), points)
            slope += (slopes * slopes.new_tensor(shares[steps] / 2)[:, None, None]).sum(0)
        share = float(windows.weights[w])
        index = word_index[0].cpu().numpy()
        per_piece = (slope * way).double().sum(dim=-1)[0].cpu().numpy()  # [length]
        np.add.at(weights, index[index >= 0], share * per_piece[index >= 0])
    return WordWeights(
        weights,
        base_value=base_value,
        margin=margin,
        settings={"steps": n_steps, "windows": n_windows, "rule": "integrated gradients"},
    )
