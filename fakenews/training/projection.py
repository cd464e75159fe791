"""A narrower, shallower BERT that starts from what a trained one knows.

Every weight of the teacher is carried through the leading directions of its hidden states; what cannot be
carried (layer norms act on coordinates) is fitted to the teacher's activations by least squares. No gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

Batch = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Projected:
    """The student; the basis in which it sees the teacher's states, (teacher width, width); its share of variance."""

    student: BertForSequenceClassification
    basis: Tensor
    variance_kept: float


@torch.no_grad()
def project(
    teacher: BertForSequenceClassification,
    batches: list[Batch],
    layers: tuple[int, ...],
    width: int,
    heads: int,
    intermediate: int,
) -> Projected:
    """Make a student of `len(layers)` layers and `width` from `teacher`.

    Parameters
    ----------
    teacher : BertForSequenceClassification
        Fine-tuned, in eval mode.
    batches : list of dict
        Some hundreds of examples (input_ids, attention_mask) on which activations are measured.
    layers : tuple of int
        Teacher layers, from 0, that become the student's.
    width, heads, intermediate : int
        Shape of the student.

    Raises
    ------
    ValueError
        If `width` exceeds the teacher's, is no multiple of `heads`, or the heads differ in number.
    """
    old = teacher.config
    if width > old.hidden_size or width % heads or heads != old.num_attention_heads:
        raise ValueError(
            f"A student of width {width} with {heads} heads does not fit a teacher of width {old.hidden_size} "
            f"with {old.num_attention_heads} heads: same number of heads, width a multiple of it and not larger."
        )
    shape = {
        "num_hidden_layers": len(layers),
        "hidden_size": width,
        "num_attention_heads": heads,
        "intermediate_size": intermediate,
    }
    student = BertForSequenceClassification(BertConfig.from_dict({**old.to_dict(), **shape})).eval()

    # torch gives the attributes of modules no types, hence Any.
    blocks: list[Any] = [teacher.bert.encoder.layer[i] for i in layers]
    pooler: Any = teacher.bert.pooler
    norms = [block.attention.output.LayerNorm for block in blocks]
    units = [block.intermediate for block in blocks]
    states: list[list[Tensor]] = [[] for _ in range(old.num_hidden_layers + 1)]
    with _recorded([*norms, *units, pooler], batches) as seen:
        for batch in batches:
            for layer, hidden in enumerate(teacher(**batch, output_hidden_states=True).hidden_states):
                states[layer].append(hidden[batch["attention_mask"].bool()])
    hidden_states = [torch.cat(parts) for parts in states]  # each (tokens, teacher width)

    moment = sum((h.T.double() @ h.double() for h in hidden_states), torch.zeros((), dtype=torch.float64))
    values, vectors = torch.linalg.eigh(moment)
    basis = vectors[:, -width:].flip(1).float()

    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        source, target = (getattr(m.bert.embeddings, name).weight for m in (teacher, student))
        target.copy_(source @ basis)
    for index, block in enumerate(blocks):
        mine: Any = student.bert.encoder.layer[index]
        _carry_attention(block.attention, mine.attention, basis, hidden_states[layers[index]] @ basis, heads)
        _carry_units(block, mine, basis, torch.cat(seen[units[index]]))
    _carry_head(teacher, student, basis, torch.cat(seen[pooler]))

    _fit_norm(student, student.bert.embeddings.LayerNorm, hidden_states[0] @ basis, batches)
    for index, layer in enumerate(layers):
        mine = student.bert.encoder.layer[index]
        _fit_norm(student, mine.attention.output.LayerNorm, torch.cat(seen[norms[index]]) @ basis, batches)
        _fit_norm(student, mine.output.LayerNorm, hidden_states[layer + 1] @ basis, batches)
    return Projected(student, basis, float(values[-width:].sum() / values.sum()))


