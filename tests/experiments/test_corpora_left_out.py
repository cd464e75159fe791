"""Corpora left out of training in turn, by every way there is, and what their answers are good for."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.evidence import contradictions
from experiments.left_out import (
    HOME_SHARE,
    SHIFT,
    SHIFT_RIDGE,
    calibrated_on_each_other,
    fit_on_unseen,
    left_out_rows,
    measurable,
)
from experiments.run import run
from fakenews.classifiers import model_folder
from fakenews.classifiers.base import Scores, fit_calibration
from fakenews.classifiers.ensemble import EnsembleClassifier
from fakenews.data.mix import with_split
from fakenews.data.table import as_table, joined_texts
from fakenews.evidence.files import read_evaluation, read_predictions
from fakenews.evidence.predictions import scores_of
from fakenews.training.job import Job
from tests.explain.toys import planted_corpus

NAMES = ("home", "one", "two")


def test_several_corpora_are_trained_on_and_each_is_left_out_in_turn(models):
    evidence = read_evaluation(models / "tfidf")
    assert contradictions(models / "tfidf") == ()
    assert list(evidence.protocols["left-out"].corpora) == ["one/all", "two/all"]
    assert evidence.protocols["left-out"].weights == "own"
    assert {"home/test", "home/validation", "one/validation", "two/validation"} <= set(evidence.corpora)
    assert "one/test" not in evidence.corpora
    assert model_folder.settings(models / "tfidf")["data"]["corpora"] == list(NAMES)
    assert model_folder.settings(models / "tfidf")["calibration"].items() <= evidence.calibration.items()
    assert evidence.calibration["left_out"] == "one, two"
    assert evidence.reliability is not None and evidence.reliability.n == 240


def test_the_ensemble_leaves_whole_corpora_out_of_its_own_fitting_too(models, corpora, tmp_path, monkeypatch):
    for name in ("tfidf", "features"):
        shutil.copytree(models / name, tmp_path / name)
    fit_log_odds, seen = EnsembleClassifier.fit_log_odds, []

    def watched(self, margins, n_words, labels, folds, counts=None):
        seen.append(folds)
        return fit_log_odds(self, margins, n_words, labels, folds, counts)

    monkeypatch.setattr(EnsembleClassifier, "fit_log_odds", watched)
    run(Job("ensemble", corpora[0], tmp_path / "ensemble", more=corpora[1:]))
    answers = read_predictions(tmp_path / "ensemble", ["left-out"])
    (folds,) = seen
    of_corpus = pd.Series(folds[-len(answers) :]).groupby(answers["corpus"].to_numpy()).unique()
    assert sorted(np.concatenate(of_corpus.tolist())) == [0, 1]  # one fold each, and not the same
    assert set(folds[: -len(answers)]) == {0, 1}  # home is in both


def test_a_model_without_a_corpus_answers_it_whole(corpora, tmp_path):
    run(Job("tfidf", corpora[0], tmp_path / "tfidf", more=corpora[1:], leave_out="two"))
    evidence = read_evaluation(tmp_path / "tfidf")
    assert model_folder.settings(tmp_path / "tfidf")["data"]["corpora"] == ["home", "one"]
    assert evidence.corpora["two/all"].n == 120
    assert "left-out" not in evidence.protocols


@pytest.mark.parametrize(
    ("job", "message"),
    [
        ({"more": ("one",), "leave_out": "three"}, "Cannot leave out 'three': besides home, the corpora are one"),
        ({"more": ("home",)}, "Each --data must have another file name, got home, home"),
    ],
)
def test_what_will_not_do_is_refused(corpora, tmp_path, job, message):
    more = tuple(path for path in corpora if path.stem in job.get("more", ()))
    with pytest.raises(ValueError, match=message):
        run(Job(**{"recipe": "tfidf", "data": corpora[0], "out": tmp_path / "m", **job, "more": more}))


def answers(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = []
    for corpus, shift in (("one", 0.0), ("two", 0.0), ("three", 3.0), ("home", 0.0)):
        label = rng.integers(2, size=n)
        margin = np.where(label == 0, 1.0, -1.0) + rng.normal(0, 1, n) + shift
        parts.append(
            pd.DataFrame({"corpus": corpus, "label": label, "log_odds": margin, "p_fake": 0.5, "in_domain": 0.0})
        )
    return pd.concat(parts, ignore_index=True)


def split_off_home(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    home = rows["corpus"] == "home"
    return rows[~home].reset_index(drop=True), rows[home].reset_index(drop=True)


def test_a_corpus_is_calibrated_by_the_others_alone():
    left_out, home = split_off_home(answers())
    rows = calibrated_on_each_other(left_out, home)
    p = rows.groupby("corpus")["p_fake"].mean()
    assert p["three"] > 0.8  # the others know nothing of its shift
    own = left_out["corpus"] == "one"
    moved = left_out.assign(label=np.where(own, 1 - left_out["label"], left_out["label"]))
    changed = calibrated_on_each_other(moved, home)
    np.testing.assert_array_equal(changed.loc[own, "p_fake"], rows.loc[own, "p_fake"])
    assert (changed.loc[~own, "p_fake"] != rows.loc[~own, "p_fake"]).any()


def test_a_single_corpus_left_out_is_calibrated_in_domain():
    left_out, home = split_off_home(answers())
    one = left_out[left_out["corpus"] == "one"]
    found = calibrated_on_each_other(one, home)
    assert found["p_fake"].nunique() > 100
    assert fit_on_unseen(one[:0], home) == pytest.approx(fit_calibration(scores_of(home), home["label"]))


def test_every_corpus_counts_alike_and_in_domain_articles_have_their_share():
    left_out, home = split_off_home(answers())
    many = pd.concat([left_out, *[left_out[left_out["corpus"] == "one"]] * 5], ignore_index=True)
    one = fit_on_unseen(left_out, home)
    assert one == pytest.approx(fit_on_unseen(many, home), abs=1e-3)
    assert one == pytest.approx(fit_on_unseen(left_out, pd.concat([home] * 5)), abs=1e-3)
    both = pd.concat([left_out, home], ignore_index=True)
    weights = np.where(both["corpus"] == "home", HOME_SHARE / 400, (1 - HOME_SHARE) / 1200)
    assert one == pytest.approx(fit_calibration(scores_of(both), both["label"], weights, SHIFT_RIDGE, SHIFT), abs=1e-3)


def test_the_line_of_a_model_that_weighs_both_classes_alike_stays_where_it_is_whatever_the_share_of_fakes():
    left_out, home = split_off_home(answers(2000))
    fewer = left_out[(left_out["label"] == 1) | (np.arange(len(left_out)) % 5 == 0)]
    assert fit_on_unseen(fewer, home).shift == pytest.approx(SHIFT, abs=0.15)
    more = left_out[(left_out["label"] == 0) | (np.arange(len(left_out)) % 5 == 0)]
    assert fit_on_unseen(more, home).shift == pytest.approx(SHIFT, abs=0.15)
    assert fit_on_unseen(fewer, home, 1e-3).shift < -0.3 < 0.3 < fit_on_unseen(more, home, 1e-3).shift


def test_a_score_is_worth_more_where_a_text_is_in_domain():
    rng = np.random.default_rng(0)
    left_out, home = split_off_home(answers(2000))
    left_out = left_out.assign(log_odds=rng.normal(0, 3, len(left_out)))  # of which it knows nothing
    home = home.assign(in_domain=1.0)
    found = fit_on_unseen(left_out, home)
    assert found.slope < 0.2 and found.slope + found.slope_in_domain > 1.0


def test_corpora_of_one_class_are_trained_on_but_not_measured():
    texts, labels = planted_corpus(60)
    frame = with_split(as_table(pd.DataFrame({"text": texts, "label": labels})))
    tables = {"home": frame, "one": frame, "fake": frame.assign(label=0)}
    assert measurable(tables) == ("one",)


def test_swapped_labels_of_a_corpus_show_in_its_figures():
    """Return a planted break: where the labels of one corpus are flipped, the one left out falls below chance."""
    tables = {}
    for name in NAMES:
        texts, labels = planted_corpus(120)
        tables[name] = with_split(as_table(pd.DataFrame({"text": [f"{name} {t}" for t in texts], "label": labels})))

    def auc(found: dict[str, pd.DataFrame]) -> float:
        from sklearn.metrics import roc_auc_score

        from fakenews.classifiers.tfidf import TfidfClassifier

        def answer(corpus, rest, out):
            fitted = TfidfClassifier().fit(joined_texts(rest), rest["label"].tolist())
            return fitted.predict_scores(joined_texts(out))

        rows = left_out_rows(found, answer, home=answers()[:0])
        rows = rows[rows["corpus"] == "two"]
        return float(roc_auc_score(rows["label"] == 0, rows["log_odds"]))

    assert auc(tables) > 0.95
    assert auc({**tables, "two": tables["two"].assign(label=1 - tables["two"]["label"])}) < 0.05


def test_a_job_names_the_corpora_it_is_trained_on():
    job = Job("tfidf", Path("a.parquet"), Path("m"), more=(Path("b.parquet"), Path("c.parquet")))
    assert job.names == ("a", "b", "c")
    assert replace(job, leave_out="b").names == ("a", "c")


def test_what_was_answered_before_an_interruption_is_not_asked_again(tmp_path):
    tables = {}
    for name in NAMES:
        texts, labels = planted_corpus(40)
        tables[name] = with_split(as_table(pd.DataFrame({"text": [f"{name} {t}" for t in texts], "label": labels})))
    asked: list[str] = []

    def answer(corpus, rest, out):
        asked.append(corpus)
        if asked == ["one", "two"]:
            raise KeyboardInterrupt
        return Scores(np.linspace(-1, 1, len(out)), np.full(len(out), 0.5))

    with pytest.raises(KeyboardInterrupt):
        left_out_rows(tables, answer, home=answers()[:0], folder=tmp_path)
    again = left_out_rows(tables, answer, home=answers()[:0], folder=tmp_path)
    assert asked == ["one", "two", "two"]
    pd.testing.assert_frame_equal(again, left_out_rows(tables, answer, home=answers()[:0]))
    fewer = {**tables, "one": tables["one"].iloc[:20]}
    assert len(left_out_rows(fewer, answer, home=answers()[:0], folder=tmp_path)) < len(again)
