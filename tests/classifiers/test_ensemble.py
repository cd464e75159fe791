"""The learnt combination: weights, members and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fakenews.classifiers import store
from fakenews.classifiers.base import Calibration, NotFittedError
from fakenews.classifiers.ensemble import LONG, MEMBERS, SHORT, EnsembleClassifier, _fit_weights
from fakenews.classifiers.registry import CLASSIFIERS
from tests.explain.toys import planted_corpus

TWO = ("tfidf", "features")


@pytest.fixture
def two(classifiers, tmp_path) -> tuple[EnsembleClassifier, Path]:
    """An ensemble of two members, and the folder it is saved in beside them."""
    members = {name: classifiers[name] for name in TWO}
    ensemble = EnsembleClassifier(members=members).fit(*planted_corpus(200))
    for name, member in members.items():
        member.save(tmp_path / name)
    ensemble.save(tmp_path / "ensemble")
    return ensemble, tmp_path / "ensemble"


def test_members_are_known_classifiers():
    assert set(MEMBERS) < set(CLASSIFIERS)


def test_the_margin_is_the_weighed_sum_of_log_odds_by_their_spread(two, classifiers):
    ensemble, _ = two
    texts = planted_corpus(6)[0]
    logits = np.stack([classifiers[n].predict_margin(texts) for n in TWO], axis=1) / ensemble.scales_
    weights = ensemble.weights_for([len(text.split()) for text in texts])
    np.testing.assert_allclose(ensemble.predict_margin(texts), (weights * logits).sum(axis=1))


def test_elsewhere_it_says_the_mean_of_what_members_say_and_nothing_where_one_does_not_know(two, monkeypatch):
    ensemble, _ = two
    margins = ensemble.member_margins(planted_corpus(6)[0])
    assert ensemble.pooled_elsewhere(margins) is None
    known = (Calibration(2.0, -1.0), Calibration(0.5, 3.0))
    for member, calibration in zip(ensemble.members.values(), known, strict=True):
        monkeypatch.setattr(member, "elsewhere_", calibration)
    said = [member.calibrated_elsewhere(margins[:, i]) for i, member in enumerate(ensemble.members.values())]
    np.testing.assert_allclose(ensemble.pooled_elsewhere(margins), np.mean(said, axis=0))
    assert not np.allclose(said[0], said[1])
    together, elsewhere = ensemble.predict_both(planted_corpus(6)[0])
    np.testing.assert_allclose(together, ensemble.predict_margin(planted_corpus(6)[0]))
    np.testing.assert_allclose(elsewhere, np.mean(said, axis=0))


def test_no_weight_is_negative_and_length_decides_between_two(two):
    ensemble, _ = two
    weights = ensemble.weights_for([0, SHORT, 200, LONG, 5000])
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights[0], weights[1])
    np.testing.assert_allclose(weights[3], weights[4])
    middle = np.log(200 / SHORT) / np.log(LONG / SHORT)
    np.testing.assert_allclose(weights[2], (1 - middle) * weights[1] + middle * weights[3])


def test_the_better_member_is_trusted_where_it_is_better():
    rng = np.random.default_rng(0)
    n = 4000
    fake, longness = rng.random(n) < 0.5, rng.random(n).round()
    signal, noise = np.where(fake, 2.0, -2.0) + rng.normal(size=n), rng.normal(0, 2, n)
    good_when_short = np.where(longness == 0, signal, noise)
    good_when_long = np.where(longness == 1, signal, noise)
    against = -signal  # wrong more often than not: no member is listened to the other way round
    weights, _ = _fit_weights(
        np.stack([good_when_short, good_when_long, against], axis=1), longness, fake, 0.1, np.ones(n)
    )
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
    loaded = EnsembleClassifier.load(folder)
    texts = planted_corpus(10)[0]
    np.testing.assert_array_equal(loaded.predict_margin(texts), ensemble.predict_margin(texts))
    assert (loaded.penalty_, loaded.home_) == (ensemble.penalty_, ensemble.home_)


def test_other_weights_of_a_member_are_refused(two, classifiers):
    _, folder = two
    from fakenews.classifiers.features import FeaturesClassifier

    FeaturesClassifier(n_trees=3).fit(*planted_corpus(60)).save(folder.parent / "features")
    with pytest.raises(ValueError, match="was fitted on features at .* train the ensemble again"):
        EnsembleClassifier.load(folder)


def test_a_missing_member_is_named(two):
    _, folder = two
    shutil.rmtree(folder.parent / "tfidf")
    with pytest.raises(store.ModelNotHere, match="fakenews train tfidf"):
        EnsembleClassifier.load(folder)


def test_saving_apart_from_the_members_is_refused(two, tmp_path):
    ensemble, _ = two
    with pytest.raises(store.ModelNotHere, match="No weights of 'tfidf'"):
        ensemble.save(tmp_path / "elsewhere" / "ensemble")


def test_one_member_is_no_ensemble(classifiers):
    with pytest.raises(ValueError, match=r"at least two members, got \['tfidf'\]"):
        EnsembleClassifier(members={"tfidf": classifiers["tfidf"]}).fit(*planted_corpus(20))


def test_unfitted_it_says_so(tmp_path):
    for ask in (lambda c: c.predict_proba(["a"]), lambda c: c.save(tmp_path / "new")):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(EnsembleClassifier())
    assert not (tmp_path / "new").exists()
