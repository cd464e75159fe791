"""Teach a small encoder what a large one makes of texts: its mean states, and the two linear answers on them.

Task distillation after Jiao et al., "TinyBERT: Distilling BERT for Natural Language Understanding" (arXiv:1909.10351),
on mean states instead of those of every word piece, because the probe reads nothing else. The teacher has answered
every window beforehand, so that a step costs no more than the student's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from fakenews.classifiers.probe import mean_states


class Student(nn.Module):
    """An encoder that is being taught: a projection for each taught layer, and linear answers on all mean states.

    Parameters
    ----------
    encoder : PreTrainedModel
        Without a head.
    teacher_width : int
    layers : sequence of int
        Layers of the student, from 1 (0 are the embeddings), whose mean states are taught, in the order of `targets`.
    n_answers : int
        Linear answers of the teacher: its log-odds, and how in-domain a text is.
    answers_weight : float
        Of the squared error of the answers beside that of the states, all of unit variance.
    """

    def __init__(
        self,
        encoder: PreTrainedModel,
        teacher_width: int,
        layers: Sequence[int],
        n_answers: int = 2,
        answers_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.config = encoder.config
        self.layers = tuple(layers)
        self.answers_weight = answers_weight
        width = encoder.config.hidden_size
        self.projections = nn.ModuleList(nn.Linear(width, teacher_width) for _ in self.layers)
        self.answer = nn.Linear((encoder.config.num_hidden_layers + 1) * width, n_answers)
        nn.init.zeros_(self.answer.weight)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Return the answers, shape (n, n_answers), in the teacher's standard deviations, and the loss on targets.

        `labels` are rows of `targets`, shape (n, n_taught * teacher_width + n_answers).
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
        states = mean_states(hidden.hidden_states, attention_mask)  # (n, n_layers + 1, width)
        answers = self.answer(states.flatten(1)).float()
        if labels is None:
            return {"logits": answers}
        projected = [projection(states[:, i]) for projection, i in zip(self.projections, self.layers, strict=True)]
        n = answers.shape[1]
        loss = F.mse_loss(torch.cat(projected, dim=1).float(), labels[:, :-n])
        loss = loss + self.answers_weight * F.mse_loss(answers, labels[:, -n:])
        return {"loss": loss, "logits": answers}

    @torch.no_grad()
    def linear_answers(self, mean: NDArray[np.float64], std: NDArray[np.float64]) -> list[tuple[Any, float]]:
        """Return weights, shape (n_layers + 1, width), and bias of each answer, in the teacher's own unit.

        `mean` and `std` are those of the teacher's answers, as `targets` gives them.
        """
        weights = self.answer.weight.double().cpu().numpy() * std[:, None]
        biases = self.answer.bias.double().cpu().numpy() * std + mean
        shape = (self.config.num_hidden_layers + 1, -1)
        return [(w.reshape(shape).astype(np.float32), float(b)) for w, b in zip(weights, biases, strict=True)]


def targets(
    states: NDArray[np.float32], answers: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Standardize what a student is to give back.

    Parameters
    ----------
    states : ndarray of shape (n_windows, n_taught, teacher_width)
        The teacher's mean states.
    answers : ndarray of shape (n_windows, n_answers)
        The teacher's linear answers.

    Returns
    -------
    ndarray of shape (n_windows, n_taught * teacher_width + n_answers)
        Columns of mean 0 and variance 1, the answers last.
    mean, std : ndarray of shape (n_answers,)
        Of the answers.
    """
    flat = states.reshape(len(states), -1).astype(np.float32)
    mean, std = answers.mean(axis=0), np.maximum(answers.std(axis=0), 1e-6)
    flat = (flat - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-6)
    return np.concatenate([flat, ((answers - mean) / std).astype(np.float32)], axis=1), mean, std


def taught(pieces: Sequence[NDArray[np.int32]], goals: NDArray[np.float32]) -> list[dict[str, Any]]:
    """Return examples for the training loop: word pieces of windows, and rows of `targets`."""
    return [{"input_ids": ids, "labels": goal} for ids, goal in zip(pieces, goals, strict=True)]
