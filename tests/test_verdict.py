"""From a probability to a verdict: every reason, every boundary, and what two models say together."""

from __future__ import annotations

import pytest

from fakenews.schema import Prediction
from fakenews.verdict import (
    MIN_WORDS,
    REASONS,
    UNDECIDED,
    VERDICTS,
    agreement,
    judge,
    reconcile,
    share_sentence,
    with_formatting,
    withdrawn,
)


def prediction(model: str, p_fake: float, n_words: int = 400) -> Prediction:
    return judge(model, p_fake, 0.0, n_words)


@pytest.mark.parametrize(
    ("p_fake", "n_words", "english", "unlike", "verdict", "reasons"),
    [
        (0.9, 400, True, False, "fake", ()),
        (0.1, 400, True, False, "real", ()),
        (UNDECIDED[1], 400, True, False, "fake", ()),
        (UNDECIDED[0], 400, True, False, "real", ()),
        (0.74, 400, True, False, "cannot_judge", ("too_close",)),
        (0.36, 400, True, False, "cannot_judge", ("too_close",)),
        (0.9, MIN_WORDS, True, False, "fake", ()),
        (0.9, MIN_WORDS - 1, True, False, "cannot_judge", ("too_short",)),
        (0.9, 400, False, False, "cannot_judge", ("not_english",)),
        (0.9, 400, True, True, "cannot_judge", ("unlike_training",)),
        (0.9, 5, False, True, "cannot_judge", ("too_short", "not_english", "unlike_training")),
        (0.5, 5, True, False, "cannot_judge", ("too_short",)),  # that it is close says nothing more
        (0.9, 0, False, True, "cannot_judge", ("too_short",)),  # no words, so there is nothing to say of them
    ],
)
def test_verdict_and_reasons(p_fake, n_words, english, unlike, verdict, reasons):
    found = judge("tfidf", p_fake, 1.5, n_words, english=english, unlike_training=unlike)
    assert (found.model, found.p_fake, found.log_odds) == ("tfidf", p_fake, 1.5)
    assert (found.verdict, found.reasons) == (verdict, reasons)


def test_a_probability_that_was_never_fitted_to_labels_gets_no_verdict():
    found = judge("mine", 0.99, 4.6, 400, calibrated=False)
    assert (found.verdict, found.reasons, found.p_fake) == ("cannot_judge", ("uncalibrated",), 0.99)


def test_every_reason_and_verdict_has_its_words():
    judged = (
        judge("m", p, 0.0, n, english=e, unlike_training=not e, calibrated=e)
        for p in (0.5, 0.9)
        for n in (5, 400)
        for e in (True, False)
    )
    found = {reason for answer in judged for reason in answer.reasons}
    given_later, no_longer_given = {"models_disagree", "formatting", "mostly_wrong"}, {"elsewhere"}
    assert found | given_later | no_longer_given == set(REASONS)
    assert {prediction("m", p).verdict for p in (0.1, 0.5, 0.9)} == set(VERDICTS)
    assert str(MIN_WORDS) in REASONS["too_short"]


def test_a_verdict_that_formatting_turns_round_is_withdrawn():
    judged = (prediction("a", 0.9), prediction("b", 0.1), prediction("c", 0.9, n_words=5))
    found = with_formatting(judged, ("a", "c"))
    assert [(p.verdict, p.reasons) for p in found] == [
        ("cannot_judge", ("formatting",)),
        ("real", ()),
        ("cannot_judge", ("too_short",)),  # why it could not be judged anyway says more
    ]
    assert with_formatting(judged, ()) == judged


def test_no_wording_claims_the_truth():
    words = " ".join([*VERDICTS.values(), *REASONS.values()]).lower()
    assert not {"true", "false", "lie", "fact"} & set(words.split())
    assert VERDICTS["fake"].endswith("-like") and VERDICTS["real"].endswith("-like")


def test_contradicting_verdicts_become_cannot_judge():
    both = (prediction("tinybert", 0.95), prediction("tfidf", 0.05))
    found = reconcile(both)
    assert [(p.verdict, p.reasons) for p in found] == [("cannot_judge", ("models_disagree",))] * 2
    assert [(p.model, p.p_fake) for p in found] == [("tinybert", 0.95), ("tfidf", 0.05)]


def test_a_third_model_keeps_its_own_reason():
    found = reconcile([prediction("a", 0.95), prediction("b", 0.05), prediction("c", 0.5)])
    assert [p.reasons for p in found] == [("models_disagree",), ("models_disagree",), ("too_close",)]


@pytest.mark.parametrize("chances", [(), (0.9,), (0.9, 0.8), (0.1, 0.2), (0.9, 0.45), (0.5, 0.5)])
def test_verdicts_that_do_not_contradict_stay(chances):
    predictions = tuple(prediction(f"m{i}", p) for i, p in enumerate(chances))
    assert reconcile(predictions) == predictions


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ((0.9,), "Only one model"),
        ((0.9, 0.8), "lean the same way"),
        ((0.1, 0.45), "lean the same way"),
        ((0.9, 0.45), "opposite ways, at least one of them weakly."),
        ((0.9, 0.1), "contradict each other"),
    ],
)
def test_agreement_in_words(chances, words):
    assert words in agreement(reconcile([prediction(f"m{i}", p) for i, p in enumerate(chances)]))


def test_models_that_decline_are_not_said_to_lean_weakly():
    predictions = [prediction("a", 0.97), withdrawn(prediction("b", 0.01), "mostly_wrong")]
    assert agreement(reconcile(predictions)) == "The models lean opposite ways."


def test_a_prediction_survives_json():
    found = judge("tfidf", 0.9, 1.5, 5, unlike_training=True)
    assert Prediction.from_dict(found.to_dict()) == found
    assert found.to_dict()["reasons"] == ["too_short", "unlike_training"]


def test_a_prediction_from_before_there_was_one_probability_is_read():
    old = {"model": "tfidf", "p_fake": 0.9, "margin": 1.5, "verdict": "cannot_judge", "reasons": ["elsewhere"]}
    found = Prediction.from_dict({**old, "p_elsewhere": 0.2})
    assert found == Prediction("tfidf", 0.9, 1.5, "cannot_judge", ("elsewhere",))
    assert "p_elsewhere" not in found.to_dict()


def test_what_was_measured_is_said_in_a_sentence():
    assert share_sentence(0.777) == (
        "Of 100 articles that scored like this one, all from publishers never seen in training, 78 were labeled fake."
    )