@contextmanager
def _recorded(
    modules: list[nn.Module], batches: list[Batch], inputs: bool = False
) -> Iterator[dict[nn.Module, list[Tensor]]]:
    """Outputs (or inputs) of modules at attended positions, one tensor (tokens, width) per batch, in order."""
    seen: dict[nn.Module, list[Tensor]] = {module: [] for module in modules}

    def keep(module: nn.Module, value: Tensor) -> None:
        mask = batches[len(seen[module])]["attention_mask"].bool()
        seen[module].append(value[mask] if value.dim() == 3 else value)

    def on_output(module: nn.Module, _: Any, value: Tensor) -> None:
        keep(module, value)

    def on_input(module: nn.Module, values: tuple[Tensor, ...]) -> None:
        keep(module, values[0])

    handles = [m.register_forward_pre_hook(on_input) if inputs else m.register_forward_hook(on_output) for m in modules]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _carry_attention(source: Any, target: Any, basis: Tensor, inputs: Tensor, heads: int) -> None:
    """Low-rank factors of each head's score matrix and value-output product, weighted by the inputs' moments."""
    old, new = source.self, target.self
    wide, narrow = old.query.weight.shape[0] // heads, new.query.weight.shape[0] // heads
    ones = torch.ones(len(inputs), 1)
    augmented = torch.cat([inputs, ones], 1).double()
    root, inverse = _roots(augmented.T @ augmented / len(inputs))
    root_in, inverse_in = _roots((inputs.T @ inputs).double() / len(inputs))
    out = source.output.dense
    target.output.dense.bias.copy_(basis.T @ (out.bias + out.weight @ old.value.bias))
    new.value.bias.zero_()
    for head in range(heads):
        a, b = slice(head * wide, (head + 1) * wide), slice(head * narrow, (head + 1) * narrow)
        query, key = (
            torch.cat([p.weight[a] @ basis, p.bias[a, None]], 1).double() for p in (old.query, old.key)
        )  # [wide, width + 1]
        u, s, vt = torch.linalg.svd(root @ (query.T @ key / wide**0.5) @ root)
        scale = s[:narrow].sqrt() * narrow**0.25
        for part, factor in ((new.query, u[:, :narrow]), (new.key, vt[:narrow].T)):
            carried = (inverse @ factor * scale).T.float()  # [narrow, width + 1]
            part.weight[b] = carried[:, :-1]
            part.bias[b] = carried[:, -1]
        product = (basis.T @ out.weight[:, a] @ old.value.weight[a] @ basis).double()  # [width, width]
        u, s, vt = torch.linalg.svd(product @ root_in)
        target.output.dense.weight[:, b] = (u[:, :narrow] * s[:narrow].sqrt()).float()
        new.value.weight[b] = (s[:narrow].sqrt()[:, None] * vt[:narrow] @ inverse_in).float()


def _carry_units(source: Any, target: Any, basis: Tensor, activations: Tensor) -> None:
    """The feed-forward units that write most into the stream; the mean of the others goes into the bias."""
    first, second = source.intermediate.dense, source.output.dense
    strength = activations.pow(2).mean(0) * second.weight.pow(2).sum(0)
    order = strength.argsort(descending=True)
    keep, drop = order.split(
        [target.intermediate.dense.weight.shape[0], len(order) - target.intermediate.dense.weight.shape[0]]
    )
    target.intermediate.dense.weight.copy_(first.weight[keep] @ basis)
    target.intermediate.dense.bias.copy_(first.bias[keep])
    target.output.dense.weight.copy_(basis.T @ second.weight[:, keep])
    target.output.dense.bias.copy_(basis.T @ (second.bias + second.weight[:, drop] @ activations[:, drop].mean(0)))


def _carry_head(
    teacher: BertForSequenceClassification, student: BertForSequenceClassification, basis: Tensor, pooled: Tensor
) -> None:
    """The pooler units that move the logits most."""
    head = teacher.classifier
    old: Any = teacher.bert.pooler
    new: Any = student.bert.pooler
    strength = pooled.std(0) * head.weight.std(0)
    order = strength.argsort(descending=True)
    keep, drop = order[: basis.shape[1]], order[basis.shape[1] :]
    new.dense.weight.copy_(old.dense.weight[keep] @ basis)
    new.dense.bias.copy_(old.dense.bias[keep])
    student.classifier.weight.copy_(head.weight[:, keep])
    student.classifier.bias.copy_(head.bias + head.weight[:, drop] @ pooled[:, drop].mean(0))


def _fit_norm(student: BertForSequenceClassification, norm: nn.LayerNorm, target: Tensor, batches: list[Batch]) -> None:
    """Gain and bias of one layer norm, coordinate by coordinate, so that its output comes nearest to `target`."""
    with _recorded([norm], batches, inputs=True) as seen:
        for batch in batches:
            student(**batch)
    x = nn.functional.layer_norm(torch.cat(seen[norm]), list(norm.normalized_shape), eps=norm.eps)
    mean_x, mean_t = x.mean(0), target.mean(0)
    gain = ((x - mean_x) * (target - mean_t)).mean(0) / (x - mean_x).pow(2).mean(0).clamp_min(1e-8)
    norm.weight.copy_(gain)
    norm.bias.copy_(mean_t - gain * mean_x)


def _roots(moment: Tensor) -> tuple[Tensor, Tensor]:
    """Square root of a moment matrix and the inverse of it, small eigenvalues floored."""
    values, vectors = torch.linalg.eigh(moment)
    values = values.clamp_min(float(values[-1]) * 1e-8)
    return (vectors * values.sqrt()) @ vectors.T, (vectors * values.rsqrt()) @ vectors.T
