"""Integrated gradients: the instant preview, one pass forward and back per step instead of hundreds of variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import numpy as np

from fakenews.classifiers.base import TextClassifier, read
from fakenews.explain.base import Progress, SampleRange, WordExplainer, WordWeights
from fakenews.explain.linear import LinearTerms, linear_weights

if TYPE_CHECKING:
    from torch import Tensor

    from fakenews.classifiers.windows import Windows

# A step costs about two verdicts. Four rank words nearly as a hundred do; whoever needs the sum exact takes more.
STEPS = SampleRange("steps", default=4, minimum=2, maximum=200)
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

    Sundararajan, Taly and Yan, «Axiomatic Attribution for Deep Networks», ICML 2017 (arXiv:1703.01365), by `captum`,
    Gauss-Legendre quadrature. The reference has the mask token's embedding for every word piece of a word; special
    tokens and punctuation stay. Word pieces and windows are summed onto words. `base_value` is the reference's margin;
    `residual` is the quadrature's error and shrinks as `n_samples` (steps) grows. Nothing is random.

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
    ) -> WordWeights:
        if isinstance(classifier, Differentiable):
            return _integrate(text, classifier, n_samples, progress)
        return linear_weights(text, classifier)


def _integrate(text: str, classifier: Differentiable, n_steps: int, progress: Progress) -> WordWeights:
    import torch
    from captum.attr import IntegratedGradients

    windows = classifier.encode(text)
    n_windows, _ = windows.input_ids.shape
    weights, base_value, margin = np.zeros(len(read(text).words)), 0.0, 0.0
    done, total = 0, n_windows * (n_steps + 2)

    def forward(embeddings: Tensor, attention_mask: Tensor) -> Tensor:
        nonlocal done
        margins = classifier.margin_from_embeddings(embeddings, attention_mask)  # [steps]
        done += len(embeddings)
        progress(min(1.0, done / total))
        return margins

    integrated = IntegratedGradients(forward)
    # Window by window, a few steps at a time: little memory on long texts, and progress and cancel are heard often.
    for w in range(n_windows):
        length = int(windows.attention_mask[w].sum())
        row = (slice(w, w + 1), slice(length))  # without padding
        input_ids, attention_mask = windows.input_ids[row], windows.attention_mask[row]
        word_index = windows.word_index[row]
        with torch.no_grad():
            words = classifier.embed(input_ids)  # [1, length, hidden]
            masked = classifier.embed(torch.where(word_index >= 0, classifier.mask_token_id, input_ids))
            ends = forward(torch.cat([masked, words]), attention_mask.expand(2, -1)).double().cpu().numpy()
        pieces = integrated.attribute(
            words,
            masked,
            additional_forward_args=(attention_mask,),
            n_steps=n_steps,
            method="gausslegendre",
            internal_batch_size=max(1, _BATCH_PIECES // length),
        )
        share = float(windows.weights[w])
        base_value += share * float(ends[0])
        margin += share * float(ends[1])
        index = word_index[0].cpu().numpy()
        per_piece = pieces.detach().double().sum(dim=-1)[0].cpu().numpy()  # [length]
        np.add.at(weights, index[index >= 0], share * per_piece[index >= 0])
    return WordWeights(
        weights,
        base_value=base_value,
        margin=margin,
        settings={"steps": n_steps, "windows": n_windows, "rule": "integrated gradients"},
    )
