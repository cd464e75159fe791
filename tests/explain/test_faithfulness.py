"""Grades: they order explanations by how well these find what a model really hangs on."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from fakenews.classifiers.base import clean_text
from fakenews.explain.base import Cancelled, MaskedLogOdds
from fakenews.explain.faithfulness import SHARES, erased, find_bounds, grade, order_of
from fakenews.explain.registry import get
from fakenews.schema import Attribution, Explanation, Grade
from tests.explain.toys import FAKE_WORD, FILLING, REAL_WORD, planted_corpus, small_bert, small_tfidf

N_WORDS, N_PLANTED = 30, 4


@pytest.fixture(scope="module")
def bert():
    return small_bert(corpus=planted_corpus(96, (20, 34), N_PLANTED))


@pytest.fixture(scope="module")
def tfidf():
    return small_tfidf()


def planted_texts(n=6, word=FAKE_WORD):
    rng = np.random.default_rng(5)
    texts = []
    for _ in range(n):
        words = rng.choice(FILLING, size=N_WORDS).tolist()
        for place in rng.permutation(N_WORDS)[:N_PLANTED]:
            words[place] = word
        texts.append(" ".join(words))
    return texts


def weighed(explanation, weights):
    """Return the same explanation with other weights."""
    words = zip(explanation.attributions, weights, strict=True)
    return replace(explanation, attributions=tuple(Attribution(a.start, a.end, float(w)) for a, w in words))


def noisy(explanation, share, seed):
    """Weights of which so much is noise of their own size."""
    w = np.array([a.weight for a in explanation.attributions])
    noise = np.random.default_rng(seed).normal(size=len(w)) * np.abs(w).max()
    return weighed(explanation, (1 - share) * w + share * noise)


def shuffled(explanation, seed=0):
    return weighed(explanation, np.random.default_rng(seed).permutation([a.weight for a in explanation.attributions]))


def recovery(explanation):
    """Average precision of the planted word among all words."""
    words = [explanation.text[a.start : a.end] for a in explanation.attributions]
    return average_precision_score([w == FAKE_WORD for w in words], [a.weight for a in explanation.attributions])


def test_the_grade_orders_explainers_by_how_well_they_recover_a_planted_word(bert):
    explainers = {
        "gradient": lambda text, i: get("gradient").load().explain(text, bert),
        "shap": lambda text, i: get("shap").load().explain(text, bert),
        "lime": lambda text, i: get("lime").load().explain(text, bert, n_samples=60),
    }
    for share in (0.3, 0.45, 0.6, 0.75, 0.9, 1.0):
        explainers[f"noise {share}"] = lambda text, i, s=share: noisy(get("shap").load().explain(text, bert), s, i)
    explainers["upside down"] = lambda text, i: weighed(
        found := get("shap").load().explain(text, bert), [-a.weight for a in found.attributions]
    )
    grades, recovered = [], []
    bounds = {text: find_bounds(text, bert) for text in planted_texts()}
    for explain in explainers.values():
        found = [explain(text, i) for i, text in enumerate(bounds)]
        grades.append(np.mean([grade(e, bert, bounds[e.text]).normalized for e in found]))
        recovered.append(np.mean([recovery(e) for e in found]))
    assert max(recovered) > 0.95 > 0.3 > min(recovered)
    assert spearmanr(grades, recovered).statistic >= 0.8


@pytest.mark.parametrize("word", [FAKE_WORD, REAL_WORD])
def test_exact_weights_of_a_linear_model_get_the_top_grade(tfidf, word):
    for text in planted_texts(word=word):
        found = grade(get("linear").load().explain(text, tfidf), tfidf, find_bounds(text, tfidf))
        assert found.level == "good"
        assert found.normalized == pytest.approx(1.0)


@pytest.mark.parametrize("model", ["bert", "tfidf"])
def test_shuffled_weights_get_the_bottom_grade(request, model):
    classifier = request.getfixturevalue(model)
    found = []
    for i, text in enumerate(planted_texts(12)):
        explanation = shuffled(get("shap").load().explain(text, classifier), seed=i)
        found.append(grade(explanation, classifier, find_bounds(text, classifier)))
    levels = [g.level for g in found]
    assert levels.count("poor") >= 9
    assert "good" not in levels
    assert np.mean([g.normalized for g in found]) < 0.2


def test_the_class_an_explanation_is_signed_towards_does_not_matter(bert):
    text = planted_texts(1)[0]
    bounds = find_bounds(text, bert)
    fake, real = (get("gradient").load().explain(text, bert, target=t) for t in ("fake", "real"))
    assert replace(grade(fake, bert, bounds), seconds=0.0) == replace(grade(real, bert, bounds), seconds=0.0)


def test_erasing_by_hand(tfidf, monkeypatch):
    truth = np.array([3.0, 2.0, 1.0, 0.0])
    monkeypatch.setattr(tfidf, "masked_log_odds", lambda text, keep: keep @ truth)
    margins = MaskedLogOdds("one two three four", tfidf, 10, lambda share: None)
    lost, kept = erased(margins, np.arange(4), 1.0, 6.0)
    assert [max(1, round(s * 4)) for s in SHARES] == [1, 1, 1, 1, 2]
    assert lost == pytest.approx((4 * 3.0 + 5.0) / 5)
    assert kept == pytest.approx(6.0 - (4 * 3.0 + 5.0) / 5)


def test_where_removing_words_does_nothing_there_is_no_grade(tfidf, monkeypatch):
    monkeypatch.setattr(tfidf, "masked_log_odds", lambda text, keep: np.ones(len(keep)))
    text = planted_texts(1)[0]
    explanation = replace(get("linear").load().explain(text, tfidf), log_odds=1.0)
    assert grade(explanation, tfidf, find_bounds(text, tfidf)) is None


def test_a_model_that_offers_nothing_but_answers_is_graded_too(tfidf):
    class Opaque:
        name, mask_token, info_ = "opaque", "", {}
        decision_function, masked_log_odds = tfidf.decision_function, tfidf.masked_log_odds
        predict_proba, predict_scores, calibrated = tfidf.predict_proba, tfidf.predict_scores, tfidf.calibrated
        save, load = tfidf.save, tfidf.load

    opaque, text = Opaque(), planted_texts(1)[0]
    bounds = find_bounds(text, opaque)
    good = get("shap").load().explain(text, opaque)
    assert good.settings["guess"] == "none"
    assert grade(good, opaque, bounds).level == "good"
    assert grade(shuffled(good), opaque, bounds).level == "poor"


def test_the_order_is_towards_the_class_the_model_leans_to():
    words = tuple(Attribution(i, i + 1, w) for i, w in enumerate([1.0, -2.0, 3.0]))
    fake = Explanation("abc", "fake", words, "log-odds", 0.0, 0.0, None, 0.0, "a", "shap", 0, 0.0)
    assert order_of(fake, 1.0).tolist() == [2, 0, 1]
    assert order_of(fake, -1.0).tolist() == [1, 0, 2]
    assert order_of(replace(fake, target="real"), 1.0).tolist() == [1, 0, 2]


def test_a_grade_survives_json_and_cancel_is_heard(bert):
    text = planted_texts(1)[0]
    explanation = get("gradient").load().explain(text, bert)
    found = grade(explanation, bert, find_bounds(text, bert))
    assert Grade.from_dict(json.loads(json.dumps(found.to_dict()))) == found

    def cancel(share):
        raise Cancelled

    with pytest.raises(Cancelled):
        find_bounds(text, bert, progress=cancel)
    with pytest.raises(Cancelled):
        grade(explanation, bert, find_bounds(text, bert), cancel)


def test_bounds_hold_random_orders_apart_from_the_best(bert):
    text = planted_texts(1)[0]
    bounds = find_bounds(text, bert)
    assert bounds.lean == 1.0
    assert bounds.best[0] > bounds.random[0] + 0.1
    assert bounds.best[1] < bounds.random[1] - 0.1
    assert len(clean_text(text).words) == N_WORDS
