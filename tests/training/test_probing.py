"""A probe on a pretrained encoder's first layers, and a student that is taught by both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import BertConfig

from fakenews.classifiers import store
from fakenews.classifiers.domain import fit_domain_head
from fakenews.classifiers.precision import fast_products
from fakenews.classifiers.probe import fit_probe
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.data.table import joined_texts, read_table
from fakenews.evidence.files import contradictions, read_evaluation, read_predictions
from fakenews.training import recipes
from fakenews.training.job import Job
from fakenews.training.probing import bare_classifier, trained_on
from fakenews.training.run import run
from fakenews.training.settings import Distillation, Probing
from fakenews.training.states import STATES, FromStates, States
from fakenews.training.student import Student, targets
from tests.explain.toys import planted_corpus


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> tuple[Path, ...]:
    """Three corpora that share the deciding words, each with a word of its own."""
    folder = tmp_path_factory.mktemp("corpora")
    paths = []
    for name in ("home", "one", "two"):
        texts, labels = planted_corpus(120)
        frame = pd.DataFrame({"title": "", "text": [f"{name} {t} {name}" for t in texts], "label": labels})
        frame.to_parquet(folder / f"{name}.parquet")
        paths.append(folder / f"{name}.parquet")
    return tuple(paths)


@pytest.fixture(scope="module")
def large_base(make_base) -> Path:
    """Four layers, of which three are kept."""
    config = BertConfig(hidden_size=32, num_hidden_layers=4, num_attention_heads=4, intermediate_size=48)
    config.initializer_range, config.hidden_dropout_prob, config.attention_probs_dropout_prob = 0.1, 0.0, 0.0
    return make_base(config)


@pytest.fixture
def small(monkeypatch, large_base, bert_base) -> None:
    probing = Probing(base=str(large_base), n_layers=3, max_length=32, home_rows=60)
    monkeypatch.setitem(recipes.RECIPES, "mpnet", replace(recipes.RECIPES["mpnet"], settings=probing))
    recipe = recipes.RECIPES["tinybert-from-mpnet"]
    assert isinstance(recipe.settings, Distillation)
    student = replace(
        recipe.settings.student, base=str(bert_base), max_length=32, epochs=8, learning_rate=3e-3, mask_share=0.0
    )
    settings = replace(
        recipe.settings, teacher=probing, student=student, teacher_layers=(3,), layers=(2,), folds=(("one", "two"),)
    )
    monkeypatch.setitem(recipes.RECIPES, recipe.name, replace(recipe, settings=settings))


@pytest.mark.slow
def test_a_probe_is_fitted_and_every_corpus_answered_by_one_that_did_without_it(small, corpora, tmp_path):
    out = tmp_path / "mpnet"
    evidence = run(Job("mpnet", corpora[0], out, more=corpora[1:]))
    assert contradictions(out) == ()
    loaded = store.load(store.find("mpnet", tmp_path), "cpu")
    assert isinstance(loaded, TransformerClassifier)
    assert (loaded.has_head, loaded.weights, loaded.model.config.num_hidden_layers) == (False, "int8", 3)
    assert loaded.probe_ is not None and loaded.probe_.weights.shape == (4, 32)
    assert loaded.domain_ is not None
    assert {corpus: e.roc_auc > 0.8 for corpus, e in evidence.protocols["left-out"].corpora.items()} == {
        "one/all": True, "two/all": True,
    }  # fmt: skip
    home, other = (joined_texts(read_table(path))[:40] for path in corpora[:2])
    assert loaded.predict_scores(home).in_domain.mean() > loaded.predict_scores(other).in_domain.mean() + 0.1

    # As if the power had gone: no article is read again, and the weights are the same.
    shards = {file: file.stat().st_mtime_ns for file in (out / "checkpoints" / STATES).iterdir()}
    probe = (out / "probe.safetensors").read_bytes()
    run(Job("mpnet", corpora[0], out, more=corpora[1:]))
    assert {file: file.stat().st_mtime_ns for file in (out / "checkpoints" / STATES).iterdir()} == shards
    assert (out / "probe.safetensors").read_bytes() == probe


@pytest.mark.slow
def test_a_student_gives_back_what_its_teacher_says_and_folds_have_students_of_their_own(small, corpora, tmp_path):
    out = tmp_path / "tinybert"
    job = Job("tinybert-from-mpnet", corpora[0], out, more=corpora[1:])
    evidence = run(job)
    assert contradictions(out) == ()
    curve = [
        row["eval_loss"]
        for row in json.loads((out / "training.json").read_text())["distillation"]
        if "eval_loss" in row
    ]
    assert min(curve) < 0.7 * curve[0]
    assert sorted(path.name for path in (out / "checkpoints").iterdir() if path.is_dir()) == ["all", "one-two", STATES]
    student = store.load(store.find("tinybert", tmp_path), "cpu")
    assert isinstance(student, TransformerClassifier) and not student.has_head
    assert evidence.corpora["home/test"].roc_auc > 0.8
    rows = read_predictions(out, ["left-out"])
    assert set(rows["corpus"]) == {"one", "two"}

    # Taken up again, no student is trained a second time.
    weights = (out / "model.safetensors").read_bytes()
    trained = {path: path.stat().st_mtime_ns for path in (out / "checkpoints").glob("*/training.json")}
    run(replace(job, resume=True))
    assert {path: path.stat().st_mtime_ns for path in (out / "checkpoints").glob("*/training.json")} == trained
    assert (out / "model.safetensors").read_bytes() == weights
    assert read_evaluation(out).protocols["left-out"].corpora == evidence.protocols["left-out"].corpora


def test_of_the_first_corpus_so_many_rows_are_drawn_and_of_the_others_all():
    frame = pd.DataFrame({"corpus": ["home"] * 10 + ["one"] * 3, "id": range(13)})
    drawn = trained_on(frame, 4, seed=0)
    assert drawn["corpus"].value_counts().to_dict() == {"home": 4, "one": 3}
    assert drawn["id"].tolist() == trained_on(frame, 4, seed=0)["id"].tolist()
    assert trained_on(frame, 10, seed=0).equals(frame)
    alone = frame[frame["corpus"] == "home"]
    assert trained_on(alone, 4, seed=0).equals(alone)


def test_states_of_another_encoder_or_of_other_windows_are_not_taken(large_base, tmp_path):
    frame = pd.DataFrame({"title": "", "text": planted_corpus(6)[0]})
    told: list[str] = []
    one = bare_classifier("mpnet", Probing(base=str(large_base), n_layers=3, max_length=32), "neutral")
    first = States(one, tmp_path, told.append, n_windows=1).of(frame["text"].tolist())
    assert told == ["states of 6 of 6 articles"]
    np.testing.assert_array_equal(States(one, tmp_path, told.append, n_windows=1).of(frame["text"].tolist()), first)
    assert len(told) == 1
    States(one, tmp_path, told.append, n_windows=2).of(frame["text"].tolist())
    other = bare_classifier("mpnet", Probing(base=str(large_base), n_layers=2, max_length=32), "neutral")
    assert States(other, tmp_path, told.append, n_windows=1).of(frame["text"].tolist()).shape == (6, 3, 32)
    assert len(told) == 3


def test_answers_from_kept_states_are_those_of_the_classifier_and_are_computed_once(large_base, tmp_path):
    texts, labels = planted_corpus(40)
    texts = [f"{text} {'said ' * 40}" for text in texts]
    classifier = bare_classifier("mpnet", Probing(base=str(large_base), n_layers=3, max_length=32), "neutral")
    states = classifier.states(texts)
    classifier.probe_ = fit_probe(states, labels)
    classifier.domain_ = fit_domain_head(states.reshape(len(states), -1), [True, False] * 20)
    told: list[str] = []
    asked = FromStates(classifier, States(classifier, tmp_path, told.append))
    with fast_products():
        expected = classifier.predict_scores(texts)
    for _ in range(2):
        for found, wanted in zip(asked.predict_scores(texts), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=0.02)
    assert told == ["states of 40 of 40 articles"]
    assert asked.mask_token == classifier.mask_token


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
