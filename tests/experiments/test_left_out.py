"""Shipped models measured on corpora that were left out of their training."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest

from experiments import protocols
from experiments.evidence import contradictions
from experiments.protocols import measure_protocols
from experiments.run import run
from fakenews.classifiers import model_folder, store
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.evidence.predictions import scores_of
from fakenews.training.job import Job

NAMES = ("home", "one", "two")


def test_the_ensemble_is_weighed_by_what_its_members_said_of_corpora_they_had_not_seen(models, corpora):
    evidence = read_evaluation(models / "ensemble")
    assert contradictions(models / "ensemble") == ()
    answers = read_predictions(models / "ensemble", ["left-out"])
    member = read_predictions(models / "tfidf", ["left-out"])
    assert answers["id"].tolist() == member["id"].tolist()
    assert list(evidence.protocols["left-out"].corpora) == ["one/all", "two/all"]
    stored = store.find("ensemble", models)
    classifier = store.load(stored)
    assert isinstance(classifier, EnsembleClassifier)
    assert classifier.with_domain == ("tfidf",)
    np.testing.assert_array_equal(answers["in_domain"], member["in_domain"])

    # Measured again it says the same, without being fitted again.
    again = measure_protocols(stored, ["left-out"], corpora[0], None)
    pd.testing.assert_frame_equal(read_predictions(models / "ensemble", ["left-out"]), answers)
    assert again.protocols["left-out"].training == evidence.protocols["left-out"].training


def test_a_model_is_measured_on_the_corpora_it_was_trained_on_or_on_the_first_alone(models, corpora, tmp_path):
    stored = store.find(str(shutil.copytree(models / "tfidf", tmp_path / "tfidf")), tmp_path)
    files = {file: file.read_bytes() for file in stored.folder.iterdir()}
    told = "tfidf was trained on home, one, two: give --data for each, in this order, or for home alone, got "
    for given in ((1,), (1, 0, 2), (0, 2), (0, 2, 1)):
        first, *more = (corpora[i] for i in given)
        for names in (None, ["grouped"], ["title-only"]):
            with pytest.raises(ValueError, match=told + ", ".join(NAMES[i] for i in given)):
                measure_protocols(stored, names, first, None, more=more)
    assert {file: file.read_bytes() for file in stored.folder.iterdir()} == files

    before = read_evaluation(stored.folder).corpora
    for more in ((), corpora[1:]):
        evidence = measure_protocols(stored, ["grouped"], corpora[0], None, more=more)
        assert evidence.corpora == before
        assert contradictions(stored.folder) == ()
    again = store.find(str(shutil.copytree(models / "tfidf", tmp_path / "other")), tmp_path)
    assert "home/test" in measure_protocols(again, ["external", "other"], corpora[1], None).corpora


def test_what_a_model_of_one_corpus_leaves_out_is_not_among_its_own(corpora, tmp_path):
    run(Job("tfidf", corpora[0], tmp_path / "tfidf"))
    stored = store.find("tfidf", tmp_path)
    evidence = measure_protocols(stored, ["grouped", "left-out"], corpora[0], None, more=corpora[1:])
    assert list(evidence.protocols["grouped"].corpora) == ["home/test", "home/validation"]
    assert list(evidence.protocols["left-out"].corpora) == ["one/all", "two/all"]
    with pytest.raises(ValueError, match="tfidf was trained on home: give --data for it, got one"):
        measure_protocols(stored, ["grouped"], corpora[1], None)


def interrupted(*_, **__) -> None:
    raise KeyboardInterrupt


def test_a_model_of_one_corpus_answers_the_others_as_it_is(corpora, tmp_path, monkeypatch):
    run(Job("tfidf", corpora[0], tmp_path / "tfidf"))
    stored = store.find("tfidf", tmp_path)
    model_folder.pin(stored.folder)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    weights = (stored.folder / "model.skops").read_bytes()
    # Power is lost before the evidence is there: the model answers as it did.
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(protocols, "update_evidence", interrupted)
        measure_protocols(stored, ["left-out"], corpora[0], None, more=corpora[1:])
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    evidence = measure_protocols(stored, ["left-out"], corpora[0], None, more=corpora[1:])
    assert (stored.folder / "model.skops").read_bytes() == weights
    assert model_folder.settings(stored.folder)["calibration"].items() <= evidence.calibration.items()
    assert evidence.calibration["left_out"] == "one, two"
    with pytest.raises(ValueError, match="has nothing to leave out here: give --data for every corpus"):
        measure_protocols(stored, ["left-out"], corpora[0], None)


@pytest.mark.slow
def test_other_corpora_are_answered_by_a_calibration_that_had_not_seen_them(corpora, tmp_path):
    """In-domain alone at first. Then others are left out, which says what a score is worth out-of-domain."""
    folder = tmp_path / "corpora"
    folder.mkdir()
    # The first two of the registry's names are left out, the third is never more than asked.
    others = [folder / f"{name}.parquet" for name in ("horne2017", "fakenewsamt", "fakes")]
    for path, source in zip(others, (*corpora[1:], corpora[1]), strict=True):
        frame = pd.read_parquet(source)
        frame.assign(text="Asked. " + frame["text"]).to_parquet(path)
    run(Job("tfidf", corpora[0], tmp_path / "tfidf", corpora=folder))
    stored = store.find("tfidf", tmp_path)
    before = read_predictions(stored.folder, ["external", "other"])
    classifier = store.load(stored)
    np.testing.assert_allclose(before["p_fake"], classifier.calibrated(scores_of(before)), atol=1e-6)

    measure_protocols(stored, ["left-out"], corpora[0], None, more=others[:2])
    after = read_predictions(stored.folder, ["external", "other"])
    left_out = read_predictions(stored.folder, ["left-out"])
    assert contradictions(stored.folder) == ()
    classifier = store.load(store.find("tfidf", tmp_path))
    calibrated = classifier.calibrated(scores_of(after))
    only_asked = after["corpus"].isin(["fakes", "demo"]).to_numpy()
    np.testing.assert_allclose(after["p_fake"][only_asked], calibrated[only_asked], atol=1e-6)
    assert not np.allclose(after["p_fake"], before["p_fake"])
    grouped = read_predictions(stored.folder, ["grouped"])
    np.testing.assert_allclose(grouped["p_fake"], classifier.calibrated(scores_of(grouped)), atol=1e-6)
    for corpus in ("horne2017", "fakenewsamt"):  # the calibration of which had not seen it
        mine, theirs = (
            rows[rows["corpus"] == corpus].set_index("id")["p_fake"].sort_index() for rows in (after, left_out)
        )
        pd.testing.assert_series_equal(mine, theirs)

    # Asked anew the answers are the same.
    measure_protocols(stored, ["external"], corpora[0], folder)
    again = read_predictions(stored.folder, ["external"])
    np.testing.assert_allclose(again["p_fake"], after.loc[after["protocol"] == "external", "p_fake"], atol=1e-6)
