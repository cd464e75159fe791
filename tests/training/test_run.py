"""`fakenews train` from a table to a folder with weights, evidence and model card, with small local bases."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partialmethod
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import contradictions
from experiments.recipes import get
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.cnn import CnnClassifier
from fakenews.classifiers.features import FeaturesClassifier
from fakenews.classifiers.precision import fast_products
from fakenews.classifiers.word2vec import Word2VecClassifier
from fakenews.data.mix import with_split
from fakenews.data.table import joined_texts, read_table
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.training import recipes
from fakenews.training.job import TRAINING, Job
from fakenews.training.run import run
from fakenews.training.settings import FineTuning
from tests.explain.toys import planted_corpus


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """160 planted articles, not yet split."""
    texts, labels = planted_corpus(160)
    path = tmp_path_factory.mktemp("table") / "planted.parquet"
    pd.DataFrame({"title": [t.split()[0] for t in texts], "text": texts, "label": labels}).to_parquet(path)
    return path


@pytest.fixture
def quick(monkeypatch):
    """Return the recipes at sizes and rates with which so little data teaches anything."""
    fast = {"learning_rate": 3e-3, "batch_size": 8, "max_length": 512, "patience": 9}
    for name in ("tinybert", "distilbert"):
        recipe = recipes.RECIPES[name]
        assert isinstance(recipe.settings, FineTuning)
        monkeypatch.setitem(recipes.RECIPES, name, replace(recipe, settings=replace(recipe.settings, **fast)))


def check_folder(folder: Path, model: str, table: Path, n_rows: int = 160) -> None:
    """Everything a model folder is to hold, and that it agrees with itself."""
    evidence, rows = read_evaluation(folder), read_predictions(folder)
    assert contradictions(folder) == ()
    assert evidence.model == model
    assert {"planted/test", "planted/validation", "demo/all"} <= set(evidence.corpora)
    planted = rows[rows["corpus"] == "planted"]
    assert 0.2 * n_rows < len(planted) < 0.4 * n_rows
    assert "text" not in rows
    config = model_folder.settings(folder)
    assert sum(config["data"]["rows"].values()) == n_rows
    assert config["seed"] == 42
    assert set(config["versions"]) >= {"torch", "transformers", "scikit-learn"}
    assert config["calibration"].items() <= evidence.calibration.items()
    assert config["calibration"]["slope"] > 0
    assert evidence.training["minutes"] >= 0
    assert "fake-news" in (folder / "README.md").read_text(encoding="utf-8")
    # The stored predictions are what the stored weights say.
    classifier = store.load(store.find(str(folder), folder.parent))
    frame = with_split(read_table(table))
    test = frame[frame["split"] == "test"]
    stored = planted.set_index("id").loc[test["id"], "log_odds"].to_numpy()
    with fast_products():
        np.testing.assert_allclose(classifier.decision_function(joined_texts(test)), stored, atol=1e-4)


def test_tfidf_end_to_end(table, tmp_path):
    said: list[str] = []
    evidence = run(Job("tfidf", table, tmp_path / "tfidf"), said.append)
    check_folder(tmp_path / "tfidf", "tfidf", table)
    assert evidence.corpora["planted/test"].accuracy > 0.95
    # The planted articles are too short for a line between like and unlike to mean anything.
    assert "novelty" not in model_folder.settings(tmp_path / "tfidf")
    assert any(line.startswith("planted: ") and "train" in line for line in said)


def test_a_model_is_replaced_once_the_new_one_is_measured(table, tmp_path, monkeypatch):
    out = tmp_path / "models" / "tfidf"
    job = Job("tfidf", table, out)
    run(job)
    model_folder.pin(out)
    (out / "notes.txt").write_text("mine")
    (out / model_folder.ADDED).write_text("of an earlier model")
    before = {file: file.read_bytes() for file in out.parent.rglob("*") if file.is_file()}

    def interrupted(classifier, folder, *_):
        assert (folder / "model.skops").is_file()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("fakenews.training.run.measure", interrupted)
        run(job)
    assert {file: file.read_bytes() for file in out.parent.rglob("*") if file.is_file()} == before

    killed = tmp_path / "models" / "tfidf.partial"
    killed.mkdir()
    (killed / "novelty.safetensors").write_text("of a run that was killed")
    assert store.shipped(out.parent) == ("tfidf",)
    texts, labels = planted_corpus(120)
    other = tmp_path / "planted.parquet"
    pd.DataFrame({"text": texts, "label": labels}).to_parquet(other)
    run(replace(job, data=other))
    check_folder(out, "tfidf", other, 120)
    assert not killed.exists()
    assert (out / "notes.txt").read_text() == "mine"
    assert {file.name for file in out.iterdir()} == {file.name for file in before if file.parent == out} - {
        model_folder.ADDED
    }
    store.load(store.find("tfidf", out.parent))  # what is pinned is what lies there
    assert (out / "model.skops").read_bytes() != before[out / "model.skops"]


def test_a_corpus_that_cannot_be_read_is_found_before_training(table, tmp_path, monkeypatch):
    monkeypatch.setitem(
        recipes.RECIPES, "tfidf", replace(recipes.RECIPES["tfidf"], fit=lambda *_: pytest.fail("too late"))
    )
    (tmp_path / "fakes.parquet").write_text("no table")
    with pytest.raises(ValueError, match=r"fakes\.parquet"):
        run(Job("tfidf", table, tmp_path / "tfidf", corpora=tmp_path))
    assert not (tmp_path / "tfidf").exists()


@pytest.fixture
def eager(monkeypatch):
    """Return settings with which so few words and texts teach anything."""
    for classifier, settings in (
        (Word2VecClassifier, {"width": 24, "min_count": 1, "epochs": 20}),
        (CnnClassifier, {"width": 24, "min_count": 1, "vector_epochs": 20, "learning_rate": 1e-2, "batch_size": 8}),
        (FeaturesClassifier, {"n_trees": 40, "learning_rate": 0.2}),
    ):
        monkeypatch.setattr(classifier, "__init__", partialmethod(classifier.__init__, **settings))


@pytest.mark.parametrize("name", ["word2vec", "cnn", "features"])
def test_what_is_fitted_in_one_go_end_to_end(eager, table, tmp_path, name):
    evidence = run(Job(name, table, tmp_path / name))
    check_folder(tmp_path / name, name, table)
    assert evidence.corpora["planted/test"].accuracy > 0.9
    versions = model_folder.settings(tmp_path / name)["versions"]
    assert ("gensim" in versions) == (name != "features")
    curves = json.loads((tmp_path / name / TRAINING).read_text(encoding="utf-8"))
    assert bool(curves) == (name == "cnn")


def test_the_ensemble_weighs_whoever_lies_beside_it(of_style, eager, table, tmp_path):
    for name in ("tfidf", "features"):
        run(Job(name, table, tmp_path / name))
    said: list[str] = []
    evidence = run(Job("ensemble", table, tmp_path / "ensemble"), said.append, get("ensemble"))
    check_folder(tmp_path / "ensemble", "ensemble", table)
    assert evidence.corpora["planted/test"].accuracy > 0.9
    assert any(line.endswith(": tfidf, features") for line in said)
    assert [part.split()[0] for part in evidence.training["members"].split(", ")] == ["tfidf", "features"]
    assert evidence.training["rows"].startswith("24 of planted")


def test_an_ensemble_of_nobody_is_refused(table, tmp_path):
    with pytest.raises(ValueError, match=r"at least two members, got \[\]"):
        run(Job("ensemble", table, tmp_path / "ensemble"), recipe=get("ensemble"))


@pytest.mark.parametrize("name", ["tinybert", "distilbert"])
def test_fine_tuning_end_to_end(quick, table, bert_base, distilbert_base, tmp_path, name):
    base, out = {"tinybert": bert_base, "distilbert": distilbert_base}[name], tmp_path / name
    evidence = run(Job(name, table, out, base=str(base), epochs=5))
    check_folder(out, name, table)
    assert evidence.corpora["planted/test"].accuracy > 0.9
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == {"tinybert": "bert", "distilbert": "distilbert"}[name]
    assert config["fakenews"]["base"] == base.name  # folders of this machine are nobody's business
    assert str(base) not in (out / "evaluation.json").read_text(encoding="utf-8")
    assert config["fakenews"]["settings"]["epochs"] == 5
    curves = json.loads((out / TRAINING).read_text(encoding="utf-8"))["fine-tuning"]
    assert sum("eval_f1" in row for row in curves) == 5
    assert any("loss" in row for row in curves)
    assert store.find(name, tmp_path).size_mb < 1


def test_the_published_settings_run_as_they_are(table, bert_base, tmp_path):
    run(Job("tinybert", table, tmp_path, base=str(bert_base), max_steps=2))
    settings = model_folder.settings(tmp_path)["settings"]
    assert (settings["learning_rate"], settings["batch_size"], settings["max_length"]) == (2e-5, 16, 512)


def test_training_is_taken_up_at_the_last_checkpoint(quick, table, bert_base, tmp_path):
    job = Job("tinybert", table, tmp_path, base=str(bert_base), epochs=2)
    run(job)
    curves, weights = ((tmp_path / name).read_bytes() for name in (TRAINING, "model.safetensors"))
    # As if the power had gone while the second checkpoint was being written.
    *_, last = sorted((tmp_path / "checkpoints" / "fine-tuning").glob("checkpoint-*"), key=lambda f: f.stat().st_mtime)
    (last / "trainer_state.json").unlink()
    run(replace(job, resume=True))
    losses = [
        [row["loss"] for row in json.loads(rows)["fine-tuning"] if "loss" in row]
        for rows in (curves, (tmp_path / TRAINING).read_bytes())
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert (tmp_path / "model.safetensors").read_bytes() == weights


def test_what_another_run_left_is_never_taken_up(quick, table, bert_base, tmp_path):
    out = tmp_path / "tinybert"
    frame = pd.read_parquet(table)
    swapped = tmp_path / "planted.parquet"  # the same name and texts, other labels
    frame.assign(label=1 - frame["label"]).to_parquet(swapped)
    job = Job("tinybert", table, out, base=str(bert_base), max_steps=1)
    run(job)
    kept = out / "checkpoints" / "states.npz"
    kept.write_bytes(b"what says itself whose it is")
    before = {file: file.read_bytes() for file in (out / "checkpoints").rglob("*") if file.is_file()}
    for other, named in (
        ({"data": swapped}, "data"),
        ({"max_steps": 2}, "max_steps"),
        ({"epochs": 1.0, "base": "another"}, "base, epochs"),
        ({"cleaning": "raw", "truncation": True}, "cleaning, truncation"),
    ):
        with pytest.raises(ValueError, match=f"Cannot resume: .* with another {named}; .* without --resume"):
            run(replace(job, resume=True, **other))
    assert {file: file.read_bytes() for file in (out / "checkpoints").rglob("*") if file.is_file()} == before
    with pytest.raises(ValueError, match="is a checkpoint that a new run replaces"):
        run(replace(job, base=str(out / "checkpoints" / "fine-tuning")))

    # A run from the beginning that ends in its first stage leaves nothing older to be taken up.
    with pytest.raises(ValueError, match="Cannot load the base"):
        run(replace(job, data=swapped, base="nobody/nothing"))
    assert sorted(file.name for file in (out / "checkpoints").iterdir()) == ["job.json", "states.npz"]


@pytest.mark.slow
def test_checkpoints_of_nobody_are_not_taken_up(quick, table, bert_base, tmp_path):
    job = Job("tinybert", table, tmp_path, base=str(bert_base), max_steps=1, resume=True)
    run(job)  # nothing is there yet
    (tmp_path / "checkpoints" / "job.json").unlink()
    with pytest.raises(
        ValueError, match=r"Cannot resume: no job\.json says whose checkpoints .* start without --resume"
    ):
        run(job)
    run(replace(job, resume=False))
    run(job)


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"recipe": "tiny"}, "Unknown recipe 'tiny'"),
        ({"recipe": "tinybert", "epochs": 0}, "--epochs must be positive and finite, got 0"),
        ({"recipe": "tinybert", "epochs": -1.0}, "--epochs must be positive and finite, got -1"),
        ({"recipe": "tinybert", "epochs": float("nan")}, "--epochs must be positive and finite, got nan"),
        ({"recipe": "tinybert", "epochs": float("inf")}, "--epochs must be positive and finite, got inf"),
        ({"recipe": "tinybert", "max_steps": 0}, "--max-steps must be at least 1, got 0"),
        ({"recipe": "tfidf", "base": "somewhere"}, "takes no base"),
        ({"recipe": "tfidf", "resume": True}, "takes no base"),
        ({"recipe": "tinybert", "base": "nobody/nothing"}, "Cannot load the base"),
    ],
)
def test_what_will_not_do_is_refused_before_training(table, tmp_path, job, message):
    with pytest.raises(ValueError, match=message):
        run(Job(**{"data": table, "out": tmp_path, **job}))
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_package_that_is_missing_is_named_before_anything_is_read(table, tmp_path, monkeypatch):
    recipe = replace(recipes.RECIPES["word2vec"], packages=("nosuchpackage==1.0",))
    monkeypatch.setitem(recipes.RECIPES, "word2vec", recipe)
    with pytest.raises(ModuleNotFoundError, match=r"needs nosuchpackage.* pip install nosuchpackage==1\.0"):
        run(Job("word2vec", tmp_path / "nowhere.parquet", tmp_path))


def test_a_table_that_is_split_keeps_its_split():
    frame = pd.DataFrame({"text": list("abc"), "label": [0, 1, 0], "split": ["train", "test", "validation"]})
    assert with_split(frame) is frame


def test_tables_are_trained_on_without_their_empty_rows_and_with_the_label_that_means_fake(tmp_path: Path) -> None:
    from fakenews.training.run import read_tables

    texts, labels = planted_corpus(40)
    flipped = pd.DataFrame({"text": [*texts, " "], "label": [*(1 - label for label in labels), 1]})
    flipped.to_csv(tmp_path / "mine.csv", index=False)
    told: list[str] = []
    table = read_tables([tmp_path / "mine.csv"], told.append, fake="1")["mine"]
    assert table["label"].tolist() == labels and table["text"].tolist() == texts
    assert told == [
        "mine: 40 rows. Label 1 is read as fake and 0 is read as real. 1 of 41 rows has no text and is left out."
    ]
