"""What the teacher teaches: nothing where the student already agrees, and the right amount where it does not."""

from __future__ import annotations

from math import log
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments

from fakenews.training.distil import (
    HiddenDistillation,
    LogitDistillation,
    attention_divergence,
    softened_divergence,
)

BATCH = {
    "input_ids": torch.tensor([[2, 7, 8, 9, 3], [2, 9, 3, 0, 0]]),
    "attention_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]),
    "labels": torch.tensor([0, 1]),
}


def small_model(seed: int) -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=12, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=8, initializer_range=0.3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        attn_implementation="eager",
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BertForSequenceClassification(config).train()


def arguments(folder: Path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(folder), report_to=[], use_cpu=True)


def hidden_loss(student, teacher, folder, basis=None, layers=(0, 1)) -> float:
    trainer = HiddenDistillation(
        student, arguments(folder), teacher=teacher, basis=torch.eye(8) if basis is None else basis,
        layers=layers, temperature=2.0,
    )  # fmt: skip
    return trainer.compute_loss(student, dict(BATCH)).item()


def logit_loss(student, teacher, folder, hard_share) -> float:
    trainer = LogitDistillation(student, arguments(folder), teacher=teacher, temperature=2.0, hard_share=hard_share)
    return trainer.compute_loss(student, dict(BATCH)).item()


def test_divergence_of_logits_by_hand():
    # Fair against 3 to 1: sum of p log(p / q) with p the teacher's; twice the logits at temperature 2, times 2².
    theirs, mine = torch.tensor([[0.0, 0.0]]), torch.tensor([[log(3.0), 0.0]])
    expected = 0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)
    assert float(softened_divergence(mine, theirs, 1.0)) == pytest.approx(expected, abs=1e-6)
    assert float(softened_divergence(2 * mine, theirs, 2.0)) == pytest.approx(4 * expected, abs=1e-6)
    assert float(softened_divergence(theirs, theirs, 2.0)) == 0.0
    assert float(softened_divergence(mine + 5, mine, 2.0)) == pytest.approx(0.0, abs=1e-6)  # a shift says nothing


def test_divergence_of_attention_by_hand_and_without_padding():
    theirs = torch.tensor([[[[0.5, 0.5], [0.9, 0.1]]]])  # [batch, heads, length, length]
    mine = torch.tensor([[[[0.75, 0.25], [0.1, 0.9]]]])
    first = 0.5 * log(0.5 / 0.75) + 0.5 * log(0.5 / 0.25)
    second = 0.9 * log(9.0) + 0.1 * log(1 / 9)
    both, only_first = torch.tensor([[True, True]]), torch.tensor([[True, False]])
    assert float(attention_divergence(mine, theirs, both)) == pytest.approx((first + second) / 2, abs=1e-6)
    assert float(attention_divergence(mine, theirs, only_first)) == pytest.approx(first, abs=1e-6)
    assert float(attention_divergence(theirs, theirs, both)) == 0.0


def test_a_student_that_is_its_teacher_has_nothing_to_learn(tmp_path):
    student, teacher = small_model(0), small_model(0)
    assert hidden_loss(student, teacher, tmp_path) == pytest.approx(0.0, abs=1e-10)
    assert logit_loss(student, teacher, tmp_path, hard_share=0.0) == pytest.approx(0.0, abs=1e-10)


def test_another_student_has(tmp_path):
    student, teacher = small_model(1), small_model(0)
    assert hidden_loss(student, teacher, tmp_path) > 1.0
    assert logit_loss(student, teacher, tmp_path, hard_share=0.0) > 0.0


def test_states_are_compared_in_the_basis_and_by_layer(tmp_path):
    student, teacher = small_model(0), small_model(0)
    assert hidden_loss(student, teacher, tmp_path, basis=torch.eye(8).flip(0)) > 1.0
    assert hidden_loss(student, teacher, tmp_path, layers=(1, 0)) > 0.01


def test_padding_teaches_nothing(tmp_path):
    student, teacher = small_model(1), small_model(0)
    short = {k: v[1:, :3] if v.dim() == 2 else v[1:] for k, v in BATCH.items()}
    padded = {k: v[1:] for k, v in BATCH.items()}
    trainer = HiddenDistillation(
        student, arguments(tmp_path), teacher=teacher, basis=torch.eye(8), layers=(0, 1), temperature=2.0
    )
    losses = [trainer.compute_loss(student, batch).item() for batch in (short, padded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_the_hard_share_weighs_labels_against_the_teacher(tmp_path):
    student, teacher = small_model(1), small_model(0)
    soft, hard, half = (logit_loss(student, teacher, tmp_path, share) for share in (0.0, 1.0, 0.5))
    cross_entropy = torch.nn.functional.cross_entropy(
        student(**{k: v for k, v in BATCH.items() if k != "labels"}).logits, BATCH["labels"]
    )
    assert hard == pytest.approx(cross_entropy.item(), rel=1e-5)
    assert half == pytest.approx((soft + hard) / 2, rel=1e-5)


@pytest.mark.parametrize("stage", ["hidden", "logits"])
def test_an_evaluation_is_scored_on_the_labels_alone(tmp_path, stage):
    student, teacher = small_model(1).eval(), small_model(0)
    expected = student(**BATCH).loss.item()
    found = (
        hidden_loss(student, teacher, tmp_path) if stage == "hidden" else logit_loss(student, teacher, tmp_path, 0.0)
    )
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_teacher_stays_as_it_is(tmp_path):
    student, teacher = small_model(1), small_model(0)
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    trainer = HiddenDistillation(
        student, arguments(tmp_path), teacher=teacher, basis=torch.eye(8), layers=(0, 1), temperature=2.0
    )
    trainer.compute_loss(student, dict(BATCH)).backward()
    assert not teacher.training
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(v, before[k]) for k, v in teacher.state_dict().items())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())
