"""Names and what supports what."""

from __future__ import annotations

import pytest

from fakenews.explain.registry import EXPLAINERS, get, methods_for


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"^Unknown explainer 'limee'\. Known: linear, gradient, lime, shap, shap-library, lime-library\.$",
    ):
        get("limee")


def test_methods_fit_the_classifier(tfidf, bert):
    assert methods_for(tfidf) == ("linear", "gradient", "lime", "shap")
    assert methods_for(bert) == ("gradient", "lime", "shap")
    assert methods_for(object()) == ()


@pytest.mark.parametrize("name", EXPLAINERS)
def test_defaults_lie_in_their_range(name):
    spec = get(name)
    if spec.samples_name is None:
        assert (spec.min_samples, spec.default_samples, spec.max_samples) == (None, None, None)
    else:
        assert 0 < spec.min_samples <= spec.default_samples <= spec.max_samples
