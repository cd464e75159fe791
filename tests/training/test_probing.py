"""A probe on a pretrained encoder's first layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import contradictions
from experiments.run import run
from fakenews.classifiers import store
from fakenews.classifiers.domain import fit_domain_head
from fakenews.classifiers.precision import fast_products
from fakenews.classifiers.probe import fit_probe
from fakenews.classifiers.transformer import TransformerClassifier
from fakenews.data.table import joined_texts, read_table
from fakenews.training import recipes
from fakenews.training.job import Job
from fakenews.training.probing import bare_classifier, trained_on
from fakenews.training.settings import Probing
from fakenews.training.states import STATES, FromStates, States
from tests.explain.toys import planted_corpus, planted_tables


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> tuple[Path, ...]:
    """Three corpora that share the deciding words, each with a word of its own."""
    return planted_tables(tmp_path_factory.mktemp("corpora"))


@pytest.fixture
def small(monkeypatch, large_base) -> None:
    probing = Probing(base=str(large_base), n_layers=3, max_length=32, home_rows=60)
    monkeypatch.setitem(recipes.RECIPES, "mpnet", replace(recipes.RECIPES["mpnet"], settings=probing))


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


def test_of_the_first_corpus_so_many_rows_are_drawn_and_of_the_others_all():
    frame = pd.DataFrame({"corpus": ["home"] * 10 + ["one"] * 3, "id": range(13)})
    home = (frame["corpus"] == "home").to_numpy()
    drawn = trained_on(frame, home, 4, seed=0)
    assert drawn["corpus"].value_counts().to_dict() == {"home": 4, "one": 3}
    assert drawn["id"].tolist() == trained_on(frame, home, 4, seed=0)["id"].tolist()
    assert trained_on(frame, home, 10, seed=0).equals(frame)
    alone = frame[frame["corpus"] == "home"]
    assert trained_on(alone, np.ones(10, dtype=bool), 4, seed=0).equals(alone)


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


def test_the_first_corpus_is_known_by_its_name_also_where_a_part_begins_with_another():
    job = Job("tfidf", Path("home.parquet"), Path("out"), more=(Path("one.parquet"),))
    frame = pd.DataFrame({"corpus": ["one", "home", "one"], "id": range(3)})
    assert job.in_domain(frame).tolist() == [False, True, False]
    assert job.in_domain_rows(frame)["id"].tolist() == [1]
    assert not job.in_domain(frame[frame["corpus"] == "one"]).any()
    assert job.in_domain(frame[["id"]]).all(), "one table has no column of corpora"
