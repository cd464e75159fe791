"""What the teacher teaches: hidden states and attention first, logits and labels second.

Jiao et al., «TinyBERT: Distilling BERT for Natural Language Understanding» (arXiv:1909.10351), with two
differences: states are compared in the fixed basis of the projection, attention by Kullback–Leibler divergence.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel, Trainer


class HiddenDistillation(Trainer):
    """Stage 1: hidden states, attention and a little of the logits.

    Parameters
    ----------
    teacher : PreTrainedModel
        In eval mode, attention implementation «eager»; the student's must be too.
    basis : tensor of shape (teacher width, student width)
        Where the student's states live.
    layers : tuple of int
        Teacher layer of each student layer.
    temperature : float
        Softening of the logits.
    """

    def __init__(
        self,
        *args: Any,
        teacher: PreTrainedModel,
        basis: Tensor,
        layers: tuple[int, ...],
        temperature: float,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.teacher = nn.Module.to(teacher, self.args.device).eval()
        self.basis = basis.to(self.args.device)
        self.layers = layers
        self.temperature = temperature

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Sum of relative squared errors of states, divergences of attention, and a tenth of the logits' divergence."""
        if not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        batch = {k: v for k, v in inputs.items() if k != "labels"}
        with torch.no_grad():
            theirs = self.teacher(**batch, output_hidden_states=True, output_attentions=True)
        mine = model(**batch, output_hidden_states=True, output_attentions=True)
        mask = batch["attention_mask"].bool()
        loss = 0.1 * softened_divergence(mine.logits, theirs.logits, self.temperature)
        for i, layer in enumerate((-1, *self.layers)):
            target = theirs.hidden_states[layer + 1][mask] @ self.basis
            loss = loss + F.mse_loss(mine.hidden_states[i][mask], target) / target.var()
        for i, layer in enumerate(self.layers):
            loss = loss + attention_divergence(mine.attentions[i], theirs.attentions[layer], mask) / len(self.layers)
        return (loss, mine) if return_outputs else loss


class LogitDistillation(Trainer):
    """Stage 2: the teacher's logits and the true labels.

    Parameters
    ----------
    teacher : PreTrainedModel
        In eval mode.
    temperature : float
        Softening of both sides' logits.
    hard_share : float
        Weight of the labels, in [0, 1].
    """

    def __init__(
        self, *args: Any, teacher: PreTrainedModel, temperature: float, hard_share: float, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.teacher = nn.Module.to(teacher, self.args.device).eval()
        self.temperature = temperature
        self.hard_share = hard_share

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor | Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Weighted sum of cross-entropy and the logits' divergence."""
        if not model.training:
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        batch = {k: v for k, v in inputs.items() if k != "labels"}
        with torch.no_grad():
            theirs = self.teacher(**batch).logits
        mine = model(**batch)
        hard = F.cross_entropy(mine.logits, inputs["labels"])
        soft = softened_divergence(mine.logits, theirs, self.temperature)
        loss = self.hard_share * hard + (1.0 - self.hard_share) * soft
        return (loss, mine) if return_outputs else loss


def softened_divergence(mine: Tensor, theirs: Tensor, temperature: float) -> Tensor:
    """Kullback–Leibler divergence of softened logits, scaled by T² (Hinton et al. 2015, arXiv:1503.02531)."""
    student, teacher = (F.log_softmax(x / temperature, dim=-1) for x in (mine, theirs))
    return F.kl_div(student, teacher, log_target=True, reduction="batchmean") * temperature**2


def attention_divergence(mine: Tensor, theirs: Tensor, mask: Tensor) -> Tensor:
    """Mean divergence of attention rows, (batch, heads, length, length) each, over attended queries."""
    rows = mask[:, None, :].expand(mine.shape[:3])
    p, q = theirs[rows].clamp_min(1e-7), mine[rows].clamp_min(1e-7)
    return (p * (p.log() - q.log())).sum(-1).mean()
