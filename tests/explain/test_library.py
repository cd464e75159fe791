"""The stock packages as explainers: at their own defaults, on our question, and what ours answers beside them."""

from __future__ import annotations

import inspect
import threading
import time

import numpy as np
import pytest

from fakenews.classifiers import precision
from fakenews.classifiers.base import clean_text
from fakenews.explain import library
from fakenews.explain.base import MAX_PLACES, Cancelled
from fakenews.explain.library import LibraryLimeExplainer, LibraryShapExplainer
from fakenews.explain.lime import LimeExplainer
from fakenews.explain.shap import ShapExplainer

TEXT = "The mayor said lizard people on the new road. The treasury will report on the plan today."


def weights(explanation):
    return np.array([a.weight for a in explanation.attributions])


def test_their_samples_are_the_defaults_of_the_packages(tfidf):
    from lime.lime_text import LimeTextExplainer
    from shap.explainers import PartitionExplainer

    lime, shap = LibraryLimeExplainer(), LibraryShapExplainer()
    assert lime.default_samples(TEXT, tfidf) == _default(LimeTextExplainer.explain_instance, "num_samples") == 5000
    assert shap.default_samples(TEXT, tfidf) == _default(PartitionExplainer.__call__, "max_evals") == 500
    long = "word " * 4000
    assert lime.default_samples(long, tfidf) == MAX_PLACES // 4000 < 5000


def _default(function, parameter):
    return inspect.signature(function).parameters[parameter].default


def test_the_settings_name_the_package_and_what_was_asked(tfidf):
    shap = LibraryShapExplainer().explain(TEXT, tfidf, n_samples=60)
    lime = LibraryLimeExplainer().explain(TEXT, tfidf, n_samples=60)
    assert shap.settings["library"].startswith("shap 0.") and 30 < shap.settings["evaluations"] <= 60
    assert lime.settings["library"].startswith("lime 0.") and lime.settings["samples"] == 60
    assert shap.seconds > 0 and abs(shap.residual) < 1e-9 and lime.residual is None


def test_a_repeated_word_has_a_weight_at_each_place(bert):
    for explainer in (LibraryShapExplainer(), LibraryLimeExplainer()):
        found = explainer.explain("lizard lizard said the mayor lizard", bert, n_samples=60)
        assert len({a.weight for a in found.attributions}) == 6


def test_numpys_global_generator_is_left_as_it_was(tfidf):
    before = np.random.get_state(legacy=False)["state"]
    for explainer in (LibraryShapExplainer(), LibraryLimeExplainer()):
        explainer.explain(TEXT, tfidf, n_samples=40)
    after = np.random.get_state(legacy=False)["state"]
    assert (after["key"].tolist(), after["pos"]) == (before["key"].tolist(), before["pos"])


def test_who_waits_for_another_explanation_can_cancel(tfidf):
    asked = threading.Event()

    def cancel(share):
        if asked.is_set():
            raise Cancelled

    with library._GLOBAL_RANDOM:
        threading.Timer(0.3, asked.set).start()
        started = time.perf_counter()
        with pytest.raises(Cancelled):
            LibraryShapExplainer().explain(TEXT, tfidf, progress=cancel)
    assert time.perf_counter() - started < 5


def test_the_reference_is_never_rounded(bert, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: pytest.fail("asked for coarse products"))
    for explainer in (LibraryShapExplainer(), LibraryLimeExplainer()):
        explainer.explain(TEXT, bert, n_samples=40)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ours", "reference", "n_ours", "n_reference", "least"),
    [
        (ShapExplainer(), LibraryShapExplainer(), 2000, 5000, 0.9),
        (LimeExplainer(), LibraryLimeExplainer(), 1000, 5000, 0.99),
    ],
)
def test_ours_agree_with_the_stock_packages(bert, ours, reference, n_ours, n_reference, least):
    """SHAP only nearly: sentences are its groups here, and a tree of neighboring words there."""
    mine = weights(ours.explain(TEXT, bert, n_samples=n_ours))
    theirs = weights(reference.explain(TEXT, bert, n_samples=n_reference))
    assert len(mine) == len(clean_text(TEXT).words) and np.abs(theirs).max() > 0.5
    assert np.corrcoef(mine, theirs)[0, 1] > least
