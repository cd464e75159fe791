"""The fitted combination: weights, members and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fakenews.classifiers import model_folder, store
from fakenews.classifiers.base import NotFittedError
from fakenews.classifiers.ensemble import MEMBERS, EnsembleClassifier, _fit_weights
from fakenews.classifiers.registry import CLASSIFIERS
from tests.explain.toys import FAKE_WORD, planted_corpus, small_ensemble, small_features, small_tfidf

TWO = ("tfidf", "features")


@pytest.fixture
def two(classifiers, tmp_path) -> tuple[EnsembleClassifier, Path]:
    """Return an ensemble of two members, and the folder it is saved in beside them."""
    members = {name: classifiers[name] for name in TWO}
    ensemble = EnsembleClassifier(members=members).fit(*planted_corpus(200))
    for name, member in members.items():
        member.save(tmp_path / name)
    ensemble.save(tmp_path / "ensemble")
    return ensemble, tmp_path / "ensemble"


def test_members_are_known_classifiers():
    assert set(MEMBERS) | {name for members in MEMBERS.values() for name in members} <= set(CLASSIFIERS)


def test_the_log_odds_is_the_weighed_sum_of_log_odds_by_their_spread(two, classifiers):
    ensemble, _ = two
    texts = planted_corpus(6)[0]
    logits = np.stack([classifiers[n].decision_function(texts) for n in TWO], axis=1) / ensemble.scales_
    weights = ensemble.weights_for(ensemble.predict_scores(texts).in_domain)
    np.testing.assert_allclose(ensemble.decision_function(texts), (weights * logits).sum(axis=1))


def test_how_in_domain_a_text_is_comes_from_the_members_that_can_say(two, monkeypatch):
    ensemble, _ = two
    texts = planted_corpus(6)[0]
    assert not ensemble.predict_scores(texts).in_domain.any()
    monkeypatch.setattr(ensemble.members["tfidf"], "domain_", None)
    ensemble.members["tfidf"].fit_domain(texts, [True, False] * 3)
    scores = ensemble.predict_scores(texts)
    np.testing.assert_allclose(scores.in_domain, ensemble.members["tfidf"].predict_scores(texts).in_domain)
    assert scores.in_domain.all()
    np.testing.assert_allclose(scores.log_odds, ensemble.decision_function(texts))


def test_no_weight_is_negative_and_how_in_domain_a_text_is_decides_between_two(two):
    ensemble, _ = two
    outside, middle, inside = ensemble.weights_for(np.array([0.0, 0.25, 1.0]))
    assert min(outside.min(), inside.min()) >= 0
    np.testing.assert_allclose(middle, 0.75 * outside + 0.25 * inside)


def test_the_better_member_is_trusted_where_it_is_better():
    rng = np.random.default_rng(0)
    n = 4000
    fake, in_domain = rng.random(n) < 0.5, rng.random(n).round()
    signal, noise = np.where(fake, 2.0, -2.0) + rng.normal(size=n), rng.normal(0, 2, n)
    good_outside = np.where(in_domain == 0, signal, noise)
    good_inside = np.where(in_domain == 1, signal, noise)
    against = -signal  # wrong more often than not: no member counts the other way round
    logits = np.stack([good_outside, good_inside, against], axis=1)
    weights, _ = _fit_weights(logits, in_domain, fake, 0.1, np.ones(n))
    assert weights[0, 0] > 5 * weights[0, 1]
    assert weights[1, 1] > 5 * weights[1, 0]
    assert weights.min() == 0
    np.testing.assert_allclose(weights[:, 2], 0, atol=1e-6)


def test_a_strong_penalty_is_the_plain_average():
    rng = np.random.default_rng(0)
    fake = rng.random(50) < 0.5
    logits = rng.normal(size=(50, 4)) + np.where(fake, 1.0, -1.0)[:, None]
    weights, _ = _fit_weights(logits, rng.random(50), fake, 1e6, np.ones(50))
    np.testing.assert_allclose(weights, 0.25, atol=1e-3)


def test_members_are_named_with_their_revision_and_loaded_from_beside(two):
    ensemble, folder = two
    stated = json.loads((folder / "model.json").read_text(encoding="utf-8"))["members"]
    assert {name: part["revision"] for name, part in stated.items()} == {
        name: store.find(name, folder.parent).revision for name in TWO
    }
    loaded = store.load(store.find("ensemble", folder.parent))
    texts = planted_corpus(10)[0]
    np.testing.assert_array_equal(loaded.decision_function(texts), ensemble.decision_function(texts))
    assert (loaded.penalty_, loaded.calibration_) == (ensemble.penalty_, ensemble.calibration_)


def test_other_weights_of_a_member_are_refused(two, classifiers):
    _, folder = two
    from fakenews.classifiers.features import FeaturesClassifier

    FeaturesClassifier(n_trees=3).fit(*planted_corpus(60)).save(folder.parent / "features")
    with pytest.raises(ValueError, match="was fitted on features at .* train the ensemble again"):
        store.load(store.find("ensemble", folder.parent))


def test_a_missing_member_is_named(two):
    _, folder = two
    shutil.rmtree(folder.parent / "tfidf")
    with pytest.raises(model_folder.ModelNotHere, match="fakenews train tfidf"):
        store.load(store.find("ensemble", folder.parent))


def test_saving_apart_from_the_members_is_refused(two, tmp_path):
    ensemble, _ = two
    with pytest.raises(model_folder.ModelNotHere, match="No weights of 'tfidf'"):
        ensemble.save(tmp_path / "elsewhere" / "ensemble")


def test_one_member_is_no_ensemble(classifiers):
    with pytest.raises(ValueError, match=r"at least two members, got \['tfidf'\]"):
        EnsembleClassifier(members={"tfidf": classifiers["tfidf"]}).fit(*planted_corpus(20))


def test_unfitted_it_says_so(tmp_path):
    for ask in (lambda c: c.predict_proba(["a"]), lambda c: c.save(tmp_path / "new")):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(EnsembleClassifier())
    assert not (tmp_path / "new").exists()


def test_members_read_a_text_that_was_cleaned_once(cleanings: list[str]) -> None:
    ensemble = small_ensemble({"tfidf": small_tfidf(), "features": small_features()})
    texts = [f"The mayor said {FAKE_WORD} will report in week {n}." for n in range(300)]
    cleanings.clear()
    scores = ensemble.predict_scores(texts)
    assert cleanings == texts
    one = ensemble.predict_scores(texts[200:201])
    assert scores.log_odds[200] == pytest.approx(one.log_odds[0])
    assert len(ensemble.predict_scores([]).log_odds) == 0
