"""Boosted trees on style features: the same without scikit-learn, and what cutting a word leaves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from fakenews.classifiers.base import NotFittedError, clean_text
from fakenews.classifiers.features import FeaturesClassifier, cut, with_lower_title
from fakenews.classifiers.trees import Trees
from fakenews.text import join


def test_trees_say_what_scikit_learn_says():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int)
    grown = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=9, early_stopping=False, random_state=0).fit(
        x, y
    )
    trees = Trees.of(grown)
    new = np.concatenate([rng.normal(size=(200, 6)), 100 * rng.normal(size=(20, 6)), x[:5]])
    np.testing.assert_allclose(trees.score(new), grown.decision_function(new), atol=1e-12)
    np.testing.assert_array_equal(Trees.from_tensors(trees.tensors()).score(new), trees.score(new))
    assert trees.score(new[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ((), "He said, of course, that it ended. Then rain - much rain - fell"),
        (("of", "course"), "He said, that it ended. Then rain - much rain - fell"),
        (("ended",), "He said, of course, that it. Then rain - much rain - fell"),
        (("it", "ended", "Then"), "He said, of course, that. rain - much rain - fell"),
        (("He",), "said, of course, that it ended. Then rain - much rain - fell"),
        (("fell",), "He said, of course, that it ended. Then rain - much rain - "),
    ],
)
def test_cut_words_take_their_commas_along_and_leave_sentences_their_ends(gone, left):
    known = clean_text("He said, of course, that it ended. Then rain - much rain - fell")
    words = [known.neutral.text[w.start : w.end] for w in known.words]
    assert cut(known, np.array([word not in gone for word in words])) == left


def test_nothing_left_is_no_words():
    known = clean_text("He said so. She did not.")
    assert not any(c.isalnum() for c in cut(known, np.zeros(len(known.words), dtype=bool)))


def test_trees_grown_on_other_features_are_refused(classifiers, tmp_path, monkeypatch):
    classifiers["features"].save(tmp_path)
    import fakenews.classifiers.features as module

    monkeypatch.setattr(module, "STYLE_FEATURES", module.STYLE_FEATURES[1:])
    with pytest.raises(ValueError, match="other features"):
        FeaturesClassifier.load(tmp_path)


def test_settings_are_read_back(classifiers, tmp_path):
    classifiers["features"].save(tmp_path)
    loaded = FeaturesClassifier.load(tmp_path)
    assert (loaded.n_trees, loaded.learning_rate) == (40, 0.2)
    assert json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))["kind"] == "features"


def test_unfitted_it_says_so(tmp_path):
    for ask in (lambda c: c.predict_proba(["a"]), lambda c: c.save(tmp_path / "new")):
        with pytest.raises(NotFittedError, match="fit or load"):
            ask(FeaturesClassifier())
    assert not (tmp_path / "new").exists()


def test_capitals_of_a_title_are_not_told():
    title, body = "The Mayor Spoke", "The mayor SPOKE in Paris."
    plain = with_lower_title(clean_text(f"{title}\n\n{body}"))
    assert plain == "the mayor spoke The mayor SPOKE in Paris."
    assert with_lower_title(clean_text(f"{title.upper()}\n\n{body}")) == plain
    assert with_lower_title(clean_text(body)) == body
    assert with_lower_title(clean_text(join(title.upper(), ""))) == with_lower_title(
        clean_text(join(title, ""))
    )  # as when titles alone are asked about
    long = "Words Without End " * 20
    assert with_lower_title(clean_text(f"{long}\n\n{body}")).startswith("Words Without End")  # too long for a title
