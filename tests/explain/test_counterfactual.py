"""The minimal counterfactual, against a search that knows no shortcuts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from fakenews.explain import counterfactual
from fakenews.explain.base import BATCH_WORDS, Cancelled
from fakenews.explain.counterfactual import minimal_counterfactual, without, worded_sentences
from fakenews.schema import Span

FAKE, REAL = "The lizard said no.", "The treasury will report."
PLAIN = ("The mayor said a plan.", "People on the new road.", "A budget for the city.")


def exhaustive(text, classifier):
    """Size of the smallest set of sentences that flips the prediction; None if there is none."""
    spans = worded_sentences(text)
    before = classifier.predict_proba([text])[0, 0] >= 0.5
    for size in range(1, len(spans)):
        for chosen in combinations(spans, size):
            if (classifier.predict_proba([without(text, chosen)])[0, 0] >= 0.5) != before:
                return size
    return None


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("model", ["tfidf", "bert"])
def test_it_is_as_small_as_an_exhaustive_search_finds(request, model, seed):
    classifier = request.getfixturevalue(model)
    rng = np.random.default_rng(seed)
    text = " ".join(rng.choice([FAKE, REAL, *PLAIN], size=int(rng.integers(2, 8))))
    found, smallest = minimal_counterfactual(text, classifier), exhaustive(text, classifier)
    assert found.exact
    assert len(found.removed) == (smallest or 0)


def test_a_fresh_prediction_confirms_it(tfidf):
    text = " ".join([FAKE, FAKE, *PLAIN, REAL])
    found = minimal_counterfactual(text, tfidf)
    assert found.removed
    after = tfidf.predict_proba([without(text, [found.sentences[i] for i in found.removed])])[0, 0]
    assert after == found.p_after
    assert (found.p_before >= 0.5) != (after >= 0.5)
    assert found.to_dict(text)["removed"][0]["text"] in text


def test_many_sentences_are_searched_by_beam_and_said_to_be(tfidf):
    text = " ".join([FAKE] * 3 + [REAL] + list(PLAIN) * 4)
    found = minimal_counterfactual(text, tfidf)
    assert not found.exact
    assert {text[found.sentences[i].start : found.sentences[i].end] for i in found.removed} == {FAKE}


@pytest.mark.parametrize("n_real", [1, 2])
def test_one_or_two_of_many_sentences_are_as_few_as_can_be(tfidf, n_real):
    found = minimal_counterfactual(" ".join([REAL] * n_real + [*PLAIN] * 4), tfidf)
    assert len(found.sentences) > counterfactual.MOST_EXACT
    assert len(found.removed) == n_real and found.exact


def test_of_a_long_text_few_variants_are_asked_between_two_reports(tfidf, monkeypatch):
    asked, reports = [], []
    ask = tfidf.decision_function
    monkeypatch.setattr(tfidf, "decision_function", lambda texts: asked.append(len(texts)) or ask(texts))
    text = " ".join(f"{FAKE[:-1]} and {sentence}" for sentence in PLAIN * 30)
    n_words = len(text.split())
    found = minimal_counterfactual(text, tfidf, reports.append)
    assert (
        n_words > 700 and max(asked) <= BATCH_WORDS // n_words and sum(asked) == found.evaluations - 1
    )  # the whole text was asked first
    assert len(reports) > len(asked)


def test_the_beam_gives_up_in_time(tfidf, monkeypatch):
    monkeypatch.setattr(counterfactual, "MOST_EVALUATIONS", 40)
    found = minimal_counterfactual(" ".join(f"{FAKE[:-1]} number {i}." for i in range(30)), tfidf)
    assert found.evaluations < 120
    assert found.removed == () and found.p_after == found.p_before


def test_one_sentence_and_none_have_no_flip(tfidf):
    assert minimal_counterfactual(FAKE, tfidf).removed == ()
    assert minimal_counterfactual("", tfidf).removed == ()


def test_cancel_is_heard_after_every_batch(bert):
    heard = []

    def cancel(share):
        heard.append(share)
        if len(heard) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        minimal_counterfactual(" ".join([FAKE, REAL, *PLAIN] * 2), bert, cancel)
    assert len(heard) == 3


def test_what_is_cut_out_leaves_one_space():
    text = "One two. Three four. Five"
    assert without(text, [Span(9, 20)]) == "One two. Five"
    assert without(text, [Span(0, 8)]) == "Three four. Five"
    assert without(text, [Span(0, 8), Span(9, 20)]) == "Five"
    assert without(text, [Span(21, 25)]) == "One two. Three four. "
    assert without(text, [Span(0, 12), Span(4, 20)]) == "Five"
    assert without("Title\n\nOne two.\n\nThree", [Span(7, 15)]) == "Title\n\nThree"


def test_sentences_without_words_are_not_counted():
    assert [s.start for s in worded_sentences("One. ... !!! Two.")] == [0, 13]
