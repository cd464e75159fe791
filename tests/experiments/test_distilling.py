"""A student that is taught by the first layers of an encoder and the probe on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.evidence import contradictions
from experiments.recipes import Distillation, get
from experiments.run import run
from experiments.student import Student, targets
from fakenews.classifiers import store
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.training.job import Job
from fakenews.training.settings import Probing, Recipe
from fakenews.training.states import STATES
from tests.explain.toys import planted_tables


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> tuple[Path, ...]:
    """Three corpora that share the deciding words, each with a word of its own."""
    return planted_tables(tmp_path_factory.mktemp("corpora"))


@pytest.fixture
def recipe(large_base, bert_base) -> Recipe:
    probing = Probing(base=str(large_base), n_layers=3, max_length=32, home_rows=60)
    recipe = get("tinybert-from-mpnet")
    assert isinstance(recipe.settings, Distillation)
    student = replace(
        recipe.settings.student, base=str(bert_base), max_length=32, epochs=8, learning_rate=3e-3, mask_share=0.0
    )
    settings = replace(
        recipe.settings, teacher=probing, student=student, teacher_layers=(3,), layers=(2,), folds=(("one", "two"),)
    )
    return replace(recipe, settings=settings)


@pytest.mark.slow
def test_a_student_gives_back_what_its_teacher_says_and_folds_have_students_of_their_own(recipe, corpora, tmp_path):
    out = tmp_path / "tinybert"
    job = Job("tinybert-from-mpnet", corpora[0], out, more=corpora[1:])
    evidence = run(job, recipe=recipe)
    assert contradictions(out) == ()
    curve = [
        row["eval_loss"]
        for row in json.loads((out / "training.json").read_text())["distillation"]
        if "eval_loss" in row
    ]
    assert min(curve) < 0.7 * curve[0]
    folders = sorted(path.name for path in (out / "checkpoints").iterdir() if path.is_dir())
    assert folders == ["all", "left-out", "one-two", STATES]
    student = store.load(store.find("tinybert", tmp_path), "cpu")
    assert isinstance(student, TransformerClassifier) and not student.has_head
    assert evidence.corpora["home/test"].roc_auc > 0.8
    rows = read_predictions(out, ["left-out"])
    assert set(rows["corpus"]) == {"one", "two"}

    # Taken up again, no student is trained a second time.
    weights = (out / "model.safetensors").read_bytes()
    trained = {path: path.stat().st_mtime_ns for path in (out / "checkpoints").glob("*/training.json")}
    run(replace(job, resume=True), recipe=recipe)
    assert {path: path.stat().st_mtime_ns for path in (out / "checkpoints").glob("*/training.json")} == trained
    assert (out / "model.safetensors").read_bytes() == weights
    assert read_evaluation(out).protocols["left-out"].corpora == evidence.protocols["left-out"].corpora


def test_targets_are_standardized_and_a_student_that_meets_them_has_no_loss(bert_base):
    from transformers import AutoModel

    rng = np.random.default_rng(0)
    states, answers = rng.normal(3.0, 2.0, (50, 2, 8)).astype(np.float32), rng.normal(-1.0, 5.0, (50, 2))
    goals, mean, std = targets(states, answers)
    np.testing.assert_allclose(goals.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(goals.std(axis=0), 1.0, atol=1e-4)
    np.testing.assert_allclose(goals[:, -2:] * std + mean, answers, rtol=1e-4, atol=1e-4)

    student = Student(AutoModel.from_pretrained(bert_base, add_pooling_layer=False), 8, (1, 2)).eval()
    ids = torch.tensor([[2, 7, 8, 9, 3], [2, 9, 3, 0, 0]])
    mask = (ids > 0).long()
    with torch.no_grad():
        hidden = student.encoder(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        means = [(h * mask[..., None]).sum(1) / mask.sum(1, keepdim=True) for h in hidden]
        met = torch.cat([student.projections[0](means[1]), student.projections[1](means[2])], dim=1)
        met = torch.cat([met, student.answer(torch.cat(means, dim=1))], dim=1)
        assert student(ids, mask, met)["loss"].item() == pytest.approx(0.0, abs=1e-9)
        assert student(ids, mask, met + 1.0)["loss"].item() == pytest.approx(2.0, rel=1e-4)  # 1 of each term
        answers = student(ids, mask)["logits"].double().numpy() * std + mean
        for (weights, bias), column in zip(student.linear_answers(mean, std), answers.T, strict=True):
            flat = torch.stack(means, dim=1).numpy()
            np.testing.assert_allclose(np.einsum("nlw,lw->n", flat, weights) + bias, column, rtol=1e-4)
