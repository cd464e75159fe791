"""A student made of a teacher without gradients: exact where nothing has to be left out, close where little is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification

from fakenews.training.finetune import Collator, encode_examples
from fakenews.training.projection import Projected, _carry_attention, _carry_units, project
from fakenews.training.recipes import FineTuning
from tests.explain.toys import planted_corpus

ALL_LAYERS, WIDTH, HEADS, UNITS = (0, 1), 32, 2, 64


@pytest.fixture(scope="module")
def teacher(classifiers) -> Any:
    """Of the small TinyBERT, all states: behind its promise a classifier leaves out those that nobody reads."""
    trained = classifiers["tinybert"].model
    bare = BertForSequenceClassification(trained.config)
    bare.load_state_dict(trained.state_dict())
    return bare.eval()


@pytest.fixture(scope="module")
def batches(classifiers) -> list[dict[str, torch.Tensor]]:
    tokenizer = classifiers["tinybert"].tokenizer
    collate = Collator(tokenizer, FineTuning("", max_length=64))
    examples = encode_examples(*planted_corpus(96), tokenizer)
    found = [collate(examples[at : at + 32]) for at in range(0, 96, 32)]
    return [{k: v for k, v in batch.items() if k != "labels"} for batch in found]


@pytest.fixture(scope="module")
def whole(teacher, batches) -> Projected:
    """Nothing left out: only the layer norms, which act on coordinates, cannot be carried exactly."""
    return project(teacher, batches, ALL_LAYERS, WIDTH, HEADS, UNITS)


def states(model: Any, batches: list[dict[str, torch.Tensor]]) -> list[torch.Tensor]:
    """Hidden states at attended positions, (tokens, width) for the embeddings and every layer."""
    with torch.no_grad():
        runs = [model(**batch, output_hidden_states=True).hidden_states for batch in batches]
    masks = [batch["attention_mask"].bool() for batch in batches]
    return [torch.cat([h[m] for h, m in zip(layer, masks, strict=True)]) for layer in zip(*runs, strict=True)]


def margins(model: Any, batches: list[dict[str, torch.Tensor]]) -> torch.Tensor:
    with torch.no_grad():
        logits = torch.cat([model(**batch).logits for batch in batches])
    return logits[:, 0] - logits[:, 1]


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


def test_the_basis_is_orthonormal_and_at_full_width_keeps_everything(whole):
    torch.testing.assert_close(whole.basis.T @ whole.basis, torch.eye(WIDTH), atol=1e-5, rtol=0)
    assert whole.variance_kept == pytest.approx(1.0)


def test_at_full_width_the_states_follow_the_teachers(whole, teacher, batches):
    pairs = list(zip(states(whole.student, batches), states(teacher, batches), strict=True))
    assert len(pairs) == 3
    for mine, theirs in pairs:
        assert correlation(mine, theirs @ whole.basis) > 0.9


def test_at_full_width_the_verdicts_follow_the_teachers(whole, teacher, batches):
    assert correlation(margins(whole.student, batches), margins(teacher, batches)) > 0.8


def test_a_narrower_student_has_the_shape_asked_for_and_remembers(teacher, batches):
    found = project(teacher, batches, (1,), width=24, heads=2, intermediate=40)
    config = found.student.config
    assert (config.num_hidden_layers, config.hidden_size) == (1, 24)
    assert (config.num_attention_heads, config.intermediate_size) == (2, 40)
    assert config.id2label == teacher.config.id2label
    assert found.basis.shape == (32, 24)
    assert 0.5 < found.variance_kept < 1.0
    assert not found.student.training
    assert all(torch.isfinite(p).all() for p in found.student.parameters())
    mine, theirs = states(found.student, batches)[0], states(teacher, batches)[0] @ found.basis
    assert correlation(mine, theirs) > 0.9


def test_the_teacher_is_left_as_it_was(teacher, batches):
    def hooks() -> list[int]:
        return [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in teacher.modules()]

    before, hooks_before = {k: v.clone() for k, v in teacher.state_dict().items()}, hooks()
    project(teacher, batches, (0,), 24, 2, 40)
    assert all(torch.equal(v, before[k]) for k, v in teacher.state_dict().items())
    assert hooks() == hooks_before


def test_at_full_rank_attention_is_carried_exactly(whole, teacher, batches):
    source, target = teacher.bert.encoder.layer[0].attention, whole.student.bert.encoder.layer[0].attention
    inputs = states(teacher, batches)[0]
    with torch.no_grad():
        _carry_attention(source, target, whole.basis, inputs @ whole.basis, HEADS)
        theirs, mine = inputs[:40], inputs[:40] @ whole.basis

        def scores(attention: Any, x: torch.Tensor) -> torch.Tensor:
            query, key = (p(x).view(len(x), HEADS, -1).transpose(0, 1) for p in (attention.query, attention.key))
            return query @ key.transpose(1, 2) / query.shape[-1] ** 0.5  # [heads, tokens, tokens]

        expected = scores(source.self, theirs)
        torch.testing.assert_close(scores(target.self, mine), expected, atol=1e-4, rtol=1e-4)
        # Attention rows sum to 1, so a fixed mixture of values stands for any of them.
        mixture = expected[0].softmax(-1)
        written = source.output.dense(mixture @ source.self.value(theirs)) @ whole.basis
        torch.testing.assert_close(
            target.output.dense(mixture @ target.self.value(mine)), written, atol=1e-4, rtol=1e-4
        )


def test_all_units_kept_are_the_teachers_and_dropped_ones_leave_their_mean(whole, teacher, batches):
    source, target = teacher.bert.encoder.layer[0], whole.student.bert.encoder.layer[0]
    inputs = states(teacher, batches)[1]
    with torch.no_grad():
        activations = source.intermediate(inputs)
        written = source.output.dense(activations) @ whole.basis
        mine = target.output.dense(target.intermediate(inputs @ whole.basis))
        torch.testing.assert_close(mine, written, atol=1e-4, rtol=1e-4)

        fewer = project(teacher, batches, ALL_LAYERS, WIDTH, HEADS, 40).student.bert.encoder.layer[0]
        _carry_units(source, fewer, whole.basis, activations)
        mine = fewer.output.dense(fewer.intermediate(inputs @ whole.basis))
    torch.testing.assert_close(mine.mean(0), written.mean(0), atol=1e-4, rtol=1e-3)
    assert correlation(mine, written) > 0.8


@pytest.mark.parametrize(("width", "heads"), [(64, 2), (25, 2), (24, 4)])
def test_a_shape_that_does_not_fit_is_refused(teacher, batches, width, heads):
    with pytest.raises(ValueError, match="does not fit a teacher of width 32 with 2 heads"):
        project(teacher, batches, ALL_LAYERS, width, heads, 40)
